package raftnode

import (
	"context"
	"errors"
	"sync"
	"time"

	"github.com/coordd/coordd/transport/peer"
)

// peerHandler answers the other nodes.
type peerHandler struct{ node *Node }

// Forward implements peer.Handler: it serves a frame if this node leads.
func (h *peerHandler) Forward(_ context.Context, _ peer.NodeID, payload []byte, respond func([]byte)) {
	if len(payload) == 0 {
		respond(nil)
		return
	}
	switch frameClass(payload[0]) {
	case classAdmin:
		h.node.serveAdmin(payload[1:], respond)
	case classLastIndex:
		respond(h.node.lastIndexAnswer())
	default:
		route, _ := h.node.leadership.route()
		serveFrame(route.reign, payload, respond)
	}
}

// Term implements peer.Handler.
func (h *peerHandler) Term() peer.TermAnswer {
	answer := peer.TermAnswer{WallUnixMs: h.node.config.Clock.Wall().UnixMilli()}
	if engine := h.node.engine(); engine != nil {
		answer.Term = engine.CurrentTerm()
	}
	return answer
}

// LostLeader implements peer.Handler.
func (h *peerHandler) LostLeader(_ peer.NodeID, question peer.LostLeaderQuestion) peer.LostLeaderVerdict {
	return h.node.judgeLoss(question)
}

// Bootstrap implements peer.Handler.
func (h *peerHandler) Bootstrap(ctx context.Context, from peer.Identity, payload []byte) ([]byte, error) {
	founding := h.node.founding.Load()
	if founding == nil {
		return nil, errors.New("this node is starting; ask again")
	}
	return founding.Handle(ctx, from, payload)
}

// peerObserver watches connections, for early elections and for a node that must learn that it was removed.
type peerObserver struct{ node *Node }

// ConnectionEnded implements peer.Observer.
func (o *peerObserver) ConnectionEnded(remote peer.NodeID, _ peer.Purpose, _ bool, _ error) {
	o.node.suspicion.connectionEnded(remote)
}

// DialFailed implements peer.Observer.
func (o *peerObserver) DialFailed(peer.Target, peer.Purpose, bool, error) {}

// HandshakeRefused implements peer.Observer.
func (o *peerObserver) HandshakeRefused(remote peer.Target, _ peer.Purpose, _ bool, refusal *peer.Refusal) {
	if refusal.ByPeer && refusal.Code == peer.RefusedRemoved {
		go o.node.toldRemoved(remote.NodeID)
	}
	if o.node.refusals.news(remote.NodeID, refusal.Code) {
		o.node.log.Warn("a peer connection was refused", "peer", remote.String(), "reason", refusal.Error())
	}
}

// refusalLogPause is how long the same refusal is not logged again: nodes dial many times a second.
const refusalLogPause = 10 * time.Second

// refusalLog keeps the log readable while a node that is not let in keeps trying.
type refusalLog struct {
	mu   sync.Mutex
	last map[refusalKey]time.Time
}

type refusalKey struct {
	remote peer.NodeID
	code   peer.RefusalCode
}

// maxRefusalsKept bounds what strangers with ever new ids can make a node remember.
const maxRefusalsKept = 256

// news reports whether the refusal was not logged lately.
func (r *refusalLog) news(remote peer.NodeID, code peer.RefusalCode) bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	key := refusalKey{remote, code}
	if time.Since(r.last[key]) < refusalLogPause {
		return false
	}
	if r.last == nil || len(r.last) >= maxRefusalsKept {
		r.last = make(map[refusalKey]time.Time)
	}
	r.last[key] = time.Now()
	return true
}
