package nemesis

import (
	"io"
	"log"
	"net"
	"strings"
	"testing"
	"time"

	"github.com/hashicorp/memberlist"

	"github.com/coordd/coordd/internal/forgery"
)

// A member that lives is believed to be dead because somebody says so, and denies it; and so again.
func TestAFalseDeathIsBelievedAndDenied(t *testing.T) {
	left, joined := make(chan string, 100), make(chan string, 100)
	start := func(name string, events memberlist.EventDelegate) *memberlist.Memberlist {
		settings := memberlist.DefaultLocalConfig()
		settings.Name, settings.Label, settings.Events = name, ClusterName, events
		settings.BindAddr, settings.BindPort, settings.AdvertisePort = "127.0.0.1", 0, 0
		settings.Logger = log.New(io.Discard, "", 0)
		list, err := memberlist.Create(settings)
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { _ = list.Shutdown() })
		return list
	}
	victim := strings.Repeat("a long name of a worker ", 4)
	hears := start("hears", told{left: left, joined: joined})
	if _, err := start(victim, nil).Join([]string{hears.LocalNode().Address()}); err != nil {
		t.Fatal(err)
	}
	await(t, joined, victim)
	if members := heardOf([]*memberlist.Memberlist{hears}, "hears"); len(members) != 1 || !members[victim] {
		t.Fatalf("of the members it heard %v", members)
	}
	socket, err := net.Dial("udp", hears.LocalNode().Address())
	if err != nil {
		t.Fatal(err)
	}
	defer socket.Close()
	for range 2 {
		for until := time.Now().Add(10 * time.Second); len(left) == 0; time.Sleep(lieInterval) {
			if _, err := socket.Write(forgery.Death(ClusterName, victim, "rogue", incarnationOfLies(time.Now()))); err != nil || time.Now().After(until) {
				t.Fatalf("nobody believes that it is dead (%v)", err)
			}
		}
		await(t, left, victim)
		await(t, joined, victim)
	}
}

// told are the names of those that came and went.
type told struct{ left, joined chan string }

func (t told) NotifyJoin(node *memberlist.Node)  { t.joined <- node.Name }
func (t told) NotifyLeave(node *memberlist.Node) { t.left <- node.Name }
func (told) NotifyUpdate(*memberlist.Node)       {}

func await(t *testing.T, names chan string, name string) {
	t.Helper()
	for limit := time.After(10 * time.Second); ; {
		select {
		case heard := <-names:
			if heard == name {
				return
			}
		case <-limit:
			t.Fatalf("nothing was heard of %q", name)
		}
	}
}
