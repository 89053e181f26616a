package main

import (
	"context"
	"encoding/json"
	"fmt"
	"runtime/debug"

	"github.com/coordd/coordd/cmd/coordd/internal/options"
	"github.com/coordd/coordd/transport/httpapi"
)

var versionCommand = options.Command{
	Name:    "version",
	Summary: "tell what was built",
	Usage:   []string{"[--json]"},
	Examples: []options.Example{
		{Line: "coordd version --json", Says: "for programs"},
	},
}

func runVersion(_ context.Context, around *surroundings, arguments []string) error {
	set := options.New(versionCommand)
	asJSON := set.Bool("json", false, "write one JSON object")
	operands, done, err := parse(around, set, arguments)
	if done || err != nil {
		return err
	}
	if err := noOperands(set, operands); err != nil {
		return err
	}
	build := readBuild()
	if *asJSON {
		return json.NewEncoder(around.stdout).Encode(build)
	}
	line := fmt.Sprintf("coordd %s (%s)", build.Version, build.GoVersion)
	if build.Revision != "" {
		line += " revision " + build.Revision
	}
	if build.Modified {
		line += ", with changes that are not committed"
	}
	_, err = fmt.Fprintln(around.stdout, line)
	return err
}

// readBuild reads what the Go toolchain left in the binary. A build out of a checkout has no version of its own and says "devel".
func readBuild() httpapi.Build {
	build := httpapi.Build{Version: "devel", GoVersion: "unknown"}
	info, ok := debug.ReadBuildInfo()
	if !ok {
		return build
	}
	build.GoVersion = info.GoVersion
	if info.Main.Version != "" && info.Main.Version != "(devel)" {
		build.Version = info.Main.Version
	}
	for _, setting := range info.Settings {
		switch setting.Key {
		case "vcs.revision":
			build.Revision = setting.Value
		case "vcs.modified":
			build.Modified = setting.Value == "true"
		}
	}
	return build
}
