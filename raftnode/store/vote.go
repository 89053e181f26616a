package store

import (
	"encoding/binary"
	"errors"
	"fmt"
	"sync"

	"github.com/hashicorp/raft"
)

// Keys under which Raft keeps its vote, and the one under which the keeper writes both.
const (
	voteTermKey      = "LastVoteTerm"
	voteCandidateKey = "LastVoteCand"
	voteKey          = "LastVote"
)

// voteKeeper is a StableStore that writes a vote's term and candidate as one value.
//
// Raft writes LastVoteTerm, then LastVoteCand. After a crash between the two it would find the new term with the candidate of an older
// vote, take a request of that candidate for one it had already granted, and grant it without looking at the candidate's log. The
// keeper therefore holds the term back in memory and writes both when the candidate comes. Everything else, and CurrentTerm above
// all, is written through at once: a term that were held back could be voted in twice.
type voteKeeper struct {
	raft.StableStore

	mu sync.Mutex
	// heldTerm is the term of a vote whose candidate has not come yet; held says that there is one.
	heldTerm uint64
	held     bool
}

// SetUint64 writes a number, and holds back the term of a vote.
func (k *voteKeeper) SetUint64(key []byte, value uint64) error {
	if string(key) != voteTermKey {
		return k.StableStore.SetUint64(key, value)
	}
	k.mu.Lock()
	defer k.mu.Unlock()
	k.heldTerm, k.held = value, true
	return nil
}

// Set writes a value; the candidate of a vote goes with the vote's term.
func (k *voteKeeper) Set(key, value []byte) error {
	if string(key) != voteCandidateKey {
		return k.StableStore.Set(key, value)
	}
	k.mu.Lock()
	defer k.mu.Unlock()
	if !k.held {
		return errors.New("a vote's candidate was written without its term")
	}
	vote := binary.BigEndian.AppendUint64(make([]byte, 0, 8+len(value)), k.heldTerm)
	if err := k.StableStore.Set([]byte(voteKey), append(vote, value...)); err != nil {
		return err
	}
	k.held = false
	return nil
}

// GetUint64 reads a number; the term of the last vote comes from the whole vote.
func (k *voteKeeper) GetUint64(key []byte) (uint64, error) {
	if string(key) != voteTermKey {
		return k.StableStore.GetUint64(key)
	}
	term, _, err := readVote(k.StableStore)
	return term, err
}

// Get reads a value; the candidate of the last vote comes from the whole vote.
func (k *voteKeeper) Get(key []byte) ([]byte, error) {
	if string(key) != voteCandidateKey {
		return k.StableStore.Get(key)
	}
	_, candidate, err := readVote(k.StableStore)
	return candidate, err
}

// readVote reads the last vote that was written whole. Without one it gives the store's own answer to a missing key.
func readVote(stable raft.StableStore) (term uint64, candidate []byte, err error) {
	vote, err := stable.Get([]byte(voteKey))
	if err != nil || len(vote) == 0 {
		return 0, nil, err
	}
	if len(vote) < 8 {
		return 0, nil, fmt.Errorf("the stored vote has only %d bytes; the store is damaged, replace this node", len(vote))
	}
	return binary.BigEndian.Uint64(vote), vote[8:], nil
}
