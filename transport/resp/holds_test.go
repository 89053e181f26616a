package resp

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/coordd/coordd/transport/resp/wire"
)

// hello3 makes a guest speak RESP3.
func (g *guest) hello3() *guest {
	g.t.Helper()
	if err := g.do("HELLO 3").Err(); err != nil {
		g.t.Fatal(err)
	}
	return g
}

// grant takes something that must be granted.
func (g *guest) grant(line string) wire.Value {
	g.t.Helper()
	value := g.do(line)
	if err := value.Err(); err != nil {
		g.t.Fatalf("%s: %v", line, err)
	}
	if field(g.t, value, "token") == 0 {
		g.t.Fatalf("%s: %s", line, show(value))
	}
	return value
}

// doAndPushed sends a request that leads to one push to this connection, which may overtake the answer, and reads both.
func (g *guest) doAndPushed(line string) (answer, push wire.Value) {
	g.t.Helper()
	g.send(request(line))
	first, second := g.next(), g.next()
	if first.Type == wire.Push {
		first, second = second, first
	}
	if first.Type == wire.Push || second.Type != wire.Push {
		g.t.Fatalf("%s: got %s and %s, want an answer and a push", line, show(first), show(second))
	}
	return first, second
}

func TestSharedLocksAndPermitsOverTheWire(t *testing.T) {
	d := openDoor(t, nil)
	client := d.dial()
	owner := client.session("PX 60000 NAME web-1")
	first := client.grant("LOCK.ACQUIRE doc SHARED SESSION " + owner + " OWNER r1 META reading")
	second := client.grant("LOCK.ACQUIRE doc SHARED SESSION " + owner + " OWNER r2")
	if field(t, first, "token") != field(t, second, "token") || textField(t, first, "waiter") == textField(t, second, "waiter") || textField(t, first, "mode") != "shared" {
		t.Errorf("%s and %s", show(first), show(second))
	}
	held := show(client.do("LOCK.ACQUIRE doc PX 1000"))
	for _, part := range []string{"-HELD 'doc' is held by session ", `"mode":"shared"`, `"owner":"r1"`, `"client":"web-1"`, `"meta":"reading"`, `"holders":2`, `"remaining_ms":60000`} {
		if !strings.Contains(held, part) {
			t.Errorf("%q is missing in %s", part, held)
		}
	}
	client.wantPrefix(fmt.Sprintf("LOCK.RELEASE doc %d SESSION %s", field(t, first, "token"), owner), "-ERR several holds of 'doc' have token")
	client.want(fmt.Sprintf("LOCK.RELEASE doc %d SESSION %s OWNER r1", field(t, first, "token"), owner), "+OK")
	client.want("LOCK.RELEASE doc "+textField(t, second, "waiter")+" SESSION "+owner, "+OK")

	permit := client.grant("SEMAPHORE.ACQUIRE pool 5 PERMITS 4 SESSION " + owner + " OWNER p")
	if field(t, permit, "permits") != 4 || field(t, permit, "limit") != 5 {
		t.Error(show(permit))
	}
	client.grant("SEMAPHORE.ACQUIRE pool 5 PX 1000")
	client.wantPrefix("SEMAPHORE.ACQUIRE pool 5 PX 1000", "-HELD ")
	client.wantPrefix("SEMAPHORE.ACQUIRE pool 6 PX 1000", "-CONFLICT ")
	for line, reply := range map[string]string{
		"SEMAPHORE.ACQUIRE pool 0 PX 1000":                       `-ERR SEMAPHORE.ACQUIRE takes how many permits there are in all, 1 to 65535, not "0"`,
		"SEMAPHORE.ACQUIRE pool 5 PERMITS 6 PX 1000":             `-ERR SEMAPHORE.ACQUIRE: "permits" takes a number from 1 to 5, not "6"`,
		"LOCK.MACQUIRE 2 a PX 1000":                              "-HELD ",
		"LOCK.MACQUIRE 2 a b":                                    "-ERR LOCK.MACQUIRE needs PX",
		"LOCK.MACQUIRE 65 a PX 1000":                             "-ERR LOCK.MACQUIRE takes the number of its names",
		"LOCK.ACQUIRE x PX 100 PX 100":                           "-ERR LOCK.ACQUIRE: PX stands there twice",
		"LOCK.ACQUIRE x PX 100 ASYNC":                            "-ERR LOCK.ACQUIRE takes ASYNC only together with SESSION and WAIT",
		"LOCK.ACQUIRE x PX 100 REQUEST 1":                        "-ERR LOCK.ACQUIRE takes REQUEST only together with SESSION",
		"LOCK.ACQUIRE x SESSION " + owner + " LOW 3":             "-ERR LOCK.ACQUIRE takes LOW only together with REQUEST",
		"LOCK.ACQUIRE x SESSION " + owner + " OWNER o REENTRANT": "-ERR LOCK.ACQUIRE takes REENTRANT only together with OWNER and REQUEST",
		"FENCE.CHECK pool":                                       "-ERR wrong number of arguments",
		"FENCE.CHECK pool 1 x":                                   "-ERR FENCE.CHECK takes pairs",
		"LOCK.CANCEL x OWNER o":                                  "-ERR LOCK.CANCEL takes OWNER and NUMBER only together with SESSION",
		"LOCK.FORCE x NOW WAITER 1-1":                            "-ERR LOCK.FORCE needs REASON",
		"ELECTION.CAMPAIGN e PX 1000":                            "-ERR ELECTION.CAMPAIGN needs SESSION",
	} {
		if line == "LOCK.MACQUIRE 2 a PX 1000" {
			reply = "-ERR "
		}
		client.wantPrefix(line, reply)
	}
	checks := client.do("FENCE.CHECK pool " + textField(t, permit, "waiter") + fmt.Sprintf(" pool %d doc 1", field(t, permit, "token")))
	var states []string
	for _, check := range checks.Elements {
		states = append(states, textField(t, check, "state"))
	}
	if strings.Join(states, " ") != "current needs_waiter ended" {
		t.Errorf("%v in %s", states, show(checks))
	}
}

func TestAsyncGrantsArePushed(t *testing.T) {
	d := openDoor(t, nil)
	holder := d.dial()
	client := d.dial().hello3()
	owner := client.session("PX 60000")
	first := holder.grant("LOCK.ACQUIRE job PX 50000")
	client.do("SESSION.RENEW " + owner)
	client.wantPrefix("LOCK.ACQUIRE job SESSION "+owner+" WAIT 5000", "-ERR LOCK.ACQUIRE with WAIT is refused on a connection that has sent SESSION.RENEW")
	place := client.do("LOCK.ACQUIRE job SESSION " + owner + " OWNER a WAIT 9000 ASYNC")
	other := client.do("LOCK.ACQUIRE job SESSION " + owner + " OWNER b WAIT 1000 ASYNC")
	if field(t, place, "queued") != 1 || field(t, other, "queued") != 2 {
		t.Fatalf("%s, %s", show(place), show(other))
	}
	client.do("SESSION.RENEW " + owner) // keepalives pass meanwhile
	d.node.Advance(1001 * time.Millisecond)
	if refused := client.next(); refused.Type != wire.Push || string(refused.Elements[0].Text) != "refused" || string(refused.Elements[2].Text) != textField(t, other, "waiter") ||
		!strings.HasPrefix(string(refused.Elements[3].Text), "TIMEOUT ") {
		t.Fatalf("pushed %s", show(refused))
	}
	polled := d.dial().do("LOCK.AWAIT job " + textField(t, place, "waiter"))
	if field(t, polled, "queued") != 1 {
		t.Errorf("polled %s", show(polled))
	}
	holder.want(fmt.Sprintf("LOCK.RELEASE job %d", field(t, first, "token")), "+OK")
	granted := client.next()
	if granted.Type != wire.Push || string(granted.Elements[0].Text) != "granted" || string(granted.Elements[1].Text) != "job" || field(t, granted.Elements[3], "token") <= field(t, first, "token") {
		t.Fatalf("pushed %s", show(granted))
	}
	// A lost reply: the same owner asks again and gets the same grant.
	again := client.grant("LOCK.ACQUIRE job SESSION " + owner + " OWNER a WAIT 9000 ASYNC")
	if field(t, again, "token") != field(t, granted.Elements[3], "token") {
		t.Errorf("again %s", show(again))
	}
	client.want("LOCK.CANCEL job OWNER a SESSION "+owner, "+OK")
	client.want("EXISTS job", ":0")
}

// An asynchronous waiter belongs to its session and stays when the connection ends; it is awaited on another.
func TestAsyncWaitersOutliveTheirConnection(t *testing.T) {
	d := openDoor(t, nil)
	holder, gone, poller := d.dial(), d.dial(), d.dial()
	owner := gone.session("PX 60000")
	first := holder.grant("LOCK.ACQUIRE job PX 50000")
	place := gone.do("LOCK.ACQUIRE job SESSION " + owner + " OWNER a WAIT 9000 ASYNC")
	gone.conn.Close()
	poller.send(request("LOCK.AWAIT job " + textField(t, place, "waiter") + " TIMEOUT 60000"))
	eventually(t, "the other connection waits", func() bool { return d.server.Stats().Blocked == 1 })
	holder.want(fmt.Sprintf("LOCK.RELEASE job %d", field(t, first, "token")), "+OK")
	if granted := poller.next(); textField(t, granted, "waiter") != textField(t, place, "waiter") {
		t.Errorf("granted %s", show(granted))
	}
	// A wait that holds its connection up vanishes with it, unless it has a request number.
	for numbered, left := range map[string]int{"": 0, " REQUEST 7": 1} {
		waits := d.dial()
		waits.send(request("LOCK.ACQUIRE job SESSION " + owner + " OWNER w WAIT 9000" + numbered))
		eventually(t, "the waiter stands in the queue", func() bool { return d.node.Status().Waiters == 1 })
		waits.conn.Close()
		eventually(t, "the connection is gone", func() bool { return d.server.Stats().Blocked == 0 })
		eventually(t, "the queue is as it should be", func() bool { return d.node.Status().Waiters == left })
	}
}

func TestLossesReachTheClient(t *testing.T) {
	d := openDoor(t, func(config *Config) {
		config.Users = []User{{Name: "op", Passwords: []string{"p"}, Operator: true}, {Name: "team", Passwords: []string{"p"}}}
	})
	operator, client := d.dial(), d.dial()
	operator.want("AUTH op p", "+OK")
	client.do("HELLO 3 AUTH team p")
	owner := client.session("PX 60000")
	held := client.grant("LOCK.ACQUIRE job SESSION " + owner + " OWNER a")
	client.do("SESSION.RENEW " + owner)
	client.wantPrefix("LOCK.FORCE job REASON why", "-NOPERM ")
	client.wantPrefix("SESSION.KILL 1-1 REASON why", "-NOPERM ")
	forced := operator.do("LOCK.FORCE job REASON stuck")
	if field(t, forced, "ended") != 1 || field(t, forced, "until_ms") == 0 {
		t.Fatal(show(forced))
	}
	pushed := client.next()
	if pushed.Type != wire.Push || string(pushed.Elements[0].Text) != "lost" || textField(t, pushed.Elements[2], "why") != "stuck" || !strings.HasPrefix(textField(t, pushed.Elements[2], "actor"), "op@") {
		t.Fatalf("pushed %s", show(pushed))
	}
	renewed := client.do("SESSION.RENEW " + owner)
	losses, _ := renewed.Lookup("losses")
	if len(losses.Elements) != 1 || textField(t, losses.Elements[0], "waiter") != textField(t, held, "waiter") {
		t.Fatal(show(renewed))
	}
	operator.wantPrefix("LOCK.ACQUIRE job PX 1000", "-HELD ")
	if renewed = client.do("SESSION.RENEW " + owner + " ACK " + textField(t, held, "waiter")); field(t, renewed, "losses_total") != 0 {
		t.Error(show(renewed))
	}
	operator.grant("LOCK.ACQUIRE job PX 1000")
	history := operator.do("LOCK.HISTORY job")
	if len(history.Elements) != 1 || textField(t, history.Elements[0], "reason") != "forced" || textField(t, history.Elements[0], "why") != "stuck" {
		t.Error(show(history))
	}
	id, _, _ := strings.Cut(owner, " ")
	operator.do("SESSION.KILL " + id + " REASON leaving")
	client.wantPrefix("SESSION.RENEW "+owner, "-NOSESSION session "+id+" was killed by op@")
	list := operator.do("SESSION.LIST")
	sessions, _ := list.Lookup("sessions")
	if len(sessions.Elements) != 1 || textField(t, sessions.Elements[0], "killed") != "leaving" {
		t.Error(show(list))
	}
}

func TestEventsAreOrderedAndResumable(t *testing.T) {
	d := openDoor(t, nil)
	client, follower := d.dial(), d.dial().hello3()
	start := textField(t, client.do("LOCK.LIST"), "position")
	client.wantPrefix("EVENTS.SUBSCRIBE $", "-ERR EVENTS.SUBSCRIBE pushes, which RESP2 cannot tell from answers")
	follower.do("EVENTS.SUBSCRIBE " + start + " NAME job NAME other")
	owner := client.session("PX 60000")
	held := client.grant("LOCK.ACQUIRE job SESSION " + owner + " OWNER ann META v1")
	client.want("LOCK.META job "+textField(t, held, "waiter")+" v2 SESSION "+owner, "+OK")
	client.grant("LOCK.ACQUIRE unwatched PX 1000")
	client.want("LOCK.RELEASE job "+textField(t, held, "waiter")+" SESSION "+owner, "+OK")
	client.want("SET other value NX PX 1000", "+OK")
	var types, positions []string
	for range 5 {
		pushed := follower.next()
		if pushed.Type != wire.Push || string(pushed.Elements[0].Text) != "event" {
			t.Fatal(show(pushed))
		}
		types = append(types, textField(t, pushed.Elements[1], "type"))
		positions = append(positions, textField(t, pushed.Elements[1], "position"))
	}
	if got := strings.Join(types, " "); got != "began described ended vacant began" {
		t.Errorf("%s at %v", got, positions)
	}
	follower.want("EVENTS.UNSUBSCRIBE", "+OK")
	// The same again, from the middle, by asking.
	page := client.do("EVENTS.READ " + positions[1] + " PREFIX j COUNT 10")
	events, _ := page.Lookup("events")
	if len(events.Elements) != 2 || textField(t, events.Elements[0], "type") != "ended" {
		t.Error(show(page))
	}
	next := textField(t, page, "position")
	client.send(request("EVENTS.READ " + next + " NAME job BLOCK 60000"))
	other := d.dial()
	other.grant("LOCK.ACQUIRE job PX 1000")
	events, _ = client.next().Lookup("events")
	if len(events.Elements) != 1 || textField(t, events.Elements[0], "type") != "began" {
		t.Error(show(events))
	}
}

func TestElectionsOverTheWire(t *testing.T) {
	d := openDoor(t, nil)
	client := d.dial().hello3()
	ann, bob, cid := client.session("PX 60000 NAME ann"), client.session("PX 60000"), client.session("PX 60000")
	if leader, _ := client.do("ELECTION.LEADER mayor").Lookup("leader"); leader.Type != wire.Nil {
		t.Errorf("leader %s", show(leader))
	}
	won := client.grant("ELECTION.CAMPAIGN mayor VALUE 10.0.0.1 SESSION " + ann + " OWNER ann")
	client.do("ELECTION.CAMPAIGN mayor VALUE 10.0.0.2 SESSION " + bob + " OWNER bob WAIT 60000 ASYNC")
	client.do("ELECTION.CAMPAIGN mayor VALUE 10.0.0.3 SESSION " + cid + " OWNER cid WAIT 60000 ASYNC")
	if candidates := client.do("ELECTION.CANDIDATES mayor"); len(candidates.Elements) != 2 || textField(t, candidates.Elements[0], "owner") != "bob" {
		t.Error(show(candidates))
	}
	hold := textField(t, won, "waiter")
	client.want("ELECTION.PROCLAIM mayor "+hold+" VALUE 10.0.0.9 SESSION "+ann, "+OK")
	if leader := client.do("ELECTION.LEADER mayor"); textField(t, leader, "leader") != "ann" || textField(t, leader, "value") != "10.0.0.9" || textField(t, leader, "client") != "ann" || field(t, leader, "candidates") != 2 {
		t.Error(show(leader))
	}
	client.wantPrefix("ELECTION.TRANSFER mayor "+hold+" TO dan SESSION "+ann, "-NOCANDIDATE ")
	answer, push := client.doAndPushed("ELECTION.TRANSFER mayor " + hold + " TO cid SESSION " + ann + " REQUEST 1")
	if textField(t, answer, "leader") != "cid" || field(t, push.Elements[3], "token") <= field(t, won, "token") {
		t.Errorf("%s, pushed %s", show(answer), show(push))
	}
	// With cid gone it is bob's turn, and his client is the same.
	answer, next := client.doAndPushed("ELECTION.RESIGN mayor " + textField(t, push.Elements[3], "waiter") + " SESSION " + cid)
	if show(answer) != "+OK" || field(t, next.Elements[3], "token") <= field(t, push.Elements[3], "token") {
		t.Errorf("%s, pushed %s", show(answer), show(next))
	}
	if leader := client.do("ELECTION.LEADER mayor"); textField(t, leader, "leader") != "bob" || textField(t, leader, "value") != "10.0.0.2" {
		t.Error(show(leader))
	}
}
