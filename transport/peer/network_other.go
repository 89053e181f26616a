//go:build !linux

package peer

import "net"

// limitUnacked does nothing where TCP_USER_TIMEOUT does not exist; keepalive and the link's own silence limit remain.
func limitUnacked(net.Conn) {}
