package resp

import (
	"context"
	"crypto/tls"
	"errors"
	"net"
	"strconv"
	"strings"
	"testing"

	"github.com/coordd/coordd/fsm/command"
	"github.com/coordd/coordd/transport/resp/wire"
)

// A connection within the process needs no TLS, has users all the same, and tells the codes of errors.
func TestDialWithinTheProcess(t *testing.T) {
	d := openDoor(t, func(config *Config) {
		config.TLS = &tls.Config{Certificates: []tls.Certificate{selfSigned(t)}}
		config.Users = []User{{Name: "ops", Passwords: []string{"right"}, Operator: true}}
		config.MaxClients = 2
	})
	dial := func() net.Conn {
		t.Helper()
		connection, err := d.server.Dial(t.Context(), &net.TCPAddr{IP: net.IPv4(10, 0, 0, 9), Port: 4711})
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { connection.Close() })
		return connection
	}
	client := newGuest(t, dial())
	client.wantPrefix("LOCK.INFO job", "-NOAUTH ")
	if hello := client.do("HELLO 3 AUTH ops right"); hello.Type != wire.Map {
		t.Fatal(show(hello))
	}
	for line, code := range map[string]command.Code{
		"LOCK.ACQUIRE coordd:x PX 5000":             command.CodeReserved,
		"LOCK.ACQUIRE x PX 1":                       command.CodeGeneric,
		"SESSION.RENEW 1-0 secret":                  command.CodeNoSession,
		"LOCK.RELEASE x 1":                          command.CodeNotHeld,
		"SESSION.RENEW " + client.session("") + "x": command.CodeBadSecret,
	} {
		refused := client.do(line)
		if refused.Err() == nil || len(refused.Attributes) != 2 || string(refused.Attributes[0].Text) != CodeAttribute || refused.Attributes[1].Integer != int64(code) {
			t.Errorf("%s: %s with %v, want code %d", line, show(refused), refused.Attributes, code)
		}
	}
	client.do("LOCK.ACQUIRE job PX 60000")
	client.do("LOCK.FORCE job REASON stuck")
	if history := show(client.do("LOCK.HISTORY job")); !strings.Contains(history, "ops@10.0.0.9:"+strconv.Itoa(4711)) {
		t.Errorf("the operator is not kept: %s", history)
	}
	dial()
	if _, err := d.server.Dial(t.Context(), &net.TCPAddr{}); err == nil {
		t.Error("there is no limit on such connections")
	}
	if err := d.server.Shutdown(t.Context()); err != nil {
		t.Fatal(err)
	}
	if _, err := d.server.Dial(context.Background(), &net.TCPAddr{}); !errors.Is(err, ErrServerClosed) {
		t.Errorf("after Shutdown: %v", err)
	}
}

// What a candidate is called and says may be any text, also the words of the command.
func TestACandidateMayBeCalledLikeAnOption(t *testing.T) {
	d := openDoor(t, nil)
	client := d.dial()
	session := client.session("")
	if won := client.do("ELECTION.CAMPAIGN boss SESSION " + session + " OWNER value VALUE px"); won.Err() != nil {
		t.Fatal(show(won))
	}
	leader := client.do("ELECTION.LEADER boss")
	if textField(t, leader, "leader") != "value" || textField(t, leader, "value") != "px" {
		t.Errorf("leads: %s", show(leader))
	}
	client.wantPrefix("ELECTION.CAMPAIGN other PX 5000", "-ERR ELECTION.CAMPAIGN needs SESSION")
}
