package gossip

import (
	"bytes"
	"fmt"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/hashicorp/go-hclog"
	"github.com/hashicorp/memberlist"
)

func start(t *testing.T, id string, change func(*Config)) *Gossip {
	t.Helper()
	config := Config{
		NodeID:        id,
		Meta:          Meta{PeerAddress: id + ":7580", RedisAddress: id + ":7379", HTTPAddress: id + ":7480", ClusterName: "test"},
		ListenAddress: "127.0.0.1:0",
	}
	if change != nil {
		change(&config)
	}
	g, err := Start(config)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = g.Close() })
	return g
}

// await waits until the members that g sees, written as id(alive or dead, cluster id), are these.
func await(t *testing.T, g *Gossip, limit time.Duration, want ...string) {
	t.Helper()
	deadline := time.After(limit)
	for {
		var got []string
		for _, m := range g.Members() {
			got = append(got, fmt.Sprintf("%s(%s,%s)", m.NodeID, m.State, m.Meta.ClusterID))
		}
		if reflect.DeepEqual(got, want) {
			return
		}
		select {
		case <-g.Changed():
		case <-deadline:
			t.Fatalf("members %v, want %v", got, want)
		}
	}
}

func TestNodesFindEachOtherAndNoticeChanges(t *testing.T) {
	key := bytes.Repeat([]byte{7}, 32)
	a := start(t, "a", func(c *Config) { c.SecretKey = key })
	seeded := func(c *Config) { c.SecretKey, c.Seeds = key, []string{a.Address()} }
	b, c := start(t, "b", seeded), start(t, "c", seeded)
	for _, g := range []*Gossip{a, b, c} {
		await(t, g, 10*time.Second, "a(alive,)", "b(alive,)", "c(alive,)")
	}
	meta := Meta{PeerAddress: "c:7580", ClusterName: "test", ClusterID: "c1"}
	if err := c.SetMeta(meta); err != nil {
		t.Fatal(err)
	}
	await(t, a, 10*time.Second, "a(alive,)", "b(alive,)", "c(alive,c1)")
	if err := b.Leave(5 * time.Second); err != nil {
		t.Fatal(err)
	}
	await(t, a, 10*time.Second, "a(alive,)", "b(left,)", "c(alive,c1)")
	if err := c.Close(); err != nil {
		t.Fatal(err)
	}
	await(t, a, 15*time.Second, "a(alive,)", "b(left,)", "c(suspect,c1)")
	await(t, a, 15*time.Second, "a(alive,)", "b(left,)", "c(dead,c1)")
}

// A member that does not answer is suspected after two pings, not after one, and one answer clears it. Nothing but memberlist's own word ends a member.
func TestSuspicions(t *testing.T) {
	a := &table{self: "a", logger: hclog.NewNullLogger(), changed: make(chan struct{}, 1), members: map[string]Member{}, silences: map[string]int{}, farewell: map[string]time.Time{}}
	b := &memberlist.Node{Name: "b"}
	if err := a.tell(Meta{ClusterName: "test"}); err != nil {
		t.Fatal(err)
	}
	b.Meta = a.own
	a.NotifyJoin(b)
	is := func(want State) {
		t.Helper()
		if got := a.list(false)[0]; got.State != want || got.Since.IsZero() || got.Alive() != (want == Alive || want == Suspect) {
			t.Errorf("b is %s since %v, want %s", got.State, got.Since, want)
		}
	}
	is(Alive)
	a.answered("b", false)
	is(Alive)
	a.answered("b", true)
	a.answered("b", false)
	is(Alive)
	a.answered("b", false)
	is(Suspect)
	a.NotifyUpdate(b) // somebody else heard it; this node has not
	is(Suspect)
	a.answered("b", true)
	is(Alive)
	a.answered("b", false)
	a.answered("b", false)
	a.NotifyLeave(b)
	is(Dead)
	a.answered("b", true) // the answer to a ping that was under way
	is(Dead)
	a.NotifyMsg(append(farewellWord, 'b')) // it is dead already
	a.NotifyJoin(b)
	is(Alive)
	a.NotifyLeave(b)
	is(Dead)
	a.NotifyJoin(b)
	a.NotifyMsg([]byte("something else"))
	a.NotifyMsg(append(farewellWord, 'c')) // nobody here
	a.NotifyMsg(append(farewellWord, 'b'))
	is(Alive) // saying farewell is not going
	a.NotifyLeave(b)
	is(Left)
	a.NotifyJoin(b)
	a.farewell["b"] = time.Now().Add(-farewellHolds)
	a.NotifyLeave(b)
	is(Dead) // it said farewell long ago, and stayed
	a.answered("nobody", false)
	if len(a.list(false)) != 1 {
		t.Errorf("members %v", a.list(false))
	}
}

func TestAnotherKeyOrClusterNameIsNotHeard(t *testing.T) {
	a := start(t, "a", func(c *Config) { c.SecretKey = bytes.Repeat([]byte{7}, 32) })
	stranger := start(t, "s", func(c *Config) { c.SecretKey = bytes.Repeat([]byte{8}, 32) })
	if count, err := stranger.Join([]string{a.Address()}); err == nil || count != 0 {
		t.Fatalf("joining with another key: %d, %v", count, err)
	}
	plain, other := start(t, "p", nil), start(t, "o", func(c *Config) { c.Meta.ClusterName = "other" })
	if count, err := other.Join([]string{plain.Address()}); err == nil || count != 0 {
		t.Fatalf("joining another cluster: %d, %v", count, err)
	}
	await(t, a, time.Second, "a(alive,)")
	await(t, plain, time.Second, "p(alive,)")
}

func TestCopiedNodeIDIsReported(t *testing.T) {
	conflicts := make(chan error, 1)
	a := start(t, "same", func(c *Config) {
		c.OnConflict = func(err error, peerAddress string) {
			if peerAddress != "there:7580" {
				err = fmt.Errorf("told of peer address %q", peerAddress)
			}
			select {
			case conflicts <- err:
			default: // it is told again and again
			}
		}
	})
	b := start(t, "b", func(c *Config) { c.Seeds = []string{a.Address()} })
	await(t, b, 10*time.Second, "b(alive,)", "same(alive,)")
	start(t, "same", func(c *Config) { c.Seeds, c.Meta.PeerAddress = []string{a.Address(), b.Address()}, "there:7580" })
	select {
	case err := <-conflicts:
		if !strings.Contains(err.Error(), "was copied") || !strings.Contains(err.Error(), "same") {
			t.Fatal(err)
		}
	case <-time.After(10 * time.Second):
		t.Fatal("a second node under the same id went unnoticed")
	}
}

func TestBadConfigurationsAreExplained(t *testing.T) {
	taken := start(t, "a", nil)
	for sentence, change := range map[string]func(*Config){
		"must have 32": func(c *Config) { c.SecretKey = []byte("short") },
		"gossip carries 512": func(c *Config) {
			c.Meta.HTTPAddress, c.Meta.RedisAddress = strings.Repeat("h", 250), strings.Repeat("r", 250)
		},
		"longer than 255":        func(c *Config) { c.Meta.PeerAddress = strings.Repeat("p", 256) },
		"is not a port":          func(c *Config) { c.ListenAddress = "127.0.0.1:http" },
		"missing port":           func(c *Config) { c.AdvertiseAddress = "127.0.0.1" },
		"name of its cluster":    func(c *Config) { c.Meta.ClusterName = "" },
		"needs a node id":        func(c *Config) { c.NodeID = "" },
		"address already in use": func(c *Config) { c.ListenAddress = taken.Address() },
	} {
		config := Config{NodeID: "b", Meta: Meta{PeerAddress: "b:7580", ClusterName: "test"}, ListenAddress: "127.0.0.1:0"}
		change(&config)
		g, err := Start(config)
		if err == nil {
			_ = g.Close()
		}
		if err == nil || !strings.Contains(err.Error(), sentence) {
			t.Errorf("want %q, got %v", sentence, err)
		}
	}
}

func TestTheLongestTextsTravel(t *testing.T) {
	told := Meta{PeerAddress: strings.Repeat("p", 255), ClusterName: strings.Repeat("c", 240)}
	encoded, err := told.encode()
	if err != nil {
		t.Fatal(err)
	}
	if read, err := decodeMeta(encoded); err != nil || read != told {
		t.Errorf("told %+v, read %+v, %v", told, read, err)
	}
}

func FuzzMeta(f *testing.F) {
	whole, err := Meta{PeerAddress: "a:1", RedisAddress: "a:2", HTTPAddress: "a:3", ClusterName: "test", ClusterID: "c1"}.encode()
	if err != nil {
		f.Fatal(err)
	}
	f.Add(whole)
	f.Add(whole[:7])
	f.Add([]byte{metaVersion, 255})
	f.Add(append([]byte{metaVersion, 255}, make([]byte, 300)...))
	f.Fuzz(func(t *testing.T, encoded []byte) {
		meta, err := decodeMeta(encoded)
		if err != nil {
			return
		}
		again, err := meta.encode()
		if err != nil || !bytes.HasPrefix(encoded, again) {
			t.Fatalf("%x decodes to %+v, which encodes to %x, %v", encoded, meta, again, err)
		}
	})
}
