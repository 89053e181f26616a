package databases

import (
	"testing"

	"github.com/coordd/coordd/test/guard/store"
)

// The judge of the scenarios finds a write that came after one with a newer token of the same lock, and nothing else.
func TestTheJudgeFindsStaleWrites(t *testing.T) {
	e := usePostgreSQL(t)
	db := e.open(t)
	judge := &store.Store{DB: db}
	execute(t, db, "CREATE TABLE history (seq bigserial PRIMARY KEY, lock text NOT NULL, token bigint NOT NULL, writer text NOT NULL)",
		"INSERT INTO history (lock, token, writer) VALUES ('a/1', 33, ''), ('a/1', 33, ''), ('a/2', 30, ''), ('a/1', 34, ''), ('b/1', 1, '')")
	if accepted, stale, err := judge.Judge(t.Context(), "a/"); err != nil || accepted != 4 || stale != 0 {
		t.Errorf("in order: %d accepted, %d stale, %v", accepted, stale, err)
	}
	execute(t, db, "INSERT INTO history (lock, token, writer) VALUES ('a/1', 33, ''), ('a/1', 35, ''), ('a/1', 34, ''), ('a/2', 31, '')")
	if accepted, stale, err := judge.Judge(t.Context(), "a/"); err != nil || accepted != 8 || stale != 2 {
		t.Errorf("with two late writes: %d accepted, %d stale, %v", accepted, stale, err)
	}
}
