package nemesis

import (
	"math/bits"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

func TestInARingEveryNodeTalksToAMajorityAndNoTwoToTheSame(t *testing.T) {
	for _, size := range []int{5, 7, 9} {
		talks := make([]map[int]bool, size)
		for i := range talks {
			talks[i] = map[int]bool{}
			for j := range size {
				talks[i][j] = true
			}
		}
		for _, cut := range ringCuts(size) {
			delete(talks[cut[0]], cut[1])
			delete(talks[cut[1]], cut[0])
		}
		for i := range talks {
			if len(talks[i]) <= size/2 || len(talks[i]) == size {
				t.Errorf("of %d nodes, %d talks to %d", size, i, len(talks[i]))
			}
			for j := range i {
				same := true
				for k := range size {
					same = same && talks[i][k] == talks[j][k]
				}
				if same {
					t.Errorf("of %d nodes, %d and %d talk to the same", size, i, j)
				}
			}
		}
	}
}

func TestWhatIsMissingIsSaid(t *testing.T) {
	everything := Host{Senders: true, Disks: true, Failpoints: true}
	workloads := []string{"fenced-register", "register", "keepers"}
	for _, one := range All() {
		if missing := one.Missing(everything, 5, workloads); missing != "" {
			t.Errorf("%s is never possible: %s", one.Name, missing)
		}
	}
	for name, word := range map[string]string{"isolate-leader": "Linux", "disk-stuck": "need root", "clock-rate": "--failpoints", "pause-holder": "fenced-register", "majorities-ring": "--nodes 5"} {
		chosen, err := Find(name)
		if err != nil {
			t.Fatal(err)
		}
		if missing := chosen.Missing(Host{NoDisks: "disks need root"}, 3, nil); !strings.Contains(missing, word) {
			t.Errorf("%s on a host that has nothing: %q does not say %q", name, missing, word)
		}
	}
	for _, name := range []string{"kill-leader", "pause-client", "transfer", "none"} {
		chosen, _ := Find(name)
		if missing := chosen.Missing(Host{}, 1, nil); missing != "" {
			t.Errorf("%s needs nothing, and says %q", name, missing)
		}
	}
	for name, want := range map[string]string{
		"none": "", "kill-one": "", "isolate-one": "Linux", "disk-full": "root and mkfs.ext4 (Debian: e2fsprogs)", "clock-rate": "--failpoints", "majorities-ring": "Linux, 5 nodes",
		"power-loss-majority": "Linux, root and mkfs.ext4 (Debian: e2fsprogs), 3 nodes", "pause-holder": "the workload fenced-register", "bit-flip": "3 nodes",
	} {
		chosen, _ := Find(name)
		if got := strings.Join(chosen.Requirements(), ", "); got != want {
			t.Errorf("%s needs %q, want %q", name, got, want)
		}
	}
	if _, err := Find("nonsense"); err == nil {
		t.Error("nonsense is a nemesis")
	}
}

func TestPartitionsAreFoundUnderTheirLongNamesToo(t *testing.T) {
	for name, want := range map[string]string{"halves": "halves", "partition-halves": "halves", "partition-isolate-leader": "isolate-leader", "partition-client-leader": "client-leader", "kill-leader": "kill-leader"} {
		if one, err := Find(name); err != nil || one.Name != want {
			t.Errorf("%s is found as %q, %v; want %s", name, one.Name, err, want)
		}
	}
	for _, name := range []string{"partition-kill-leader", "partition-", "partition-partition-halves", "partition-delay", ""} {
		if one, err := Find(name); err == nil {
			t.Errorf("%q is found as %s", name, one.Name)
		}
	}
	for _, one := range All() {
		if partition := slices.ContainsFunc(partitionNemeses, func(p Nemesis) bool { return p.Name == one.Name }); partition != (one.Alias() != "") {
			t.Errorf("the alias of %s is %q", one.Name, one.Alias())
		}
	}
}

func TestABitOfAnEntryTurns(t *testing.T) {
	path := filepath.Join(t.TempDir(), "raft.db")
	before := []byte("head lock/0/1 middle redis/4 tail")
	if err := os.WriteFile(path, before, 0o600); err != nil {
		t.Fatal(err)
	}
	env := &Env{Random: rand.New(rand.NewPCG(1, 1)), Workloads: []string{"lock"}}
	place, err := env.flip(path)
	after, _ := os.ReadFile(path)
	if err != nil || place != strings.Index(string(before), "/") || len(after) != len(before) {
		t.Fatalf("the bit of byte %d turned, %v", place, err)
	}
	for i := range before {
		if turned := bits.OnesCount8(before[i] ^ after[i]); turned != 0 && i != place || i == place && turned != 1 {
			t.Errorf("byte %d has %d bits that turned", i, turned)
		}
	}
	env.Workloads = []string{"counter"}
	if _, err := env.flip(path); err == nil {
		t.Error("nothing of the workload is there, and no error")
	}
}

func TestExcusesEndWhenAllIsWell(t *testing.T) {
	path := filepath.Join(t.TempDir(), "n1.log")
	env := &Env{Excused: []Excuse{{Path: path, From: 0, To: -1}}}
	if err := os.WriteFile(path, []byte("panic"), 0o600); err != nil {
		t.Fatal(err)
	}
	env.endExcuses()
	if env.Excused[0].To != 5 {
		t.Errorf("the excuse ends at byte %d, want 5", env.Excused[0].To)
	}
}
