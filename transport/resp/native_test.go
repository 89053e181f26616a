package resp

import (
	"context"
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/coordd/coordd/fsm/command"
	"github.com/coordd/coordd/transport"
	"github.com/coordd/coordd/transport/transporttest"
)

// session opens a session and gives "id secret".
func (g *guest) session(options string) string {
	g.t.Helper()
	opened := g.do(strings.TrimSpace("SESSION.OPEN " + options))
	if err := opened.Err(); err != nil {
		g.t.Fatal(err)
	}
	return textField(g.t, opened, "session") + " " + textField(g.t, opened, "secret")
}

func TestSessions(t *testing.T) {
	for _, protocol := range []string{"2", "3"} {
		d := openDoor(t, nil)
		client := d.dial()
		client.do("HELLO " + protocol)
		opened := client.do("SESSION.OPEN PX 5000 NAME worker META about")
		if ttl, now, deadline := field(t, opened, "ttl_ms"), field(t, opened, "now_ms"), field(t, opened, "deadline_ms"); ttl != 5000 || deadline != now+5000 {
			t.Errorf("opened %s", show(opened))
		}
		id, secret := textField(t, opened, "session"), textField(t, opened, "secret")
		if len(secret) != 32 {
			t.Errorf("the secret %q has not 128 bits", secret)
		}
		d.node.Advance(4 * time.Second)
		renewed := client.do("SESSION.RENEW " + id + " " + secret)
		if field(t, renewed, "deadline_ms") != field(t, opened, "deadline_ms")+4000 {
			t.Errorf("renewed %s", show(renewed))
		}
		client.wantPrefix("SESSION.RENEW "+id+" wrong", "-NOSESSION ")
		client.wantPrefix("SESSION.CLOSE "+id+" wrong", "-NOSESSION ")
		d.node.Advance(6 * time.Second)
		client.wantPrefix("SESSION.RENEW "+id+" "+secret, "-NOSESSION ")
		client.want("SESSION.CLOSE "+client.session(""), "+OK")
		agreed := client.do("SESSION.OPEN PX 5000 EARLY 2000")
		renewed = client.do("SESSION.RENEW " + textField(t, agreed, "session") + " " + textField(t, agreed, "secret"))
		if field(t, agreed, "early_ms") != 2000 || field(t, renewed, "early_ms") != 2000 {
			t.Errorf("a session that agreed to an early end: %s, renewed %s", show(agreed), show(renewed))
		}
		if info := client.do("SESSION.INFO " + textField(t, agreed, "session")); field(t, info, "early_ms") != 2000 {
			t.Errorf("of a session that agreed to an early end it is told: %s", show(info))
		}
	}
}

func TestNativeLocks(t *testing.T) {
	d := openDoor(t, nil)
	client := d.dial()
	granted := client.do("LOCK.ACQUIRE job PX 5000")
	token := field(t, granted, "token")
	if token == 0 || field(t, granted, "remaining_ms") != 5000 || field(t, granted, "deadline_ms") != field(t, granted, "now_ms")+5000 {
		t.Fatalf("granted %s", show(granted))
	}
	client.want("FENCE job", fmt.Sprintf(":%d", token))
	held := show(client.do("LOCK.ACQUIRE job PX 5000"))
	if !strings.HasPrefix(held, "-HELD ") || !strings.Contains(held, fmt.Sprintf("(token %d)", token)) || !strings.Contains(held, "5000 ms") {
		t.Errorf("held: %s", held)
	}
	d.node.Advance(4 * time.Second)
	if renewed := client.do(fmt.Sprintf("LOCK.RENEW job %d PX 7000", token)); field(t, renewed, "remaining_ms") != 7000 || field(t, renewed, "token") != token {
		t.Errorf("renewed %s", show(renewed))
	}
	client.wantPrefix(fmt.Sprintf("LOCK.RENEW job %d", token+1), "-NOTHELD ")
	client.wantPrefix(fmt.Sprintf("LOCK.RELEASE job %d", token+1), "-NOTHELD ")
	client.want(fmt.Sprintf("LOCK.RELEASE job %d", token), "+OK")
	client.wantPrefix(fmt.Sprintf("LOCK.RELEASE job %d", token), "-NOTHELD ")
	again := client.do("LOCK.ACQUIRE job PX 5000")
	if field(t, again, "token") <= token {
		t.Errorf("the token did not rise: %s", show(again))
	}
	d.node.Advance(5001 * time.Millisecond)
	client.want("EXISTS job", ":0")

	owner := client.session("PX 10000")
	first := client.do("LOCK.ACQUIRE job SESSION " + owner + " OWNER one")
	client.wantPrefix("LOCK.ACQUIRE job SESSION "+owner+" OWNER two", "-HELD ")
	client.wantPrefix(fmt.Sprintf("LOCK.RELEASE job %d", field(t, first, "token")), "-NO")
	client.want(fmt.Sprintf("LOCK.RELEASE job %d SESSION %s", field(t, first, "token"), owner), "+OK")
	client.do("LOCK.ACQUIRE job SESSION " + owner)
	client.want("SESSION.CLOSE "+owner, "+OK")
	client.want("EXISTS job", ":0")
}

// Wrong native requests are answered with a sentence, and the connection goes on.
func TestWrongNativeRequests(t *testing.T) {
	client := openDoor(t, nil).dial()
	for _, each := range []exchange{
		{"SESSION.OPEN PX", "-ERR SESSION.OPEN: PX needs a value; see HELP SESSION.OPEN"},
		{"SESSION.OPEN PX 499", `-ERR PX takes milliseconds from 500 to 86400000, not "499"`},
		{"SESSION.OPEN PX 86400001", `-ERR PX takes milliseconds from 500 to 86400000, not "86400001"`},
		{"SESSION.OPEN PX soon", `-ERR PX takes milliseconds from 500 to 86400000, not "soon"`},
		{"SESSION.OPEN EARLY 999", `-ERR EARLY takes milliseconds from 1000 to 86400000, not "999"`},
		{"SESSION.OPEN EARLY 10001", "-ERR SESSION.OPEN: EARLY 10001 is beyond the session's time to live of 10000 ms"},
		{"SESSION.OPEN FOO x", `-ERR SESSION.OPEN does not know "FOO" here; see HELP SESSION.OPEN`},
		{"SESSION.OPEN NAME " + strings.Repeat("n", 257), "-LIMIT a client name of 257 bytes is too long; the limit is 256"},
		{"SESSION.OPEN META " + strings.Repeat("m", 4097), "-LIMIT metadata of 4097 bytes are too long; the limit is 4096"},
		{"SESSION.RENEW x y", `-ERR "x" is not a session id such as 812-3`},
		{"SESSION.RENEW 0-0 y", `-ERR "0-0" is not a session id such as 812-3`},
		{`SESSION.CLOSE 1-0 ""`, "-ERR the secret of session 1-0 is empty"},
		{"SESSION.RENEW 1-0", "-ERR wrong number of arguments for 'session.renew' command"},
		{"LOCK.ACQUIRE job", "-ERR LOCK.ACQUIRE needs PX with the lock's time to live, or SESSION id secret"},
		{"LOCK.ACQUIRE job PX 1000 SESSION 1-0 s", "-ERR LOCK.ACQUIRE takes PX or SESSION, not both: a session's lock lives as long as its session"},
		{"LOCK.ACQUIRE job PX 1000 OWNER o", "-ERR LOCK.ACQUIRE takes OWNER only together with SESSION"},
		{"LOCK.ACQUIRE job PX 49", `-ERR PX takes milliseconds from 50 to 86400000, not "49"`},
		{"LOCK.ACQUIRE job PX 1000 WAIT -1", `-ERR WAIT takes milliseconds from 0 to 86400000, not "-1"`},
		{"LOCK.ACQUIRE job PX 1000 WAIT", "-ERR LOCK.ACQUIRE: WAIT needs a value; see HELP LOCK.ACQUIRE"},
		{"LOCK.ACQUIRE job SESSION 1-0", "-ERR LOCK.ACQUIRE: SESSION needs an id and a secret; see HELP LOCK.ACQUIRE"},
		{"LOCK.ACQUIRE job FOO x", `-ERR LOCK.ACQUIRE does not know "FOO" here; see HELP LOCK.ACQUIRE`},
		{"LOCK.ACQUIRE job SESSION 1-0 s OWNER " + strings.Repeat("o", 257), "-LIMIT an owner of 257 bytes is too long; the limit is 256"},
		{`LOCK.ACQUIRE "" PX 1000`, "-ERR a lock needs a name"},
		{"LOCK.ACQUIRE " + strings.Repeat("n", 513) + " PX 1000", "-LIMIT a name of 513 bytes is too long; the limit is 512"},
		{"LOCK.RENEW job x", `-ERR "x" is not a fencing token or the id of an acquire; give the token or the waiter that the grant answered`},
		{"LOCK.RENEW job 0", `-ERR "0" is not a fencing token or the id of an acquire; give the token or the waiter that the grant answered`},
		{"LOCK.RENEW job 1 FOO 2", `-ERR LOCK.RENEW does not know "FOO" here; see HELP LOCK.RENEW`},
		{"LOCK.RELEASE job 1 SESSION 1-0", "-ERR LOCK.RELEASE: SESSION needs an id and a secret; see HELP LOCK.RELEASE"},
		{"SELECT 3", "+OK"},
		{"LOCK.ACQUIRE job PX 1000", "-ERR native locks live in database 0 and this connection has chosen 3; send SELECT 0 first"},
		{"LOCK.RELEASE job 1", "-ERR native locks live in database 0 and this connection has chosen 3; send SELECT 0 first"},
		{"SELECT 0", "+OK"},
	} {
		client.want(each.request, each.reply)
	}
	if got := show(client.doArguments("LOCK.ACQUIRE", strings.Repeat("n", 512), "PX", "50")); !strings.HasPrefix(got, `["token" :`) {
		t.Errorf("a name at the limit: %s", got)
	}
}

func TestWaitingAcquireIsGrantedInTurn(t *testing.T) {
	d := openDoor(t, nil)
	holder := d.dial()
	first := holder.do("LOCK.ACQUIRE job PX 5000")
	waiters := []*guest{d.dial(), d.dial()}
	for i, waiter := range waiters {
		waiter.send(request("LOCK.ACQUIRE job PX 5000 WAIT 60000") + request("PING"))
		eventually(t, "the waiter stands in the queue", func() bool { return d.node.Status().Waiters == i+1 })
	}
	if blocked := d.server.Stats().Blocked; blocked != 2 {
		t.Errorf("%d blocked clients", blocked)
	}
	holder.want(fmt.Sprintf("LOCK.RELEASE job %d", field(t, first, "token")), "+OK")
	second := waiters[0].next()
	if field(t, second, "token") <= field(t, first, "token") {
		t.Errorf("second grant %s", show(second))
	}
	if got := show(waiters[0].next()); got != "+PONG" {
		t.Errorf("behind the grant came %s", got)
	}
	d.node.Advance(5001 * time.Millisecond)
	if third := waiters[1].next(); field(t, third, "token") <= field(t, second, "token") {
		t.Errorf("third grant %s", show(third))
	}
}

func TestWaitingAcquireTimesOut(t *testing.T) {
	d := openDoor(t, nil)
	holder, waiter := d.dial(), d.dial()
	holder.do("LOCK.ACQUIRE job PX 50000")
	waiter.send(request("LOCK.ACQUIRE job PX 5000 WAIT 1000"))
	eventually(t, "the waiter stands in the queue", func() bool { return d.node.Status().Waiters == 1 })
	d.node.Advance(1001 * time.Millisecond)
	if got := show(waiter.next()); !strings.HasPrefix(got, "-TIMEOUT ") {
		t.Error(got)
	}
	waiter.want("PING", "+PONG")
}

// A native waiter is granted when the Redis holder's key is deleted, or expires.
func TestNativeWaiterBehindARedisHolder(t *testing.T) {
	d := openDoor(t, nil)
	holder, waiter := d.dial(), d.dial()
	for _, end := range []func(){
		func() { holder.want("DEL job", ":1") },
		func() { d.node.Advance(30001 * time.Millisecond) },
	} {
		holder.want("SET job me NX PX 30000", "+OK")
		waiter.send(request("LOCK.ACQUIRE job PX 5000 WAIT 60000"))
		eventually(t, "the waiter stands in the queue", func() bool { return d.node.Status().Waiters == 1 })
		end()
		granted := waiter.next()
		waiter.want(fmt.Sprintf("LOCK.RELEASE job %d", field(t, granted, "token")), "+OK")
	}
}

// A client that hangs up while it waits leaves the queue at once, so the next in line is not held up by a dead one.
func TestHangingUpCancelsTheWait(t *testing.T) {
	d := openDoor(t, nil)
	holder, gone := d.dial(), d.dial()
	holder.do("LOCK.ACQUIRE job PX 50000")
	gone.send(request("LOCK.ACQUIRE job PX 5000 WAIT 60000"))
	eventually(t, "the waiter stands in the queue", func() bool { return d.node.Status().Waiters == 1 })
	gone.conn.Close()
	eventually(t, "the waiter has left the queue", func() bool { return d.node.Status().Waiters == 0 })
	eventually(t, "nobody is blocked", func() bool { return d.server.Stats().Blocked == 0 })
}

// When the grant comes first and the client is gone, the cancel releases it: nobody waits for it.
func TestHangingUpReleasesAGrantThatCameFirst(t *testing.T) {
	node := transporttest.NewFrozenNode()
	var mu sync.Mutex
	failures := 3
	node.Intercept = func(_ context.Context, ops []command.Op) error {
		mu.Lock()
		defer mu.Unlock()
		if _, cancels := ops[0].(command.HoldCancel); cancels && failures > 0 {
			failures--
			return transport.Errorf(command.CodeUnknownOutcome, "the fate of the cancel is not known")
		}
		return nil
	}
	d := openDoorOver(t, node, nil)
	holder, gone := d.dial(), d.dial()
	first := holder.do("LOCK.ACQUIRE job PX 50000")
	gone.send(request("LOCK.ACQUIRE job PX 50000 WAIT 60000"))
	eventually(t, "the waiter stands in the queue", func() bool { return d.node.Status().Waiters == 1 })
	gone.conn.Close()
	holder.want(fmt.Sprintf("LOCK.RELEASE job %d", field(t, first, "token")), "+OK")
	eventually(t, "the lock is free", func() bool { return show(holder.do("EXISTS job")) == ":0" })
	mu.Lock()
	defer mu.Unlock()
	if failures != 0 {
		t.Errorf("the cancel was not repeated until it was acknowledged: %d failures left", failures)
	}
}

// Shutdown does not wait for waiters: they are cancelled in the log and told that nothing happened.
func TestShutdownCancelsWaits(t *testing.T) {
	d := openDoor(t, nil)
	holder, waiter := d.dial(), d.dial()
	holder.do("LOCK.ACQUIRE job PX 50000")
	waiter.send(request("LOCK.ACQUIRE job PX 5000 WAIT 60000"))
	eventually(t, "the waiter stands in the queue", func() bool { return d.node.Status().Waiters == 1 })
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	if err := d.server.Shutdown(ctx); err != nil {
		t.Fatal(err)
	}
	if got := show(waiter.next()); got != `-LOADING the wait for "job" ended because this node is stopping; another one serves` {
		t.Error(got)
	}
	waiter.wantClosed()
	if waiters := d.node.Status().Waiters; waiters != 0 {
		t.Errorf("%d waiters are left", waiters)
	}
}

// fakeAdmin notes what it is asked.
type fakeAdmin struct {
	asked []string
	err   error
}

func (a *fakeAdmin) AddMember(_ context.Context, id, address string, voter bool) error {
	a.asked = append(a.asked, fmt.Sprint("add ", id, " ", address, " ", voter))
	return a.err
}

func (a *fakeAdmin) RemoveMember(_ context.Context, id string) error {
	a.asked = append(a.asked, "remove "+id)
	return a.err
}

func (a *fakeAdmin) TransferLeadership(_ context.Context, id string) error {
	a.asked = append(a.asked, "transfer "+id)
	return a.err
}

func TestOperatorCommands(t *testing.T) {
	admin := &fakeAdmin{}
	d := openDoor(t, func(config *Config) {
		config.Admin = admin
		config.Users = []User{{Name: "op", Passwords: []string{"p"}, Operator: true}, {Name: "team", Passwords: []string{"p"}}}
	})
	operator, team := d.dial(), d.dial()
	operator.want("AUTH op p", "+OK")
	team.want("AUTH team p", "+OK")
	for _, line := range []string{"COORDD.MEMBERS ADD n1 h:1", "COORDD.MEMBERS REMOVE n1", "COORDD.TRANSFER", "CLIENT KILL ID 1"} {
		team.wantPrefix(line, "-NOPERM this user has no permissions to run the '")
	}
	operator.want("COORDD.MEMBERS ADD n1 h:1", "+OK")
	operator.want("COORDD.MEMBERS ADD n2 h:2 NONVOTER", "+OK")
	operator.wantPrefix("COORDD.MEMBERS ADD n2 h:2 x", `-ERR COORDD.MEMBERS does not know "x" here`)
	operator.want("COORDD.MEMBERS REMOVE n1", "+OK")
	operator.want("COORDD.TRANSFER", "+OK")
	operator.want("COORDD.TRANSFER n2", "+OK")
	if got := strings.Join(admin.asked, ";"); got != "add n1 h:1 true;add n2 h:2 false;remove n1;transfer ;transfer n2" {
		t.Error(got)
	}
	admin.err = transport.Errorf(command.CodeNoLeader, "there is no leader")
	operator.want("COORDD.TRANSFER", "-LOADING there is no leader")
	admin.err = context.DeadlineExceeded
	operator.wantPrefix("COORDD.TRANSFER", "-UNKNOWN the change was begun and its fate is not known; look at COORDD.STATUS: ")
	if status := string(team.do("COORDD.STATUS").Text); !strings.Contains(status, `"role":"leader"`) || !strings.Contains(status, `"members":[{"node_id":`) {
		t.Error(status)
	}
}
