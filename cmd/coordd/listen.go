package main

import (
	"errors"
	"fmt"
	"io/fs"
	"net"
	"syscall"

	"github.com/coordd/coordd/internal/freeport"
)

// listen binds a TCP address. When that fails the sentence names the port and the flag that moves it.
func listen(flagName, address string) (net.Listener, error) {
	listener, err := net.Listen("tcp", address)
	if err != nil {
		return nil, portFailure(flagName, address, err)
	}
	return listener, nil
}

// probe finds out whether an address can be bound by what will bind it later: TCP, and UDP as well for gossip. It leaves nothing bound, and a
// port taken in between is reported by whoever binds it then.
func probe(flagName, address string, udp bool) error {
	listener, err := net.Listen("tcp", address)
	if err != nil {
		return portFailure(flagName, address, err)
	}
	// What was bound only now closes without failing.
	_ = listener.Close()
	if !udp {
		return nil
	}
	packets, err := net.ListenPacket("udp", address)
	if err != nil {
		return portFailure(flagName, address, err)
	}
	_ = packets.Close()
	return nil
}

// portFailure turns the reason why an address cannot be bound into a sentence.
func portFailure(flagName, address string, err error) error {
	host, port, splitErr := net.SplitHostPort(address)
	if splitErr != nil {
		host, port = address, "?"
	}
	switch {
	case errors.Is(err, syscall.EADDRINUSE):
		err = fmt.Errorf("port %s on %s is in use by another process; stop that one, or choose another port with %s", port, host, flagName)
	case errors.Is(err, fs.ErrPermission):
		err = fmt.Errorf("this user may not listen on port %s; choose a port above 1023 with %s", port, flagName)
	case errors.Is(err, syscall.EADDRNOTAVAIL):
		err = fmt.Errorf("%s is not an address of this machine; choose one with %s", host, flagName)
	default:
		err = fmt.Errorf("cannot listen on %s (%s): %w", address, flagName, err)
	}
	return failWith(exitCannotMake, err)
}

// chosenAddress replaces port 0 by a free port of loopback. Only for peer and gossip ports, which must be known before they are bound, since every
// node of a new cluster names the others.
func chosenAddress(address string) (string, error) {
	_, port, err := net.SplitHostPort(address)
	if err != nil || port != "0" {
		return address, err
	}
	return freeport.Address()
}
