package network

import (
	"bufio"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"time"
)

// CanTellSenders says whether streams between processes can be told apart here.
const CanTellSenders = true

// Who waits too long to be recognised dials again, and asking about many at once takes longer: so only a few are asked about at a time, and those that have waited for long are sent away.
const (
	askedAtOnce = 8
	askedWithin = 2 * time.Second
)

// ByOwner is the Sender for streams between processes of this machine: it asks the kernel which process owns the other end. processes gives the names of the
// processes that may be meant, by their ids.
func ByOwner(processes func() map[int]string) Sender {
	asking := make(chan struct{}, askedAtOnce)
	return func(accepted net.Conn) (string, bool) {
		begin := time.Now()
		asking <- struct{}{}
		defer func() { <-asking }()
		if time.Since(begin) > askedWithin {
			return "", false
		}
		inode, found := socketOf(accepted)
		if !found {
			return "", false
		}
		wanted := "socket:[" + inode + "]"
		for pid, name := range processes() {
			if owns(pid, wanted) {
				return name, true
			}
		}
		return "", false
	}
}

// socketOf finds the inode of the socket at the other end of a loopback connection.
func socketOf(accepted net.Conn) (inode string, found bool) {
	other, okOther := accepted.RemoteAddr().(*net.TCPAddr)
	here, okHere := accepted.LocalAddr().(*net.TCPAddr)
	if !okOther || !okHere {
		return "", false
	}
	if inode, err := inodeOf(other, here); err == nil {
		return inode, true
	}
	local, remote := tableForm(other), tableForm(here)
	table, err := os.Open("/proc/net/tcp")
	if err != nil {
		return "", false
	}
	defer table.Close()
	rows := bufio.NewScanner(table)
	for rows.Scan() {
		// sl local_address rem_address st tx:rx tr:tm retrnsmt uid timeout inode
		fields := strings.Fields(rows.Text())
		if len(fields) > 9 && fields[1] == local && fields[2] == remote {
			return fields[9], true
		}
	}
	return "", false
}

// tableForm writes an IPv4 address as the kernel's table does: the address as a little-endian number.
func tableForm(address *net.TCPAddr) string {
	ip := address.IP.To4()
	if ip == nil {
		return ""
	}
	return fmt.Sprintf("%02X%02X%02X%02X:%04X", ip[3], ip[2], ip[1], ip[0], address.Port)
}

func owns(pid int, socket string) bool {
	folder := filepath.Join("/proc", strconv.Itoa(pid), "fd")
	entries, err := os.ReadDir(folder)
	if err != nil {
		return false
	}
	for _, entry := range entries {
		if target, err := os.Readlink(filepath.Join(folder, entry.Name())); err == nil && target == socket {
			return true
		}
	}
	return false
}
