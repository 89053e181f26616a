package peer

import (
	"context"
	"fmt"
)

// Forward sends one frame to the target's Handler.Forward and waits for its answer. payload must not change until Forward returns. Frames sent one after
// the other arrive in that order.
func (p *Port) Forward(ctx context.Context, to Target, payload []byte) ([]byte, error) {
	return p.call(ctx, to, PurposeForward, methodForward, payload)
}

// Term asks a node for its current term and wall clock.
func (p *Port) Term(ctx context.Context, to Target) (TermAnswer, error) {
	payload, err := p.call(ctx, to, PurposeProbe, methodTerm, nil)
	if err != nil {
		return TermAnswer{}, err
	}
	return decodeTermAnswer(payload)
}

// LostLeader asks a node whether it lost the same leader in the same way.
func (p *Port) LostLeader(ctx context.Context, to Target, question LostLeaderQuestion) (LostLeaderVerdict, error) {
	payload, err := p.call(ctx, to, PurposeProbe, methodLostLeader, encodeLostLeaderQuestion(question))
	if err != nil {
		return 0, err
	}
	if len(payload) != 1 {
		return 0, fmt.Errorf("a lost-leader verdict of %d bytes is malformed", len(payload))
	}
	return LostLeaderVerdict(payload[0]), nil
}

// Identify asks whoever listens at address who it is. It works before a cluster exists, with any node of the same cluster name.
func (p *Port) Identify(ctx context.Context, address string) (Identity, error) {
	payload, err := p.call(ctx, Target{Address: address}, PurposeBootstrap, methodIdentify, nil)
	if err != nil {
		return Identity{}, err
	}
	reader := textReader{rest: payload}
	identity := reader.identity()
	if !reader.complete() {
		return Identity{}, fmt.Errorf("the identity from %s is malformed", address)
	}
	return identity, nil
}

// Bootstrap sends one message of the founding protocol to the target's Handler.Bootstrap.
func (p *Port) Bootstrap(ctx context.Context, to Target, payload []byte) ([]byte, error) {
	return p.call(ctx, to, PurposeBootstrap, methodBootstrap, payload)
}
