// Package memnet is an in-memory network.
package memnet

import (
	"time"

	"github.com/coordd/coordd/transport/peer"
)

// Network is a set of hosts and the links between them. Hosts are named by the host part of an address.
type Network struct{}

// New makes a network without faults.
func New() *Network { return &Network{} }

// Host gives the view of one host: a peer.Network whose dials leave from it.
func (n *Network) Host(name string) peer.Network { return nil }

// Cut holds back everything that from sends to to; dials in either direction wait.
func (n *Network) Cut(from, to string) {}

// Heal lets it through again, in order.
func (n *Network) Heal(from, to string) {}

// SetDelay lets bytes from one host to another take this long.
func (n *Network) SetDelay(from, to string, delay time.Duration) {}

// Drop ends every connection between the two hosts, as a reset does.
func (n *Network) Drop(a, b string) {}

// Crash ends every connection and listener of a host; later dials are refused until it listens again.
func (n *Network) Crash(host string) {}
