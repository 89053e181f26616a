package tidy

import (
	"bytes"
	"errors"
	"fmt"
	"go/ast"
	"go/importer"
	"go/types"
	"io"
	"os"
	"os/exec"
	"slices"
	"strconv"
	"strings"
)

// typeCheck finds the types of all expressions of the given packages. What they import comes compiled from the go command, so nothing but
// the packages themselves is read as source.
func (t *Tree) typeCheck(packages map[string][]*File) (*types.Info, error) {
	exports, err := exportData(packages)
	if err != nil {
		return nil, err
	}
	info := &types.Info{Types: map[ast.Expr]types.TypeAndValue{}, Defs: map[*ast.Ident]types.Object{}, Uses: map[*ast.Ident]types.Object{}}
	lookup := func(imported string) (io.ReadCloser, error) {
		if name := exports[imported]; name != "" {
			return os.Open(name)
		}
		return nil, fmt.Errorf("no compiled form of %s", imported)
	}
	compiled := importer.ForCompiler(t.Position, "gc", lookup)
	var failures []error
	for directory, files := range packages {
		configuration := types.Config{Importer: compiled, Error: func(err error) { failures = append(failures, err) }}
		syntax := make([]*ast.File, len(files))
		for i, file := range files {
			syntax[i] = file.Syntax
		}
		// Its error is the first of those that the configuration collects.
		_, _ = configuration.Check(modulePath+"/"+directory, t.Position, syntax, info)
	}
	return info, errors.Join(failures...)
}

// exportData asks the go command to compile what the packages import and where the results lie.
func exportData(packages map[string][]*File) (map[string]string, error) {
	var wanted []string
	for _, files := range packages {
		for _, file := range files {
			for _, spec := range file.Syntax.Imports {
				imported, err := strconv.Unquote(spec.Path.Value)
				if err != nil {
					return nil, err
				}
				wanted = append(wanted, imported)
			}
		}
	}
	slices.Sort(wanted)
	wanted = slices.Compact(wanted)
	exports := map[string]string{}
	if len(wanted) == 0 {
		return exports, nil
	}
	command := exec.Command("go", append([]string{"list", "-export", "-deps", "-f", "{{.ImportPath}}={{.Export}}", "--"}, wanted...)...)
	var complaints bytes.Buffer
	command.Stderr = &complaints
	output, err := command.Output()
	if err != nil {
		return nil, fmt.Errorf("compiling what the pure packages import: %w\n%s", err, complaints.String())
	}
	for line := range strings.Lines(string(output)) {
		if imported, name, found := strings.Cut(strings.TrimSpace(line), "="); found {
			exports[imported] = name
		}
	}
	return exports, nil
}
