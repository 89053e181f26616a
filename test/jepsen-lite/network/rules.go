package network

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
)

// The ports of every node in a namespace of its own. They lie below those that a system gives to outgoing connections, so a port tells the plane of a packet.
const (
	redisPort  = 7379
	httpPort   = 7380
	peerPort   = 7381
	gossipPort = 7382
)

// planePort is the port at which the node of a link listens for a plane.
func planePort(plane Plane) int {
	switch plane {
	case Peer:
		return peerPort
	case Gossip:
		return gossipPort
	default:
		return redisPort
	}
}

// lateDevice is the device through which packets go that must come late, twice or in another order; lateMark marks them on their way to it.
const (
	lateDevice = "late0"
	lateMark   = 1
	lateTable  = 100
)

// Names of the firewall's counters.
const (
	countCut   = "were_cut" // the words alone mean something to nft
	countLost  = "were_lost"
	countReset = "were_reset"
)

// firewall is the table of the router between the namespaces before any fault.
const firewall = `table ip links {
	counter ` + countCut + ` {
	}
	counter ` + countLost + ` {
	}
	counter ` + countReset + ` {
	}
	chain late {
		type filter hook prerouting priority mangle
		policy accept
	}
	chain pass {
		type filter hook forward priority filter
		policy accept
	}
}
`

// late reports whether the packets of a link take the way through the late device.
func (f Fault) late() bool { return f.Delay > 0 || f.Jitter > 0 || f.Duplicate > 0 || f.Rate > 0 }

// ruleset is what nft is told to let exactly these faults hold, all at once. A packet that was late meets cuts and losses when it leaves, like any other. addresses gives the address of each name.
func ruleset(faults map[link]Fault, addresses map[string]string) string {
	var text strings.Builder
	text.WriteString("flush chain ip links late\nflush chain ip links pass\n")
	fmt.Fprintf(&text, "add rule ip links late iifname %q accept\nadd rule ip links pass oifname %q accept\n", lateDevice, lateDevice)
	keys := make([]link, 0, len(faults))
	for key := range faults {
		keys = append(keys, key)
	}
	slices.SortFunc(keys, func(a, b link) int {
		return cmp.Or(cmp.Compare(a.from, b.from), cmp.Compare(a.to, b.to), cmp.Compare(a.plane, b.plane))
	})
	for _, key := range keys {
		from, to := addresses[key.from], addresses[key.to]
		if from == "" || to == "" {
			continue
		}
		fault, port := faults[key], planePort(key.plane)
		// Either end may have dialled; datagrams carry the port at both ends, and must not meet a rule twice.
		for _, ports := range []string{fmt.Sprintf("th dport %d", port), fmt.Sprintf("th sport %d th dport != %d", port, port)} {
			packets := fmt.Sprintf("ip saddr %s ip daddr %s meta l4proto { tcp, udp } %s", from, to, ports)
			if fault.Cut == Reset {
				fmt.Fprintf(&text, "add rule ip links pass %s meta l4proto tcp counter name %s reject with tcp reset\n", packets, countReset)
			}
			if fault.Cut != Pass {
				fmt.Fprintf(&text, "add rule ip links pass %s counter name %s drop\n", packets, countCut)
			}
			if fault.Loss > 0 {
				fmt.Fprintf(&text, "add rule ip links pass %s numgen random mod %d < %d counter name %s drop\n", packets, lossParts, int(fault.Loss*lossParts), countLost)
			}
			if fault.late() {
				fmt.Fprintf(&text, "add rule ip links late %s meta mark set %d\n", packets, lateMark)
			}
		}
	}
	return text.String()
}

// lossParts is how finely a probability is told to the firewall.
const lossParts = 10_000
