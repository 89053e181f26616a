package network

import (
	"strings"
	"testing"
	"time"
)

func TestRulesSayEachDirectionAndPlaneByItself(t *testing.T) {
	text := ruleset(map[link]Fault{
		{"n1", "n2", Peer}:          {Cut: Reset},
		{"n2", "n1", Gossip}:        {Loss: 0.25, Jitter: time.Millisecond},
		{"n1", "gone", Peer}:        {Cut: Drop},
		{"clients-1", "n1", Client}: {Cut: Drop},
	}, map[string]string{"n1": "198.18.1.2", "n2": "198.18.2.2", "clients-1": "198.18.3.2"})
	for _, line := range []string{
		`add rule ip links pass ip saddr 198.18.1.2 ip daddr 198.18.2.2 meta l4proto { tcp, udp } th dport 7381 meta l4proto tcp counter name were_reset reject with tcp reset`,
		`add rule ip links pass ip saddr 198.18.1.2 ip daddr 198.18.2.2 meta l4proto { tcp, udp } th sport 7381 th dport != 7381 counter name were_cut drop`,
		`add rule ip links pass ip saddr 198.18.2.2 ip daddr 198.18.1.2 meta l4proto { tcp, udp } th dport 7382 numgen random mod 10000 < 2500 counter name were_lost drop`,
		`add rule ip links late ip saddr 198.18.2.2 ip daddr 198.18.1.2 meta l4proto { tcp, udp } th dport 7382 meta mark set 1`,
		`add rule ip links pass ip saddr 198.18.3.2 ip daddr 198.18.1.2 meta l4proto { tcp, udp } th dport 7379 counter name were_cut drop`,
	} {
		if !strings.Contains(text, line+"\n") {
			t.Errorf("the rules do not say %s", line)
		}
	}
	if strings.Contains(text, "ip saddr 198.18.2.2 ip daddr 198.18.1.2 meta l4proto { tcp, udp } th dport 7381") || strings.Count(text, "\n") != 14 {
		t.Errorf("the rules say more than they should:\n%s", text)
	}
	if healthy := ruleset(nil, nil); strings.Contains(healthy, "drop") || !strings.HasPrefix(healthy, "flush chain") {
		t.Errorf("without a fault: %s", healthy)
	}
}
