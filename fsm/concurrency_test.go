package fsm

import (
	"io"
	"math/rand/v2"
	"sync"
	"testing"

	"github.com/coordd/coordd/fsm/command"
)

// Everything but Apply may be called beside it, and a snapshot is written while the machine goes on. The race detector is the judge.
func TestReadersAndSnapshotsBesideApply(t *testing.T) {
	s := newScenario(rand.New(rand.NewPCG(3, 4)).IntN)
	m := s.machine
	script := command.Script{Program: compareAndDelete(t), Keys: [][]byte{[]byte("a")}, Arguments: [][]byte{[]byte("1")}, ReadsOnly: true}
	done := make(chan struct{})
	var readers sync.WaitGroup
	for range 2 {
		readers.Go(func() {
			for {
				select {
				case <-done:
					return
				default:
				}
				m.Read(m.Now(), []command.Op{command.MultiGet{Names: []command.Name{name("a"), name("b")}}, command.Scan{Count: 2}, command.DatabaseSize{}, script})
				m.Counts()
				m.SmallestSessionTTL()
				m.HasWork()
				m.WaiterOutcome("a", command.WaiterID{Index: 5})
				if _, err := m.Snapshot().WriteTo(io.Discard); err != nil {
					t.Error(err)
				}
			}
		})
	}
	for range 500 {
		s.step()
	}
	close(done)
	readers.Wait()
}
