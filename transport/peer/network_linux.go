package peer

import (
	"net"

	"golang.org/x/sys/unix"
)

// limitUnacked sets TCP_USER_TIMEOUT, so that a write to a machine that vanished does not wait for the kernel's fifteen minutes.
func limitUnacked(conn net.Conn) {
	tcp, ok := conn.(*net.TCPConn)
	if !ok {
		return
	}
	raw, err := tcp.SyscallConn()
	if err != nil {
		return
	}
	_ = raw.Control(func(descriptor uintptr) {
		_ = unix.SetsockoptInt(int(descriptor), unix.IPPROTO_TCP, unix.TCP_USER_TIMEOUT, int(unackedTimeout.Milliseconds()))
	})
}
