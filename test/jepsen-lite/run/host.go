package run

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"

	"github.com/coordd/coordd/test/jepsen-lite/disk"
	"github.com/coordd/coordd/test/jepsen-lite/nemesis"
	"github.com/coordd/coordd/test/jepsen-lite/network"
)

// Host is what this machine offers, as far as it can be told before a run.
func Host() nemesis.Host {
	missing := disk.Missing()
	return nemesis.Host{Senders: network.CanTellSenders, Disks: missing == "", NoDisks: missing}
}

// host is what the machine offers this run. Disks are made only if a nemesis wants them.
func (r *run) host() nemesis.Host {
	host := Host()
	host.Failpoints = r.plan.Failpoints
	if host.Disks && r.wantsDisks(host) {
		if err := r.makeDisks(); err != nil {
			host.Disks, host.NoDisks = false, fmt.Sprintf("disks could not be made here: %v", err)
		}
	}
	return host
}

func (r *run) wantsDisks(host nemesis.Host) bool {
	without := host
	without.Disks, without.NoDisks = false, "no"
	return slices.ContainsFunc(r.plan.Nemeses, func(name string) bool {
		chosen, err := nemesis.Find(name)
		return err == nil && (name == "random" || chosen.Missing(without, r.plan.Nodes, r.plan.Workloads) != chosen.Missing(host, r.plan.Nodes, r.plan.Workloads))
	})
}

// diskSize holds a bolt database, its snapshots and the log of some minutes.
const diskSize = 256 << 20

// makeDisks puts each data directory on a disk of its own. Before a run is over all of them are unmounted again; what is needed from them is copied before.
func (r *run) makeDisks() error {
	for _, node := range r.cluster.Nodes() {
		made, err := disk.New(node.DataDir, filepath.Join(r.place.Out, DataFolder, node.Name+".image"), diskSize)
		if err != nil {
			r.closeDisks()
			return err
		}
		r.disks[node.Name] = made
	}
	return nil
}

func (r *run) closeDisks() {
	for name, one := range r.disks {
		if err := one.Close(); err != nil {
			r.say("the disk of %s cannot be unmounted: %v", name, err)
		}
		delete(r.disks, name)
	}
	_ = os.Remove(filepath.Join(r.place.Out, DataFolder)) // if nothing is in it
}
