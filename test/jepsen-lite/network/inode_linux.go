package network

import (
	"encoding/binary"
	"errors"
	"net"
	"strconv"

	"golang.org/x/sys/unix"
)

// The sizes and places of what is said to the kernel about one socket (linux/inet_diag.h).
const (
	headerSize   = 16
	requestSize  = 56
	inodeAt      = headerSize + 4 + 48 + 16
	byFamily     = 20 // SOCK_DIAG_BY_FAMILY
	answerBuffer = 4096
)

var errNoAnswer = errors.New("the kernel does not tell of single sockets")

// inodeOf asks the kernel for the inode of one TCP socket, by its own address and the other end's. The table in /proc has every connection of the machine, which takes long to read when
// there are many: long enough that dials time out, are repeated, and make it longer.
func inodeOf(local, remote *net.TCPAddr) (inode string, err error) {
	socket, err := unix.Socket(unix.AF_NETLINK, unix.SOCK_DGRAM|unix.SOCK_CLOEXEC, unix.NETLINK_SOCK_DIAG)
	if err != nil {
		return "", err
	}
	defer unix.Close(socket)
	if err := unix.SetsockoptTimeval(socket, unix.SOL_SOCKET, unix.SO_RCVTIMEO, &unix.Timeval{Sec: 1}); err != nil {
		return "", err
	}
	if err := unix.Sendto(socket, diagnose(local, remote), 0, &unix.SockaddrNetlink{Family: unix.AF_NETLINK}); err != nil {
		return "", err
	}
	answer := make([]byte, answerBuffer)
	size, _, err := unix.Recvfrom(socket, answer, 0)
	if err != nil {
		return "", err
	}
	if size < inodeAt+4 || binary.NativeEndian.Uint16(answer[4:]) != byFamily {
		return "", errNoAnswer
	}
	if binary.BigEndian.Uint16(answer[headerSize+4:]) != uint16(local.Port) || binary.BigEndian.Uint16(answer[headerSize+6:]) != uint16(remote.Port) {
		return "", errNoAnswer // of a socket that listens there, since the one asked for is gone
	}
	number := binary.NativeEndian.Uint32(answer[inodeAt:])
	if number == 0 {
		return "", errNoAnswer // nobody has it any more
	}
	return strconv.FormatUint(uint64(number), 10), nil
}

// diagnose is the question.
func diagnose(local, remote *net.TCPAddr) []byte {
	message := make([]byte, headerSize+requestSize)
	binary.NativeEndian.PutUint32(message, uint32(len(message)))
	binary.NativeEndian.PutUint16(message[4:], byFamily)
	binary.NativeEndian.PutUint16(message[6:], unix.NLM_F_REQUEST)
	request := message[headerSize:]
	request[0], request[1] = unix.AF_INET, unix.IPPROTO_TCP
	binary.NativeEndian.PutUint32(request[4:], ^uint32(0)) // in any state
	id := request[8:]
	binary.BigEndian.PutUint16(id, uint16(local.Port))
	binary.BigEndian.PutUint16(id[2:], uint16(remote.Port))
	copy(id[4:8], local.IP.To4())
	copy(id[20:24], remote.IP.To4())
	binary.NativeEndian.PutUint64(id[40:], ^uint64(0)) // no cookie
	return message
}
