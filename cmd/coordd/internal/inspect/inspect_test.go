package inspect

import (
	"bytes"
	"encoding/binary"
	"encoding/json"
	"errors"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"

	"github.com/hashicorp/raft"

	"github.com/coordd/coordd/fsm"
	"github.com/coordd/coordd/fsm/command"
	"github.com/coordd/coordd/raftnode/store"
)

// node writes a data directory as a node would.
type node struct {
	t       *testing.T
	path    string
	stores  *store.Stores
	machine *fsm.Machine
	index   uint64
}

func newNode(t *testing.T, kind store.Kind) *node {
	t.Helper()
	path := t.TempDir()
	stores, err := store.Open(store.Options{Dir: filepath.Join(path, raftDir), Kind: kind, OnFatal: func(err error) { t.Error(err) }})
	if err != nil {
		t.Fatal(err)
	}
	return &node{t: t, path: path, stores: stores, machine: fsm.New()}
}

// seal appends an entry of commands, runs it, and gives its index.
func (n *node) seal(now command.Instant, sealedTerm uint64, ops ...command.Op) uint64 {
	n.t.Helper()
	commands := make([]command.Command, len(ops))
	for i, op := range ops {
		commands[i].Op = op
	}
	data := command.AppendEntry(nil, command.Entry{Term: sealedTerm, Now: now, Commands: commands})
	n.append(raft.LogCommand, data)
	n.machine.Apply(n.index, 1, data)
	return n.index
}

func (n *node) append(kind raft.LogType, data []byte) {
	n.t.Helper()
	n.index++
	if err := n.stores.Log.StoreLog(&raft.Log{Index: n.index, Term: 1, Type: kind, Data: data}); err != nil {
		n.t.Fatal(err)
	}
}

func (n *node) snapshot() {
	n.t.Helper()
	configuration := raft.Configuration{Servers: []raft.Server{{ID: "n1", Address: "127.0.0.1:7580"}}}
	_, addresses := raft.NewInmemTransport("127.0.0.1:7580") // writes the old form of the configuration beside the new one
	sink, err := n.stores.Snapshots.Create(raft.SnapshotVersionMax, n.index, 1, configuration, 1, addresses)
	if err != nil {
		n.t.Fatal(err)
	}
	if _, err := n.machine.Snapshot().WriteTo(sink); err != nil {
		n.t.Fatal(err)
	}
	if err := sink.Close(); err != nil {
		n.t.Fatal(err)
	}
}

// stop closes the stores and opens the directory for inspection.
func (n *node) stop() *Directory {
	n.t.Helper()
	if err := n.stores.Close(); err != nil {
		n.t.Fatal(err)
	}
	directory, err := Open(n.path)
	if err != nil {
		n.t.Fatal(err)
	}
	n.t.Cleanup(func() {
		if err := directory.Close(); err != nil {
			n.t.Error(err)
		}
	})
	return directory
}

// replay collects the records, each also in its JSON form.
func replay(t *testing.T, directory *Directory) (records []Record, lines []string) {
	t.Helper()
	err := directory.Replay(func(record Record) error {
		line, err := json.Marshal(record)
		records, lines = append(records, record), append(lines, string(line))
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return records, lines
}

func setJob(holder string) command.Set {
	return command.Set{
		Name: command.Name{Key: "job"}, Value: []byte(holder), Condition: command.IfAbsent,
		Expiry: command.Expiry{Mode: command.ExpiryRelative, Milliseconds: 100},
	}
}

func TestALogTellsGrantsTokensAndEnds(t *testing.T) {
	for _, kind := range []store.Kind{store.Bolt, store.WAL} {
		t.Run(string(kind), func(t *testing.T) {
			n := newNode(t, kind)
			n.append(raft.LogConfiguration, raft.EncodeConfiguration(raft.Configuration{Servers: []raft.Server{{ID: "n1", Address: "127.0.0.1:7580"}}}))
			n.append(raft.LogNoop, nil)
			n.seal(0, 1, command.Identity{ClusterID: "c-1", ClusterName: "try"})
			granted := n.seal(10, 1, setJob("me"), setJob("other"))
			n.seal(20, 9, command.Delete{Names: []command.Name{{Key: "job"}}}) // sealed in another term: must not run
			index, hash := n.machine.Hash()
			n.seal(110, 1, command.Expire{}, command.Tick{HashIndex: index, Hash: hash})
			again := n.seal(120, 1, setJob("other"))
			records, lines := replay(t, n.stop())
			if len(records) != 7 || records[0].Type != "configuration" || records[1].Type != "noop" || records[0].Servers[0].NodeID != "n1" {
				t.Fatalf("%d records: %s", len(records), lines)
			}
			for i, want := range map[int][]string{
				3: {
					`{"index":4,"term":1,"type":"command","now_ms":10,"committed":true,"replayed":true,"term_matched":true,"commands":[`,
					`{"kind":"set","name":"job","database":0,"value":"me","condition":"if_absent","ttl_ms":100,"reply":{"status":"OK"}}`,
					`"value":"other","condition":"if_absent","ttl_ms":100,"reply":null}`, `{"type":"began","name":"job","database":0,"token":4,"holder":"me"`,
				},
				4: {`"term_matched":false`, `"reply":{"again":true}`, `"events":[]`},
				5: {`"kind":"expire"`, `{"type":"ended","name":"job","database":0,"token":4,"holder":"me","reason":"expired"`},
				6: {`"committed":"unknown"`, `"token":7,"holder":"other"`},
			} {
				for _, part := range want {
					if !strings.Contains(lines[i], part) {
						t.Errorf("entry %d lacks %s:\n%s", i+1, part, lines[i])
					}
				}
			}
			if granted != 4 || again != 7 {
				t.Errorf("the grants stand at %d and %d", granted, again)
			}
		})
	}
}

// Who owns which partition of a pool is told entry by entry, also when the replay begins with a snapshot that knows the pool.
func TestALogTellsWhoOwnsPartitions(t *testing.T) {
	for _, compacted := range []bool{false, true} {
		n := newNode(t, store.Bolt)
		session := command.Position{Index: n.seal(10, 1, command.SessionOpen{TTLMilliseconds: 1000})}
		member := command.PoolMember{Pool: "orders", Worker: "w1", Session: session}
		n.seal(20, 1, command.PoolCreate{Pool: "orders", Partitions: 2, Settings: command.PoolSettings{Drain: 1000}})
		join := n.seal(30, 1, command.PoolJoin{Member: member, Weight: 1})
		if compacted {
			n.snapshot()
			if err := n.stores.Log.DeleteRange(1, n.index-1); err != nil {
				t.Fatal(err)
			}
		}
		n.seal(40, 1, command.PoolAcknowledge{Member: member, Releases: []command.Release{{Partition: 1, Token: command.Token(join)}}})
		_, lines := replay(t, n.stop())
		log := strings.Join(lines, "\n")
		granted := `"pools":[{"pool":"orders","incarnation":"2-0","version":2,"partitions":[{"partition":0,"owner":"w1","token":3,"draining":false},{"partition":1,"owner":"w1","token":3,"draining":false}]}]`
		if strings.Contains(log, granted) == compacted {
			t.Errorf("compacted %v: of the join is told\n%s", compacted, log)
		}
		if again := `"version":3,"partitions":[{"partition":1,"owner":"w1","token":4,"draining":false}]`; !strings.Contains(log, again) {
			t.Errorf("compacted %v: a partition that was given back and granted anew is not told:\n%s", compacted, log)
		}
	}
}

func TestACompactedLogIsReplayedFromTheSnapshot(t *testing.T) {
	n := newNode(t, store.Bolt)
	n.seal(0, 1, command.Identity{ClusterID: "c-1", ClusterName: "try"})
	n.seal(10, 1, setJob("me"))
	n.seal(20, 1, command.Set{Name: command.Name{Database: 3, Key: "\xff"}, Value: []byte("a\x00b")})
	n.snapshot()
	n.seal(30, 1, command.Delete{Names: []command.Name{{Key: "job"}}})
	if err := n.stores.Log.DeleteRange(1, 1); err != nil {
		t.Fatal(err)
	}
	directory := n.stop()
	records, lines := replay(t, directory)
	if len(records) != 3 || records[0].Index != 2 || records[0].Replayed || records[1].Replayed || !records[2].Replayed {
		t.Fatalf("%s", lines)
	}
	if records[0].Committed != true || records[2].Committed != "unknown" || records[0].NowMs != 10 {
		t.Errorf("%s", lines)
	}
	if !strings.Contains(lines[2], `{"type":"ended","name":"job","database":0,"token":2,"holder":"me","reason":"deleted"`) {
		t.Errorf("the deletion does not end what the snapshot holds: %s", lines[2])
	}
	if !strings.Contains(lines[1], `"name":{"base64":"/w=="},"database":3,"value":"a\u0000b"`) {
		t.Errorf("bytes that are no text: %s", lines[1])
	}

	machine, err := directory.RestoreNewest()
	if err != nil {
		t.Fatal(err)
	}
	if s := directory.Summarise(machine); s.Index != 3 || s.ClusterID != "c-1" || s.Names != 2 || len(s.Servers) != 1 {
		t.Errorf("%+v", s)
	}
	var rows []NameRow
	if err := Names(machine, func(row NameRow) error { rows = append(rows, row); return nil }); err != nil {
		t.Fatal(err)
	}
	left := int64(90)
	want := []NameRow{
		{Name: Text("job"), Value: Text("me"), Token: 2, RemainingMs: &left},
		{Name: Text("\xff"), Database: 3, Value: Text("a\x00b"), Token: 3},
	}
	if !reflect.DeepEqual(rows, want) {
		t.Errorf("got %+v, want %+v", rows, want)
	}
}

func TestInspectionChangesNothing(t *testing.T) {
	for _, kind := range []store.Kind{store.Bolt, store.WAL} {
		n := newNode(t, kind)
		n.seal(10, 1, setJob("me"))
		n.snapshot()
		before := map[string][]byte{}
		if err := n.stores.Close(); err != nil {
			t.Fatal(err)
		}
		files := func(visit func(path string, content []byte)) {
			err := filepath.WalkDir(n.path, func(path string, entry os.DirEntry, err error) error {
				if err != nil || entry.IsDir() {
					return err
				}
				content, err := os.ReadFile(path)
				visit(path, content)
				return err
			})
			if err != nil {
				t.Fatal(err)
			}
		}
		files(func(path string, content []byte) { before[path] = content })
		directory, err := Open(n.path)
		if err != nil {
			t.Fatal(err)
		}
		replay(t, directory)
		if err := directory.Close(); err != nil {
			t.Fatal(err)
		}
		after := 0
		files(func(path string, content []byte) {
			after++
			if !bytes.Equal(before[path], content) {
				t.Errorf("%s: %s was changed", kind, path)
			}
		})
		if after != len(before) {
			t.Errorf("%s: %d files became %d", kind, len(before), after)
		}
	}
}

func TestWrongDirectoriesAreNamed(t *testing.T) {
	empty := t.TempDir()
	file := filepath.Join(empty, "file")
	if err := os.WriteFile(file, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	for path, want := range map[string]string{
		filepath.Join(empty, "none"): "there is no data directory",
		file:                         "is not a directory",
		empty:                        "holds no log of a node",
	} {
		if _, err := Open(path); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v, want %s", path, err, want)
		}
	}
}

func TestASnapshotThatIsNotThereIsSaid(t *testing.T) {
	n := newNode(t, store.Bolt)
	n.seal(10, 1, setJob("me"))
	if _, err := n.stop().RestoreNewest(); err == nil || !strings.Contains(err.Error(), "there is no snapshot") {
		t.Errorf("%v", err)
	}
}

func TestMalformedEntriesAreShownAndSkipped(t *testing.T) {
	n := newNode(t, store.Bolt)
	n.append(raft.LogCommand, []byte("not an entry"))
	n.seal(10, 1, setJob("me"))
	records, lines := replay(t, n.stop())
	if len(records) != 2 || records[0].Error == "" || len(records[1].Events) == 0 {
		t.Errorf("%s", lines)
	}
}

func TestPeopleReadTheSame(t *testing.T) {
	n := newNode(t, store.Bolt)
	n.seal(10, 1, setJob("me"))
	records, _ := replay(t, n.stop())
	var text strings.Builder
	if err := WriteRecord(&text, records[0]); err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{
		"1  term 1  10 ms  command  (not known to be committed)\n",
		"    set name=\"job\" database=0 value=\"me\" condition=if_absent ttl_ms=100  -> {\"status\":\"OK\"}\n",
		"    * began name=\"job\" database=0 token=1 holder=\"me\"",
	} {
		if !strings.Contains(text.String(), want) {
			t.Errorf("lacks %q:\n%s", want, text.String())
		}
	}
}

// Secrets' hashes must not reach the output, whatever op carries them.
func TestSecretsAreNeverShown(t *testing.T) {
	hash := [32]byte(bytes.Repeat([]byte{0xAB}, 32))
	session := command.SessionID{Index: 8, Offset: 1}
	for _, op := range []command.Op{
		command.SessionOpen{SecretHash: hash}, command.SessionKeepAlive{Session: session, SecretHash: hash}, command.SessionClose{Session: session, SecretHash: hash},
		command.LockAcquire{Name: "job", Session: session, SecretHash: hash}, command.LockRelease{Name: "job", Token: 7, Session: session, SecretHash: hash},
	} {
		line, err := json.Marshal(Describe(op))
		if err != nil {
			t.Fatal(err)
		}
		if text := strings.ToLower(string(line)); strings.Contains(text, "abab") || strings.Contains(text, "171,171") || strings.Contains(text, "q6ur") {
			t.Errorf("%T shows its secret's hash: %s", op, line)
		}
	}
}

// Every op of the log must be described: a new kind without a word here would be a blank in what checkers read.
func TestEveryKindIsDescribed(t *testing.T) {
	for kind := range command.Kind(256) {
		var newer *command.UnknownFormatError
		if _, _, err := command.DecodeOp(append(binary.AppendUvarint(nil, uint64(kind)), 0)); errors.As(err, &newer) {
			continue
		}
		if _, known := kindNames[kind]; !known {
			t.Errorf("kind %d has no word", kind)
		}
	}
}
