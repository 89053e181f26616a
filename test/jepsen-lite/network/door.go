package network

import (
	"errors"
	"fmt"
	"net"
	"sync"
	"time"
)

// Sender finds out who opened a stream; found is false for a stranger.
type Sender func(accepted net.Conn) (name string, found bool)

// From is the Sender of streams that all come from one.
func From(name string) Sender { return func(net.Conn) (string, bool) { return name, true } }

// door is one address of the network: what arrives there is passed on to a node.
type door struct {
	net      *Net
	plane    Plane
	to       string
	address  string // where it listens
	upstream string // where the node really listens
	sender   Sender

	mu       sync.Mutex
	listener net.Listener // nil while it is shut

	packets net.PacketConn             // nil without datagrams
	senders func(source string) string // who sends from an address; empty for a stranger
}

// Listen opens an address whose streams go to the node.
func (n *Net) Listen(plane Plane, to, address, upstream string, sender Sender) error {
	d := &door{net: n, plane: plane, to: to, address: address, upstream: upstream, sender: sender}
	if err := d.open(); err != nil {
		return err
	}
	n.add(d)
	return nil
}

// ListenGossip opens an address whose streams and datagrams go to the node. senders tells who sends datagrams from an address.
func (n *Net) ListenGossip(to, address, upstream string, sender Sender, senders func(source string) string) error {
	d := &door{net: n, plane: Gossip, to: to, address: address, upstream: upstream, sender: sender, senders: senders}
	var err error
	if d.packets, err = net.ListenPacket("udp", address); err != nil {
		return fmt.Errorf("the network cannot listen on %s for datagrams: %w", address, err)
	}
	if err := d.open(); err != nil {
		_ = d.packets.Close()
		return err
	}
	n.add(d)
	n.pumping.Go(d.passDatagrams)
	return nil
}

func (n *Net) add(d *door) {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.doors[d.to] = append(n.doors[d.to], d)
}

func (d *door) open() error {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.listener != nil {
		return nil
	}
	listener, err := net.Listen("tcp", d.address)
	if err != nil {
		return fmt.Errorf("the network cannot listen on %s: %w", d.address, err)
	}
	d.listener = listener
	d.net.pumping.Go(func() { d.accept(listener) })
	return nil
}

func (d *door) shut() {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.listener != nil {
		_ = d.listener.Close()
		d.listener = nil
	}
}

func (d *door) accept(listener net.Listener) {
	for {
		conn, err := listener.Accept()
		if errors.Is(err, net.ErrClosed) {
			return
		}
		if err != nil {
			time.Sleep(10 * time.Millisecond) // out of descriptors, say
			continue
		}
		d.net.pumping.Go(func() { d.serve(conn.(*net.TCPConn)) })
	}
}

func (d *door) serve(conn *net.TCPConn) {
	from, found := d.sender(conn)
	if !found {
		d.net.strangers.Add(1)
		abort(conn)
		return
	}
	request, answer := link{from, d.to, d.plane}, link{d.to, from, d.plane}
	for _, key := range []link{request, answer} {
		if fault, _ := d.net.fault(key); fault.Cut == Reset {
			d.net.reset.Add(1)
			abort(conn)
			return
		}
	}
	d.mu.Lock()
	target := d.upstream
	d.mu.Unlock()
	upstream, err := net.DialTimeout("tcp", target, time.Second)
	if err != nil {
		abort(conn)
		return
	}
	s := &stream{net: d.net, near: conn, far: upstream.(*net.TCPConn), request: request, answer: answer, ended: make(chan struct{})}
	if d.net.register(s) {
		s.run()
	}
}

// abort closes a connection so that the other side sees a reset.
func abort(conn *net.TCPConn) {
	_ = conn.SetLinger(0)
	_ = conn.Close()
}

const maxDatagram = 65536

// passDatagrams serves the door's datagrams until it is closed.
func (d *door) passDatagrams() {
	target, err := net.ResolveUDPAddr("udp", d.upstream)
	if err != nil {
		return
	}
	buffer := make([]byte, maxDatagram)
	for {
		size, source, err := d.packets.ReadFrom(buffer)
		if errors.Is(err, net.ErrClosed) {
			return
		}
		if err != nil {
			continue // a node that is down answers with an ICMP error
		}
		from := d.senders(source.String())
		if from == "" {
			d.net.strangers.Add(1)
			continue
		}
		fault, _ := d.net.fault(link{from, d.to, Gossip})
		if fault.Cut != Pass || d.net.chance(fault.Loss) {
			d.net.lost.Add(1)
			continue
		}
		copies := 1
		if d.net.chance(fault.Duplicate) {
			copies++
			d.net.duplicated.Add(1)
		}
		for range copies {
			d.deliver(append([]byte(nil), buffer[:size]...), target, d.net.lag(fault))
		}
	}
}

// deliver sends a datagram after a delay; whether it arrives nobody asks.
func (d *door) deliver(datagram []byte, target net.Addr, delay time.Duration) {
	if delay <= 0 {
		_, _ = d.packets.WriteTo(datagram, target)
		return
	}
	time.AfterFunc(delay, func() { _, _ = d.packets.WriteTo(datagram, target) })
}
