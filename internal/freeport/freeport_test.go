package freeport

import (
	"net"
	"strconv"
	"testing"
)

func TestAddressesDifferAndLieBelowOutgoingPorts(t *testing.T) {
	seen := map[string]bool{}
	for range 200 {
		address, err := Address()
		if err != nil {
			t.Fatal(err)
		}
		if seen[address] {
			t.Fatalf("%s was given twice", address)
		}
		seen[address] = true
		_, text, err := net.SplitHostPort(address)
		if err != nil {
			t.Fatal(err)
		}
		if port, err := strconv.Atoi(text); err != nil || port < lowest || port > highest {
			t.Fatalf("%s lies outside %d to %d", address, lowest, highest)
		}
		listener, err := net.Listen("tcp", address)
		if err != nil {
			t.Fatalf("%s cannot be bound: %v", address, err)
		}
		listener.Close()
	}
}

func TestAnAddressInUseIsNotFree(t *testing.T) {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer listener.Close()
	if free(listener.Addr().String()) {
		t.Errorf("%s counts as free although TCP listens there", listener.Addr())
	}
	packets, err := net.ListenPacket("udp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer packets.Close()
	if free(packets.LocalAddr().String()) {
		t.Errorf("%s counts as free although UDP listens there", packets.LocalAddr())
	}
}
