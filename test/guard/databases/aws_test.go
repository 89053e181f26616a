package databases

import (
	"context"

	"github.com/coordd/coordd/test/compat/process"
	"github.com/coordd/coordd/test/guard/servers"
)

// moto is where the emulator answers, and why there is none.
var moto struct{ url, skip string }

func startMoto(ctx context.Context, group *process.Group, _ string) error {
	server, err := servers.StartMoto(ctx, group, "..")
	if moto.skip, err = skipped(err); server != nil {
		moto.url = "http://" + server.Address
	}
	return err
}
