package resp

import (
	"strings"
	"testing"
)

func guarded(config *Config) {
	config.Users = []User{
		{Name: "default", Passwords: []string{"old-token", "new-token"}},
		{Name: "team-a", Passwords: []string{"a-pw"}, Operator: true},
	}
}

// Without a password every command but four is refused, and refused first.
func TestEveryCommandNeedsAuthentication(t *testing.T) {
	client := openDoor(t, guarded).dial()
	free := map[string]bool{"hello": true, "auth": true, "quit": true, "reset": true}
	for name, r := range commandsByName {
		rows := r.children
		if len(rows) == 0 || r.handle != nil {
			rows = append(rows[:len(rows):len(rows)], r)
		}
		for _, each := range rows {
			words := strings.Split(each.fullName(), "|")
			for arity := max(each.arity, -each.arity); len(words) < arity; {
				words = append(words, "1")
			}
			if free[name] || len(words) == 1 && r.arity > 1 {
				continue
			}
			want := "-NOAUTH Authentication required."
			if name == "exec" {
				want = "-EXECABORT Transaction discarded because of: NOAUTH Authentication required."
			}
			if got := show(client.doArguments(words...)); got != want {
				t.Errorf("%s: %s", strings.Join(words, " "), got)
			}
		}
	}
	client.wantPrefix("NOSUCH", "-ERR unknown command 'NOSUCH'")
	client.want("GET", "-ERR wrong number of arguments for 'get' command")
	client.wantPrefix("HELLO", "-NOAUTH HELLO must be called with the client already authenticated, otherwise the HELLO <proto> AUTH <user> <pass> option")
	client.wantPrefix("HELLO 3", "-NOAUTH HELLO must be called")
	client.want("RESET", "+RESET")
	client.want("QUIT", "+OK")
	client.wantClosed()
}

func TestAuthentication(t *testing.T) {
	wrong := "-WRONGPASS invalid username-password pair or user is disabled."
	for _, each := range []struct {
		request, reply string
		enters         bool
	}{
		{"AUTH old-token", "+OK", true},
		{"AUTH new-token", "+OK", true},
		{"AUTH default new-token", "+OK", true},
		{"AUTH team-a a-pw", "+OK", true},
		{"HELLO 2 AUTH default old-token SETNAME n", `["server" "redis"`, true},
		{"HELLO 3 AUTH team-a a-pw", `{"server" "redis"`, true},
		{"AUTH a-pw", wrong, false},
		{"AUTH team-a old-token", wrong, false},
		{"AUTH nobody old-token", wrong, false},
		{`AUTH ""`, wrong, false},
		{`AUTH nobody ""`, wrong, false},
		{"HELLO 3 AUTH default nope", wrong, false},
	} {
		client := openDoor(t, guarded).dial()
		client.wantPrefix(each.request, each.reply)
		if each.enters {
			client.want("GET a", "nil")
		} else {
			client.want("GET a", "-NOAUTH Authentication required.")
		}
	}
}

// A failed attempt leaves a connection whose it was; RESET does not.
func TestAuthenticationLasts(t *testing.T) {
	client := openDoor(t, guarded).dial()
	client.want("AUTH old-token", "+OK")
	client.wantPrefix("AUTH team-a nope", "-WRONGPASS")
	client.want("GET a", "nil")
	client.want("RESET", "+RESET")
	client.want("GET a", "-NOAUTH Authentication required.")
}

// A stranger gets no memory: few and small arguments until it has given a password.
func TestStrangersMaySendLittle(t *testing.T) {
	d := openDoor(t, guarded)
	client := d.dial()
	client.send("*11\r\n")
	if got := show(client.next()); got != "-ERR Protocol error: unauthenticated multibulk length" {
		t.Error(got)
	}
	client.wantClosed()
	client = d.dial()
	client.send("*2\r\n$4\r\nAUTH\r\n$16385\r\n")
	if got := show(client.next()); got != "-ERR Protocol error: unauthenticated bulk length" {
		t.Error(got)
	}
	client.wantClosed()
	client = d.dial()
	client.want("AUTH old-token", "+OK")
	client.wantPrefix("MGET 1 2 3 4 5 6 7 8 9 10 11 12", "[nil nil")
}
