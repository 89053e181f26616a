package run

import (
	"os"
	"os/exec"
	"path/filepath"
	"slices"

	"github.com/coordd/coordd/test/jepsen-lite/nemesis"
	"github.com/coordd/coordd/test/jepsen-lite/network"
)

// Host is what this machine offers, as far as it can be told before a run.
func Host() nemesis.Host {
	return nemesis.Host{Root: os.Geteuid() == 0, Senders: network.CanTellSenders}
}

// host is what the machine offers this run; file systems of limited size are mounted if a nemesis wants them.
func (r *run) host() nemesis.Host {
	host := Host()
	host.Failpoints = r.plan.Failpoints
	wanted := slices.Contains(r.plan.Nemeses, "disk-full") || slices.Contains(r.plan.Nemeses, "random")
	host.Tmpfs = wanted && host.Root && r.mount() == nil
	return host
}

// diskSize holds a bolt database, its snapshots and the log of a few minutes.
const diskSize = "size=96m"

// mount puts each data directory on a file system of its own. Before a run is over all of them are unmounted again; what is needed from them is copied before.
func (r *run) mount() error {
	for _, node := range r.cluster.Nodes() {
		if err := exec.Command("mount", "-t", "tmpfs", "-o", diskSize, "jepsen-lite", node.DataDir).Run(); err != nil {
			r.unmount()
			return err
		}
		r.mounts = append(r.mounts, node.DataDir)
	}
	return nil
}

func (r *run) unmount() {
	for _, path := range r.mounts {
		if err := exec.Command("umount", path).Run(); err != nil {
			_ = exec.Command("umount", "--lazy", path).Run() // somebody looks at it; it goes when they are done
		}
	}
	r.mounts = nil
	_ = os.Remove(filepath.Join(r.place.Out, DataFolder)) // if nothing is in it
}
