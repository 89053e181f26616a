package network

import (
	"encoding/binary"
	"fmt"
	"net"
	"os"
	"strconv"
	"strings"
	"testing"

	"golang.org/x/sys/unix"
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
	if err := tellsOfSockets(); err != nil {
		t.Skipf("this kernel tells of no sockets, and the table is read instead: %v", err)
	}
	inode, err := inodeOf(other, here)
	if err != nil {
		t.Fatal(err)
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

// tellsOfSockets asks for every TCP socket there is, of which there is one at least, in the words of another question than the one under test.
func tellsOfSockets() error {
	const sockDiagByFamily, request = 20, 16 + 56
	socket, err := unix.Socket(unix.AF_NETLINK, unix.SOCK_DGRAM|unix.SOCK_CLOEXEC, unix.NETLINK_SOCK_DIAG)
	if err != nil {
		return err
	}
	defer unix.Close(socket)
	question := make([]byte, request)
	binary.NativeEndian.PutUint32(question, request)
	binary.NativeEndian.PutUint16(question[4:], sockDiagByFamily)
	binary.NativeEndian.PutUint16(question[6:], unix.NLM_F_REQUEST|unix.NLM_F_DUMP)
	question[16], question[17] = unix.AF_INET, unix.IPPROTO_TCP
	binary.NativeEndian.PutUint32(question[20:], ^uint32(0)) // in any state
	if err := unix.Sendto(socket, question, 0, &unix.SockaddrNetlink{Family: unix.AF_NETLINK}); err != nil {
		return err
	}
	answer := make([]byte, 1<<16)
	if _, _, err := unix.Recvfrom(socket, answer, 0); err != nil {
		return err
	}
	if kind := binary.NativeEndian.Uint16(answer[4:]); kind != sockDiagByFamily {
		return fmt.Errorf("the answer is a message of kind %d", kind)
	}
	return nil
}
