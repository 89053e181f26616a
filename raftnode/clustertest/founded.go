package clustertest

import (
	"errors"
	"fmt"

	"github.com/coordd/coordd/raftnode"
	"github.com/coordd/coordd/raftnode/datadir"
)

// foundedID is the id of every cluster that is founded beforehand.
const foundedID = "founded-by-the-test"

// found leaves in the data directories what founding the cluster would have left there, so that its nodes need not find each other first, which takes about a second where time is real.
func (c *Cluster) found() {
	c.t.Helper()
	var promise datadir.Promise
	for i, p := range c.places {
		p.config.NodeID = fmt.Sprintf("node-%d", i)
		promise.Members = append(promise.Members, datadir.Member{NodeID: p.config.NodeID, Address: p.config.PeerAddress})
	}
	for i, p := range c.places {
		if err := writeFounded(p.config, promise, i == 0); err != nil {
			c.t.Fatalf("node %d: %v", i, err)
		}
	}
}

func writeFounded(config raftnode.Config, promise datadir.Promise, founder bool) error {
	dir, err := datadir.Open(datadir.Options{Path: config.DataDir, ClusterName: config.ClusterName, NodeID: config.NodeID})
	if err != nil {
		return err
	}
	err = dir.SetPromise(promise)
	if err == nil && founder {
		err = dir.SetFounded(foundedID)
	} else if err == nil {
		err = dir.SetClusterID(foundedID)
	}
	return errors.Join(err, dir.Close())
}
