package peer

import (
	"encoding/binary"
	"errors"
	"io"
	"net"
	"time"
)

// handshakeLimit is how long the other side may take for TLS and the handshake. No byte of it is believed before.
const handshakeLimit = 3 * time.Second

// The handshake is three messages: the dialler's hello, the acceptor's welcome, the dialler's confirmation. Each is
// magic | version | length (2 bytes) | body, and begins with the same eight bytes so that a stranger is noticed at once.
const (
	handshakeMagic   = "coorddP"
	handshakeVersion = 1
	maxHandshakeBody = 2048
	maxReasonLength  = 512
)

// hello is what the dialler says first.
type hello struct {
	purpose Purpose
	meant   NodeID
	from    Identity
}

// verdict is how a side ends its part: accepted, or a refusal with its reason. The welcome carries the acceptor's identity with it.
type verdict struct {
	refusal *Refusal
	from    Identity
}

// greet runs the dialler's part of the handshake and returns who answered.
func greet(conn net.Conn, self Identity, target Target, purpose Purpose, authorizer Authorizer) (Identity, error) {
	if err := writeMessage(conn, encodeHello(hello{purpose: purpose, meant: target.NodeID, from: self})); err != nil {
		return Identity{}, err
	}
	body, err := readMessage(conn)
	if err != nil {
		return Identity{}, err
	}
	welcome, err := decodeVerdict(body)
	if err != nil {
		return Identity{}, err
	}
	if welcome.refusal != nil {
		welcome.refusal.ByPeer = true
		return welcome.from, welcome.refusal
	}
	refusal := judgeAnswer(self, welcome.from, target, purpose, authorizer)
	if err := writeMessage(conn, encodeVerdict(verdict{refusal: refusal, from: self})); err != nil && refusal == nil {
		return Identity{}, err
	}
	if refusal != nil {
		return welcome.from, refusal
	}
	return welcome.from, nil
}

// welcome runs the acceptor's part of the handshake and returns who dialled, and for what.
func welcome(conn net.Conn, self Identity, authorizer Authorizer) (Identity, Purpose, error) {
	body, err := readMessage(conn)
	var refusal *Refusal
	if errors.As(err, &refusal) {
		_ = writeMessage(conn, encodeVerdict(verdict{refusal: refusal, from: self}))
	}
	if err != nil {
		return Identity{}, 0, err
	}
	greeting, refusal := decodeHello(body)
	if refusal == nil {
		refusal = judgeHello(self, greeting, authorizer)
	}
	if err := writeMessage(conn, encodeVerdict(verdict{refusal: refusal, from: self})); err != nil {
		return greeting.from, greeting.purpose, err
	}
	if refusal != nil {
		return greeting.from, greeting.purpose, refusal
	}
	body, err = readMessage(conn)
	if err != nil {
		return greeting.from, greeting.purpose, err
	}
	confirmation, err := decodeVerdict(body)
	if err != nil {
		return greeting.from, greeting.purpose, err
	}
	if confirmation.refusal != nil {
		confirmation.refusal.ByPeer = true
		return greeting.from, greeting.purpose, confirmation.refusal
	}
	return greeting.from, greeting.purpose, nil
}

// judgeHello is the acceptor's decision about a dialler.
func judgeHello(self Identity, greeting hello, authorizer Authorizer) *Refusal {
	if refusal := judgeIdentity(self, greeting.from, greeting.purpose); refusal != nil {
		return refusal
	}
	if greeting.meant != self.NodeID && (greeting.meant != "" || greeting.purpose != PurposeBootstrap) {
		return refuse(RefusedWrongNode, "node %s was meant, but %s answers at %s", greeting.meant, self.NodeID, self.Address)
	}
	return asRefusal(authorizer.AuthorizeInbound(greeting.from, greeting.purpose))
}

// judgeAnswer is the dialler's decision about the node that answered.
func judgeAnswer(self, remote Identity, target Target, purpose Purpose, authorizer Authorizer) *Refusal {
	if refusal := judgeIdentity(self, remote, purpose); refusal != nil {
		return refusal
	}
	if remote.NodeID != target.NodeID && (target.NodeID != "" || purpose != PurposeBootstrap) {
		return refuse(RefusedWrongNode, "node %s was meant, but %s answers at %s", target.NodeID, remote.NodeID, target.Address)
	}
	return asRefusal(authorizer.AuthorizeOutbound(remote, purpose))
}

// judgeIdentity holds the rules that are the same for both sides and need no configuration.
func judgeIdentity(self, remote Identity, purpose Purpose) *Refusal {
	switch {
	case remote.NodeID == "" || remote.ClusterName == "":
		return refuse(RefusedMalformed, "the handshake names no node or no cluster")
	case remote.ClusterName != self.ClusterName:
		return refuse(RefusedClusterName, "cluster %q and cluster %q are different clusters", self.ClusterName, remote.ClusterName)
	case remote.NodeID == self.NodeID:
		return refuse(RefusedDuplicateID, "both sides are node %s (at %s and %s): a data directory was copied, or the address is the node's own",
			self.NodeID, self.Address, remote.Address)
	case purpose == PurposeBootstrap:
		return nil
	case self.ClusterID == "" || remote.ClusterID == "":
		return refuse(RefusedClusterID, "node %s (cluster id %q) and node %s (cluster id %q) share no cluster yet; an emptied node must join under a new id",
			self.NodeID, self.ClusterID, remote.NodeID, remote.ClusterID)
	case self.ClusterID != remote.ClusterID:
		return refuse(RefusedClusterID, "cluster ids %s and %s differ: two clusters were founded under the name %q",
			self.ClusterID, remote.ClusterID, self.ClusterName)
	}
	return nil
}

// asRefusal gives an authorizer's error the form that travels.
func asRefusal(err error) *Refusal {
	if err == nil {
		return nil
	}
	if refusal, ok := AsRefusal(err); ok {
		return refusal
	}
	return refuse(RefusedNotMember, "%v", err)
}

// writeMessage sends one handshake message.
func writeMessage(conn io.Writer, body []byte) error {
	message := make([]byte, 0, len(handshakeMagic)+3+len(body))
	message = append(message, handshakeMagic...)
	message = append(message, handshakeVersion)
	message = binary.BigEndian.AppendUint16(message, uint16(len(body)))
	_, err := conn.Write(append(message, body...))
	return err
}

// readMessage reads one handshake message. What is not one is a *Refusal.
func readMessage(conn io.Reader) ([]byte, error) {
	var header [len(handshakeMagic) + 3]byte
	if _, err := io.ReadFull(conn, header[:]); err != nil {
		return nil, err
	}
	if string(header[:len(handshakeMagic)]) != handshakeMagic {
		return nil, refuse(RefusedMalformed, "the other side does not speak the peer protocol; is this really a peer port?")
	}
	if version := header[len(handshakeMagic)]; version != handshakeVersion {
		return nil, refuse(RefusedVersion, "peer protocol versions %d and %d do not work together", handshakeVersion, version)
	}
	length := binary.BigEndian.Uint16(header[len(handshakeMagic)+1:])
	if length > maxHandshakeBody {
		return nil, refuse(RefusedMalformed, "a handshake message of %d bytes exceeds %d", length, maxHandshakeBody)
	}
	body := make([]byte, length)
	_, err := io.ReadFull(conn, body)
	return body, err
}

func encodeHello(h hello) []byte {
	body := []byte{byte(h.purpose)}
	body = appendText(body, string(h.meant))
	return appendIdentity(body, h.from)
}

func decodeHello(body []byte) (hello, *Refusal) {
	reader := textReader{rest: body}
	h := hello{purpose: Purpose(reader.octet()), meant: NodeID(reader.text(MaxNodeIDLength))}
	h.from = reader.identity()
	if !reader.complete() {
		return hello{}, refuse(RefusedMalformed, "the handshake breaks a limit or is cut short")
	}
	if h.purpose < PurposeRaft || h.purpose > PurposeBootstrap {
		return hello{}, refuse(RefusedMalformed, "%s is not known here", h.purpose)
	}
	return h, nil
}

func encodeVerdict(v verdict) []byte {
	if v.refusal == nil {
		return appendText(appendIdentity([]byte{0}, v.from), "")
	}
	reason := v.refusal.Reason
	body := appendIdentity([]byte{byte(v.refusal.Code)}, v.from)
	return appendText(body, reason[:min(len(reason), maxReasonLength)])
}

func decodeVerdict(body []byte) (verdict, error) {
	reader := textReader{rest: body}
	code := RefusalCode(reader.octet())
	v := verdict{from: reader.identity()}
	reason := reader.text(maxReasonLength)
	if !reader.complete() {
		return verdict{}, refuse(RefusedMalformed, "the answer to the handshake breaks a limit or is cut short")
	}
	if code != 0 {
		v.refusal = &Refusal{Code: code, Reason: reason}
	}
	return v, nil
}

func appendIdentity(body []byte, identity Identity) []byte {
	body = appendText(body, identity.ClusterName)
	body = appendText(body, identity.ClusterID)
	body = appendText(body, string(identity.NodeID))
	return appendText(body, identity.Address)
}

func appendText(body []byte, text string) []byte {
	body = binary.BigEndian.AppendUint16(body, uint16(len(text)))
	return append(body, text...)
}

// textReader takes fields off a body. After the first broken field every further one is empty and complete is false.
type textReader struct {
	rest   []byte
	broken bool
}

func (r *textReader) octet() byte {
	if r.broken || len(r.rest) == 0 {
		r.broken = true
		return 0
	}
	first := r.rest[0]
	r.rest = r.rest[1:]
	return first
}

func (r *textReader) text(limit int) string {
	if r.broken || len(r.rest) < 2 {
		r.broken = true
		return ""
	}
	length := int(binary.BigEndian.Uint16(r.rest))
	if length > limit || length > len(r.rest)-2 {
		r.broken = true
		return ""
	}
	text := string(r.rest[2 : 2+length])
	r.rest = r.rest[2+length:]
	return text
}

func (r *textReader) identity() Identity {
	return Identity{
		ClusterName: r.text(MaxClusterNameLength),
		ClusterID:   r.text(MaxClusterIDLength),
		NodeID:      NodeID(r.text(MaxNodeIDLength)),
		Address:     r.text(MaxAddressLength),
	}
}

func (r *textReader) complete() bool { return !r.broken && len(r.rest) == 0 }

// checkIdentity refuses to start with an identity that no peer would accept.
func checkIdentity(identity Identity) error {
	switch {
	case identity.NodeID == "" || len(identity.NodeID) > MaxNodeIDLength:
		return errors.New("the node id must have 1 to 64 bytes")
	case identity.ClusterName == "" || len(identity.ClusterName) > MaxClusterNameLength:
		return errors.New("the cluster name must have 1 to 128 bytes")
	case len(identity.ClusterID) > MaxClusterIDLength:
		return errors.New("the cluster id must have at most 64 bytes")
	case identity.Address == "" || len(identity.Address) > MaxAddressLength:
		return errors.New("the advertised peer address must have 1 to 255 bytes")
	}
	return nil
}
