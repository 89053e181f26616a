//go:build failpoints

package main

import (
	"github.com/coordd/coordd/cmd/coordd/internal/failpoints"
	"github.com/coordd/coordd/raftnode"
)

// installFailpoints lets tests bend the node's clock and choose where it dies.
func installFailpoints(config *raftnode.Config) error { return failpoints.Install(config) }
