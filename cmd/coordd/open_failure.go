package main

import (
	"errors"
	"net"
	"syscall"

	"github.com/coordd/coordd/raftnode"
)

// openFailure gives what raftnode.Open refused the exit code and, where a port is the reason, the flag that moves it.
func openFailure(config raftnode.Config, err error) error {
	var op *net.OpError
	if errors.As(err, &op) && errors.Is(err, syscall.EADDRINUSE) && op.Addr != nil {
		if op.Addr.String() == config.GossipAddress {
			return portFailure("--gossip-addr", config.GossipAddress, err)
		}
		return portFailure("--peer-addr", config.PeerAddress, err)
	}
	return failWith(exitCannotMake, err)
}
