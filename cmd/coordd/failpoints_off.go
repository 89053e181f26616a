//go:build !failpoints

package main

import "github.com/coordd/coordd/raftnode"

// installFailpoints does nothing in the program that people run.
func installFailpoints(*raftnode.Config) error { return nil }
