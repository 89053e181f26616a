package client

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// The figures of docs/guarantees.md and docs/client.md are those of the arithmetic that decides when a lock is lost.
func TestTheDocumentationsFiguresAreThoseOfTheArithmetic(t *testing.T) {
	clock := leaseClock{rateTolerance: DefaultRateTolerance, margin: DefaultMargin}
	lives := clock.deadline(reading{committedMs: 1000}, 1000+DefaultSessionTTL.Milliseconds())
	session := &Session{ttl: DefaultSessionTTL}
	interval, _ := session.renewing()
	for page, figures := range map[string][]string{
		"guarantees.md": {
			fmt.Sprintf("that is %.2f s after the last answered keepalive *was sent*", lives.Seconds()),
			fmt.Sprintf("about\n%.1f s without reaching a majority", (lives - interval).Seconds()),
			fmt.Sprintf("%d ms by default", DefaultMargin/time.Millisecond),
			fmt.Sprintf("| ρ | by how much the rates of the two clocks may differ; %g is generous |", DefaultRateTolerance),
		},
		"client.md": {fmt.Sprintf("with a TTL of %d s a lock is lost %.1f s after the last keepalive that got through", DefaultSessionTTL/time.Second, lives.Seconds())},
	} {
		text, err := os.ReadFile(filepath.Join("..", "docs", page))
		if err != nil {
			t.Fatal(err)
		}
		for _, figure := range figures {
			if !strings.Contains(string(text), figure) {
				t.Errorf("docs/%s does not say %q", page, figure)
			}
		}
	}
}

// The deadline is early whatever the rates of the two clocks are, as long as neither is off by more than ρ: the proof in the package comment, with numbers.
func TestADeadlineIsEarlyAtEveryRate(t *testing.T) {
	clock := leaseClock{rateTolerance: DefaultRateTolerance, margin: DefaultMargin}
	for _, ttl := range []time.Duration{50 * time.Millisecond, 500 * time.Millisecond, 10 * time.Second, 24 * time.Hour} {
		believed := clock.deadline(reading{committedMs: 7}, 7+ttl.Milliseconds())
		for _, cluster := range []float64{0.9, 1, 1.1} { // what the cluster's clock gains in a second
			for _, here := range []float64{0.9, 1, 1.1} {
				ends := time.Duration(float64(ttl) / cluster * here) // on the clock here, if it was committed when it was sent
				if believed >= ends {
					t.Errorf("a lease of %v is believed in for %v and ends after %v (rates %g and %g)", ttl, believed, ends, cluster, here)
				}
			}
		}
	}
}
