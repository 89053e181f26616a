package network

import (
	"encoding/binary"
	"net/netip"
)

// linkOf tells to which link a packet of IPv4 belongs; ok is false for what belongs to no plane.
func (s *namespaces) linkOf(packet []byte) (key link, ok bool) {
	const leastHeader, portsLength = 20, 4
	if len(packet) < leastHeader || packet[0]>>4 != 4 {
		return link{}, false
	}
	header := int(packet[0]&15) * 4
	if len(packet) < header+portsLength {
		return link{}, false
	}
	source, _ := netip.AddrFromSlice(packet[12:16])
	target, _ := netip.AddrFromSlice(packet[16:20])
	from, to := s.names[source.String()], s.names[target.String()]
	if from == "" || to == "" {
		return link{}, false
	}
	sourcePort, targetPort := int(binary.BigEndian.Uint16(packet[header:])), int(binary.BigEndian.Uint16(packet[header+2:]))
	for _, plane := range []Plane{Peer, Gossip, Client} {
		if port := planePort(plane); targetPort == port || sourcePort == port {
			return link{from, to, plane}, true
		}
	}
	return link{}, false
}
