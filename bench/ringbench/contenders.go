package main

import (
	"slices"

	"github.com/cespare/xxhash/v2"
	"github.com/coordd/coordd/ring"
	"github.com/dgryski/go-jump"
	"github.com/dgryski/go-rendezvous"
	"github.com/golang/groupcache/consistenthash"
	"github.com/serialx/hashring"
	"stathat.com/c/consistent"
)

// finder finds the owner of a key among members that come and go.
type finder interface {
	Owner(key string) string
	Leave(id string)
	Join(id string)
}

// contender is one way to find owners.
type contender struct {
	name string
	ours bool
	note string // for the table of contenders
	make func(members []string) finder
}

// contenders lists whom to measure, ours first.
var contenders = []contender{
	{"coordd ring, P = 4,096", true, "`ring.New`, `ring.Table.Next`; default partitions", func(m []string) finder { return newTable(m, 4096) }},
	{"coordd ring, P = 20,480", true, "the same with 20,480 partitions", func(m []string) finder { return newTable(m, 20480) }},
	{"hash % N", false, "xxhash64 modulo the number of members, in the order of their ids", newModulo},
	{"stathat/consistent", false, "as it comes: 20 points a member, CRC-32", newStathat},
	{"serialx/hashring", false, "as it comes: MD5; a change makes a new ring", newSerialx},
	{"go-rendezvous", false, "with xxhash64; its `Remove` panics, so a leave builds anew", newRendezvous},
	{"go-jump", false, "on xxhash64; only the last member can go, so a leaver changes places with it", newJump},
	{"groupcache", false, "50 points a member, CRC-32, as groupcache sets it; no removal, so a leave builds anew", newGroupcache},
}

// table is coordd's ring.
type table struct {
	current *ring.Table
	members []ring.Member
}

func newTable(members []string, partitions int) finder {
	t := &table{members: ring.Equal(members...)}
	t.current = must(ring.New(t.members, ring.WithPartitions(partitions)))
	return t
}

func (t *table) Owner(key string) string {
	id, _ := t.current.Owner(key)
	return id
}

func (t *table) Leave(id string) {
	t.members = slices.DeleteFunc(t.members, func(m ring.Member) bool { return m.ID == id })
	t.current = must(t.current.Next(t.members))
}

func (t *table) Join(id string) {
	t.members = append(t.members, ring.Member{ID: id, Weight: 1})
	t.current = must(t.current.Next(t.members))
}

type modulo struct{ members []string }

func newModulo(members []string) finder {
	return &modulo{members: slices.Sorted(slices.Values(members))}
}

func (m *modulo) Owner(key string) string {
	return m.members[xxhash.Sum64String(key)%uint64(len(m.members))]
}

func (m *modulo) Leave(id string) {
	at, _ := slices.BinarySearch(m.members, id)
	m.members = slices.Delete(slices.Clone(m.members), at, at+1)
}

func (m *modulo) Join(id string) {
	at, _ := slices.BinarySearch(m.members, id)
	m.members = slices.Insert(slices.Clone(m.members), at, id)
}

type stathat struct{ ring *consistent.Consistent }

func newStathat(members []string) finder {
	s := &stathat{ring: consistent.New()}
	s.ring.Set(members)
	return s
}

func (s *stathat) Owner(key string) string { return must(s.ring.Get(key)) }
func (s *stathat) Leave(id string)         { s.ring.Remove(id) }
func (s *stathat) Join(id string)          { s.ring.Add(id) }

type serialx struct{ ring *hashring.HashRing }

func newSerialx(members []string) finder { return &serialx{ring: hashring.New(members)} }

func (s *serialx) Owner(key string) string {
	id, _ := s.ring.GetNode(key)
	return id
}
func (s *serialx) Leave(id string) { s.ring = s.ring.RemoveNode(id) }
func (s *serialx) Join(id string)  { s.ring = s.ring.AddNode(id) }

type highest struct {
	members []string
	ring    *rendezvous.Rendezvous
}

func newRendezvous(members []string) finder {
	return &highest{members: slices.Clone(members), ring: rendezvous.New(members, xxhash.Sum64String)}
}

func (h *highest) Owner(key string) string { return h.ring.Lookup(key) }

func (h *highest) Leave(id string) {
	h.members = slices.DeleteFunc(h.members, func(m string) bool { return m == id })
	h.ring = rendezvous.New(h.members, xxhash.Sum64String)
}

func (h *highest) Join(id string) {
	h.members = append(h.members, id)
	h.ring.Add(id)
}

type jumper struct{ members []string }

func newJump(members []string) finder { return &jumper{members: slices.Clone(members)} }

func (j *jumper) Owner(key string) string {
	return j.members[jump.Hash(xxhash.Sum64String(key), len(j.members))]
}

func (j *jumper) Leave(id string) {
	end := len(j.members) - 1
	j.members[slices.Index(j.members, id)] = j.members[end]
	j.members = j.members[:end]
}

func (j *jumper) Join(id string) { j.members = append(j.members, id) }

type groupcache struct {
	members []string
	ring    *consistenthash.Map
}

func newGroupcache(members []string) finder {
	g := &groupcache{members: slices.Clone(members)}
	g.build()
	return g
}

func (g *groupcache) build() {
	g.ring = consistenthash.New(50, nil)
	g.ring.Add(g.members...)
}

func (g *groupcache) Owner(key string) string { return g.ring.Get(key) }

func (g *groupcache) Leave(id string) {
	g.members = slices.DeleteFunc(g.members, func(m string) bool { return m == id })
	g.build()
}

func (g *groupcache) Join(id string) {
	g.members = append(g.members, id)
	g.ring.Add(id)
}

// must ends the program when a contender cannot do what it was made for.
func must[T any](value T, err error) T {
	if err != nil {
		panic(err)
	}
	return value
}
