package pools

import (
	"strconv"

	"github.com/coordd/coordd/transport/resp/wire"
)

// Pool is a pool of partitions that workers share.
type Pool struct {
	Name        string `json:"name"`
	Incarnation string `json:"incarnation"`
	Partitions  int    `json:"partitions"`
	Zones       string `json:"zones"`
	DebounceMs  int64  `json:"debounce_ms"`
	DrainMs     int64  `json:"drain_ms"`
	Moves       int64  `json:"moves"`
	Version     int64  `json:"version"`
	// RebalanceInMs is how long it is until the next rebalance; 0: none is planned.
	RebalanceInMs int64 `json:"rebalance_in_ms"`
	WorkersTotal  int   `json:"workers_total"`
	Owned         int   `json:"owned"`
	Draining      int   `json:"draining"`
	Free          int   `json:"free"`
	Waiting       int   `json:"waiting"`
	Overdue       int   `json:"overdue"`
	// Workers are there only when one pool was asked for.
	Workers []Worker `json:"workers,omitempty"`
}

// Moving is how many partitions change hands, or are to.
func (p Pool) Moving() int { return p.Draining + p.Waiting }

// OwnedBy is how many partitions a worker owns; none if it is no member.
func (p Pool) OwnedBy(worker string) int {
	for _, w := range p.Workers {
		if w.ID == worker {
			return w.Owned
		}
	}
	return 0
}

// Worker is a member of a pool.
type Worker struct {
	ID      string `json:"worker"`
	Epoch   string `json:"epoch"`
	Session string `json:"session,omitempty"`
	Zone    string `json:"zone,omitempty"`
	Weight  int64  `json:"weight"`
	Address string `json:"address,omitempty"`
	// State is active, leaving or reserved.
	State string `json:"state"`
	// ReservedForMs is how long the place of one that is away is still kept.
	ReservedForMs int64 `json:"reserved_for_ms,omitempty"`
	Owned         int   `json:"owned"`
	Draining      int   `json:"draining"`
	Target        int   `json:"target"`
	MemberMs      int64 `json:"member_ms"`
}

// Gives is how many of its partitions others are to have: those that drain, or what it has beyond its target. Partitions that it gives and gets at the same time cancel out.
func (w Worker) Gives() int { return max(w.Draining, w.Owned-w.Target, 0) }

// Gets is how many partitions it is to have that it does not own yet.
func (w Worker) Gets() int { return max(w.Target-(w.Owned-w.Gives()), 0) }

// Partition is who owns a partition now.
type Partition struct {
	Partition int    `json:"partition"`
	Owner     string `json:"owner,omitempty"`
	Token     string `json:"token"` // of the last grant; "0" when it was never granted
	State     string `json:"state"` // free, owned or draining
}

// Explanation says where a key is, and why.
type Explanation struct {
	Pool        string   `json:"pool"`
	Key         string   `json:"key"`
	Incarnation string   `json:"incarnation"`
	Version     int64    `json:"version"`
	Partition   int      `json:"partition"`
	Owner       string   `json:"owner,omitempty"`
	Address     string   `json:"address,omitempty"`
	Token       string   `json:"token"`
	State       string   `json:"state"`
	Target      string   `json:"target,omitempty"`
	Standbys    []string `json:"standbys,omitempty"`
	Text        string   `json:"text"`
}

// states are the words for the numbers by which the cluster tells the state of a partition.
var states = [...]string{"free", "owned", "draining"}

func stateOf(n int64) string {
	if n < 0 || n >= int64(len(states)) {
		return strconv.FormatInt(n, 10)
	}
	return states[n]
}

// ReadPool reads a pool map.
func ReadPool(value wire.Value) Pool {
	f := fields{value}
	now := f.number("now_ms")
	pool := Pool{
		Name: f.text("name"), Incarnation: f.text("incarnation"), Partitions: f.count("partitions"), Zones: f.text("zones"), DebounceMs: f.number("debounce_ms"),
		DrainMs: f.number("drain_ms"), Moves: f.number("moves"), Version: f.number("version"), RebalanceInMs: f.distance("rebalance_ms", now), WorkersTotal: f.count("workers_total"),
		Owned: f.count("owned"), Draining: f.count("draining"), Free: f.count("free"), Waiting: f.count("waiting"), Overdue: f.count("overdue"),
	}
	for _, element := range f.list("workers") {
		w := fields{element}
		pool.Workers = append(pool.Workers, Worker{
			ID: w.text("worker"), Epoch: w.text("epoch"), Session: w.text("session"), Zone: w.text("zone"), Weight: w.number("weight"), Address: w.text("address"), State: w.text("state"),
			ReservedForMs: w.distance("until_ms", now), Owned: w.count("owned"), Draining: w.count("draining"), Target: w.count("target"), MemberMs: max(0, now-w.number("since_ms")),
		})
	}
	return pool
}

// ReadPartitions reads a whole table map. It has a row for every partition, those that were never granted too.
func ReadPartitions(value wire.Value) []Partition {
	f := fields{value}
	table := make([]Partition, max(0, f.count("partitions")))
	for i := range table {
		table[i] = Partition{Partition: i, Token: "0", State: states[0]}
	}
	rows := f.list("changes")
	for ; len(rows) >= 4; rows = rows[4:] {
		number, _ := rows[0].Int()
		token, _ := rows[2].Int()
		state, _ := rows[3].Int()
		if number >= 0 && number < int64(len(table)) {
			table[number] = Partition{int(number), string(rows[1].Text), strconv.FormatInt(token, 10), stateOf(state)}
		}
	}
	return table
}

// ReadExplanation reads what the cluster explains about a key.
func ReadExplanation(key string, value wire.Value) Explanation {
	f := fields{value}
	e := Explanation{
		Pool: f.text("pool"), Key: key, Incarnation: f.text("incarnation"), Version: f.number("version"), Partition: f.count("partition"), Owner: f.text("owner"), Address: f.text("address"),
		Token: strconv.FormatInt(f.number("token"), 10), State: stateOf(f.number("state")), Target: f.text("target"), Text: f.text("text"),
	}
	for _, id := range f.list("standbys") {
		e.Standbys = append(e.Standbys, string(id.Text))
	}
	return e
}

// Evicted is what an eviction did: how many partitions the worker owned, and the version of the pool since.
type Evicted struct {
	Partitions int
	Version    int64
}

// ReadEvicted reads the answer to an eviction.
func ReadEvicted(value wire.Value) Evicted {
	f := fields{value}
	return Evicted{f.count("partitions"), f.number("version")}
}

// fields reads a map that the cluster answered. What is missing or of another kind is zero.
type fields struct{ value wire.Value }

func (f fields) text(key string) string {
	value, _ := f.value.Lookup(key)
	return string(value.Text)
}

func (f fields) number(key string) int64 {
	value, _ := f.value.Lookup(key)
	n, _ := value.Int()
	return n
}

func (f fields) count(key string) int { return int(f.number(key)) }

func (f fields) list(key string) []wire.Value {
	value, _ := f.value.Lookup(key)
	return value.Elements
}

// distance is how long it is from an instant until one of the map; 0 when that is absent or has passed.
func (f fields) distance(key string, now int64) int64 {
	instant := f.number(key)
	if instant == 0 {
		return 0
	}
	return max(0, instant-now)
}
