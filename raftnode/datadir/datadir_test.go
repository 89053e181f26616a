package datadir

import (
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
)

func open(t *testing.T, options Options) *Dir {
	t.Helper()
	dir, err := Open(options)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = dir.Close() })
	return dir
}

func wantError(t *testing.T, err error, sentence string) {
	t.Helper()
	if err == nil || !strings.Contains(err.Error(), sentence) {
		t.Fatalf("want an error with %q, got %v", sentence, err)
	}
}

func TestIdentityOutlivesTheProcess(t *testing.T) {
	options := Options{Path: filepath.Join(t.TempDir(), "a", "b"), ClusterName: "test"}
	dir := open(t, options)
	first := dir.Identity()
	if !nodeIDForm.MatchString(first.NodeID) || len(first.NodeID) != 36 || first.Starts != 1 || !dir.WasEmpty() {
		t.Fatalf("first identity %+v", first)
	}
	promise := Promise{Members: []Member{{"n1", "a:1"}, {"n2", "b:1"}}}
	for _, step := range []error{dir.SetPromise(promise), dir.SetPromise(promise), dir.SetFounded("c1"), dir.SetBootstrapped(), dir.SetClusterID("c1")} {
		if step != nil {
			t.Fatal(step)
		}
	}
	if err := dir.Close(); err != nil {
		t.Fatal(err)
	}
	again := open(t, options)
	got := again.Identity()
	if got.NodeID != first.NodeID || got.ClusterID != "c1" || !got.Founder || !got.Bootstrapped || got.Starts != 2 || !got.Promise.Equal(promise) || again.WasEmpty() {
		t.Fatalf("identity after a restart %+v", got)
	}
	got.Promise.Members[0].NodeID = "changed"
	if again.Identity().Promise.Members[0].NodeID != "n1" {
		t.Fatal("a caller changed the identity")
	}
}

func TestPromiseAndClusterNeverChange(t *testing.T) {
	dir := open(t, Options{Path: t.TempDir(), ClusterName: "test", NodeID: "n1"})
	wantError(t, dir.SetFounded("c1"), "has not promised")
	wantError(t, dir.SetBootstrapped(), "only the founder")
	if err := dir.SetPromise(Promise{Members: []Member{{"n1", "a:1"}}}); err != nil {
		t.Fatal(err)
	}
	wantError(t, dir.SetPromise(Promise{Members: []Member{{"n2", "a:1"}}}), "promises once")
	if err := dir.SetClusterID("c1"); err != nil {
		t.Fatal(err)
	}
	wantError(t, dir.SetClusterID("c2"), "cannot join c2")
	wantError(t, dir.SetFounded("c2"), "cannot found")
	joined := open(t, Options{Path: t.TempDir(), ClusterName: "test"})
	if err := joined.SetClusterID("c1"); err != nil {
		t.Fatal(err)
	}
	wantError(t, joined.SetPromise(Promise{Members: []Member{{"n1", "a:1"}}}), "founds no other")
}

func TestSecondProcessIsKeptOut(t *testing.T) {
	path := t.TempDir()
	dir := open(t, Options{Path: path, ClusterName: "test"})
	_, err := Open(Options{Path: path, ClusterName: "test"})
	wantError(t, err, "another process uses it")
	if err := dir.Close(); err != nil {
		t.Fatal(err)
	}
	open(t, Options{Path: path, ClusterName: "test"})
}

func TestDirectoryOfAnotherClusterOrNodeIsRefused(t *testing.T) {
	path := t.TempDir()
	if err := open(t, Options{Path: path, ClusterName: "test", NodeID: "n1"}).Close(); err != nil {
		t.Fatal(err)
	}
	_, err := Open(Options{Path: path, ClusterName: "other"})
	wantError(t, err, `cluster "test", not of "other"`)
	_, err = Open(Options{Path: path, ClusterName: "test", NodeID: "n2"})
	wantError(t, err, "belongs to node n1, not to n2")
	_, err = Open(Options{Path: path, ClusterName: "test", NodeID: "n@1"})
	wantError(t, err, "letters, digits")
	open(t, Options{Path: path, ClusterName: "test"})
}

func TestBadDirectoriesAreExplained(t *testing.T) {
	base := t.TempDir()
	file := filepath.Join(base, "file")
	if err := os.WriteFile(file, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	_, err := Open(Options{Path: file, ClusterName: "test"})
	wantError(t, err, "must be a directory")
	_, err = Open(Options{Path: filepath.Join(file, "below"), ClusterName: "test"})
	wantError(t, err, "must be a directory")
	_, err = Open(Options{ClusterName: "test"})
	wantError(t, err, "no data directory was given")

	newer := filepath.Join(base, "newer")
	write(t, newer, identityFile, `{"format_version": 2, "node_id": "n1", "cluster_name": "test"}`)
	_, err = Open(Options{Path: newer, ClusterName: "test"})
	wantError(t, err, "newer coordd")

	torn := filepath.Join(base, "torn")
	write(t, torn, identityFile, `{"format_version": 1, "node`)
	_, err = Open(Options{Path: torn, ClusterName: "test"})
	wantError(t, err, "is damaged")

	headless := filepath.Join(base, "headless")
	write(t, headless, filepath.Join(raftDir, "raft.db"), "log")
	_, err = Open(Options{Path: headless, ClusterName: "test"})
	wantError(t, err, "holds a Raft log but no identity.json")
}

func write(t *testing.T, dir, name, text string) {
	t.Helper()
	path := filepath.Join(dir, name)
	if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
}

func TestErrorsOfTheFileSystemSayWhatToDo(t *testing.T) {
	for cause, advice := range map[error]string{
		syscall.ENOSPC: "make room",
		syscall.EDQUOT: "make room",
		syscall.EACCES: "must own",
		syscall.EROFS:  "read-only",
	} {
		wantError(t, explain("/d", &os.PathError{Op: "write", Path: "/d/x", Err: cause}), advice)
	}
	wantError(t, explain("/d", enoughFree(leastFreeBytes-1)), "make room")
	if err := enoughFree(leastFreeBytes); err != nil {
		t.Fatal(err)
	}
}

func TestDirectoryIsClosedToOthersAndAHalfWrittenChangeIsIgnored(t *testing.T) {
	path := t.TempDir()
	if err := os.Chmod(path, 0o755); err != nil {
		t.Fatal(err)
	}
	write(t, path, identityFile+".tmp", `{"format_version": 1, "node_id": "never"`)
	dir := open(t, Options{Path: path, ClusterName: "test"})
	info, err := os.Stat(path)
	if err != nil || info.Mode().Perm() != 0o700 {
		t.Fatalf("mode %v, %v", info.Mode().Perm(), err)
	}
	if dir.Identity().NodeID == "never" {
		t.Fatal("a change that was never finished counts")
	}
}
