package network

import (
	"net"
	"os"
	"strconv"
	"strings"
	"testing"
)

func TestTheKernelTellsTheInodeOfOneSocket(t *testing.T) {
	listener, err := net.Listen("tcp4", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer listener.Close()
	dialled, err := net.Dial("tcp4", listener.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	defer dialled.Close()
	accepted, err := listener.Accept()
	if err != nil {
		t.Fatal(err)
	}
	defer accepted.Close()
	other, here := accepted.RemoteAddr().(*net.TCPAddr), accepted.LocalAddr().(*net.TCPAddr)
	inode, err := inodeOf(other, here)
	if err != nil {
		t.Skipf("this kernel answers no such questions, and the table is read instead: %v", err)
	}
	wanted := ""
	raw, err := dialled.(*net.TCPConn).SyscallConn()
	if err != nil {
		t.Fatal(err)
	}
	err = raw.Control(func(descriptor uintptr) {
		target, _ := os.Readlink("/proc/self/fd/" + strconv.Itoa(int(descriptor)))
		wanted = strings.TrimSuffix(strings.TrimPrefix(target, "socket:["), "]")
	})
	if err != nil || inode != wanted {
		t.Errorf("the socket has the inode %s, the kernel said %s, %v", wanted, inode, err)
	}
	if _, err := inodeOf(here, &net.TCPAddr{IP: other.IP, Port: 1}); err == nil {
		t.Error("a socket that is not there has an inode")
	}
}

func BenchmarkWhoDialled(b *testing.B) {
	listener, err := net.Listen("tcp4", "127.0.0.1:0")
	if err != nil {
		b.Fatal(err)
	}
	defer listener.Close()
	dialled, err := net.Dial("tcp4", listener.Addr().String())
	if err != nil {
		b.Fatal(err)
	}
	defer dialled.Close()
	accepted, err := listener.Accept()
	if err != nil {
		b.Fatal(err)
	}
	defer accepted.Close()
	for b.Loop() {
		if _, found := socketOf(accepted); !found {
			b.Fatal("not found")
		}
	}
}
