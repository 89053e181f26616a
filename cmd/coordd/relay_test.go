package main

import (
	"net"
	"sync"

	"github.com/rogpeppe/go-internal/testscript"
)

// relay passes bytes on between clients and a node until it is cut: then it goes silent, as a network that drops packets does, and says so to nobody.
type relay struct {
	listener net.Listener
	target   string
	mu       sync.Mutex
	silent   bool
	open     []net.Conn
}

// relays holds the one relay of each running script.
var relays sync.Map

// startRelay is the script command `relay VARIABLE TARGET`: it puts the address of a relay before TARGET into the variable.
func startRelay(ts *testscript.TestScript, _ bool, arguments []string) {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	ts.Check(err)
	r := &relay{listener: listener, target: arguments[1]}
	relays.Store(ts, r)
	go r.serve()
	ts.Defer(r.close)
	ts.Setenv(arguments[0], listener.Addr().String())
}

// cutRelay is the script command `cut`.
func cutRelay(ts *testscript.TestScript, _ bool, _ []string) {
	r, found := relays.Load(ts)
	if !found {
		ts.Fatalf("there is no relay to cut")
	}
	r.(*relay).cut()
}

func (r *relay) serve() {
	for {
		near, err := r.listener.Accept()
		if err != nil {
			return
		}
		go r.join(near)
	}
}

func (r *relay) join(near net.Conn) {
	far, err := net.Dial("tcp", r.target)
	if err != nil {
		near.Close()
		return
	}
	r.mu.Lock()
	r.open = append(r.open, near, far)
	r.mu.Unlock()
	go r.pass(near, far)
	r.pass(far, near)
}

// pass copies what comes, and swallows it once the relay is cut.
func (r *relay) pass(from, to net.Conn) {
	defer to.Close()
	buffer := make([]byte, 32<<10)
	for {
		n, err := from.Read(buffer)
		if err != nil {
			return
		}
		r.mu.Lock()
		silent := r.silent
		r.mu.Unlock()
		if silent {
			continue
		}
		if _, err := to.Write(buffer[:n]); err != nil {
			return
		}
	}
}

func (r *relay) cut() {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.silent = true
}

func (r *relay) close() {
	r.listener.Close()
	r.mu.Lock()
	defer r.mu.Unlock()
	for _, conn := range r.open {
		conn.Close()
	}
}
