package gossip

import (
	"cmp"
	"context"
	"errors"
	"slices"
	"strings"
	"time"
)

// Workers of a pool may take part in the gossip. They are no nodes: they are listed apart, so whoever looks for nodes never finds one, and what a node tells (Meta) and what a worker tells begin with
// different versions, so that a build from before there were workers takes none for a node either.

const (
	// workerVersion begins every encoded Worker.
	workerVersion = 2
	// longestSession is the length of the longest id of a session: two numbers of at most 20 digits.
	longestSession = 41
	// maxWorkers bounds how many workers are listed, apart from the nodes: no number of workers crowds a node out.
	maxWorkers = 2048
	// deadCounts is how long a node that died still counts among those that should answer a worker.
	deadCounts = time.Minute
)

// Worker is what a worker tells about itself. Encoded it must fit into 512 bytes.
type Worker struct {
	ClusterName string
	Pool        string
	ID          string // within the pool
	Session     string // the session under which it serves, such as 812-3; empty while it has none
}

// fields gives the texts of a Worker in the order in which they travel.
func (w *Worker) fields() []*string {
	return []*string{&w.ClusterName, &w.Pool, &w.ID, &w.Session}
}

// encode gives the bytes that travel.
func (w Worker) encode() ([]byte, error) { return encodeFields(workerVersion, w.fields()) }

// Check refuses a worker of which gossip can never tell. The session's id does not decide: room is kept for the longest.
func (w Worker) Check() error {
	w.Session += strings.Repeat("0", max(0, longestSession-len(w.Session)))
	_, err := w.encode()
	return err
}

// decodeWorker reads what a worker tells. What follows the known fields is left for later versions.
func decodeWorker(encoded []byte) (w Worker, err error) {
	err = decodeFields(workerVersion, encoded, w.fields())
	return w, err
}

// isWorker reports whether what a member tells is what workers tell.
func isWorker(encoded []byte) bool { return len(encoded) > 0 && encoded[0] == workerVersion }

// SetWorker tells the others new facts about this worker, as SetMeta does about a node.
func (g *Gossip) SetWorker(worker Worker) error {
	if !g.table.worker {
		return errors.New("this member of the gossip is a node, not a worker")
	}
	if err := g.table.tellWorker(worker); err != nil {
		return err
	}
	return g.list.UpdateNode(tellTimeout)
}

// Workers is a snapshot of the members that are workers, ordered by id.
func (g *Gossip) Workers() []Member { return g.table.list(true) }

// Answering asks the nodes that this member knows, except those that left or have been dead for a while, whether they take it for alive: how many said so before the context ended or the patience of a
// ping was over, of how many. It is for workers.
func (g *Gossip) Answering(ctx context.Context) (answered, known int) {
	return g.ask(ctx, func(answered, known int) bool { return answered == known })
}

// MostAnswer asks the same nodes, and reports whether more than half of them said so. It returns as soon as they have: from one that has died nothing comes.
func (g *Gossip) MostAnswer(ctx context.Context) bool {
	most := func(answered, known int) bool { return answered > known/2 }
	return most(g.ask(ctx, most))
}

// tellWorker sets what this worker tells from now on.
func (t *table) tellWorker(worker Worker) error {
	if worker.ClusterName == "" {
		return errors.New("a worker gossips under the name of its cluster")
	}
	return t.setOwn(worker.encode())
}

// makeRoom reports whether another member of the kind can be listed. Of workers, the one that has been gone for longest makes room. The caller holds mu.
func (t *table) makeRoom(worker bool) bool {
	var count int
	var gone []Member
	for _, member := range t.members {
		if member.IsWorker() != worker {
			continue
		}
		count++
		if worker && !member.Alive() {
			gone = append(gone, member)
		}
	}
	switch {
	case count < maxWorkers && worker || count < maxMembers && !worker:
		return true
	case len(gone) == 0:
		return false
	}
	oldest := slices.MinFunc(gone, func(a, b Member) int {
		return cmp.Or(a.Since.Compare(b.Since), strings.Compare(a.NodeID, b.NodeID))
	})
	delete(t.members, oldest.NodeID)
	return true
}
