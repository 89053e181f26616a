package gossip

import (
	"bytes"
	"context"
	"encoding/binary"
	"slices"
	"sync"
	"time"

	"github.com/hashicorp/memberlist"
)

// memberlist answers pings of whoever sends them, of one that it has declared dead too. A worker that wants to know whether the nodes hear it therefore asks each of them whether it takes the worker for
// alive. A node that does says so; one that does not, or that is of a build which knows no such question, says nothing.
//
// A question is its word, a number of eight bytes and the id of the worker; an answer the same with the id of the node.
var (
	questionWord = []byte("coordd hears? ")
	answerWord   = []byte("coordd hears: ")
)

// maxQuestions bounds the questions that wait for their answers. What is more is not answered: a worker asks again.
const maxQuestions = 256

// question is what a node has to answer.
type question struct {
	number uint64
	worker Member
}

// inquiries are the questions of a worker that are open, by their numbers.
type inquiries struct {
	mu   sync.Mutex
	last uint64
	open map[uint64]chan string // the ids of the nodes that answer
}

// begin opens a question.
func (i *inquiries) begin(room int) (number uint64, heard <-chan string) {
	i.mu.Lock()
	defer i.mu.Unlock()
	if i.open == nil {
		i.open = make(map[uint64]chan string)
	}
	i.last++
	answers := make(chan string, room)
	i.open[i.last] = answers
	return i.last, answers
}

// end closes a question.
func (i *inquiries) end(number uint64) {
	i.mu.Lock()
	defer i.mu.Unlock()
	delete(i.open, number)
}

// answered notes an answer to a question that may be open.
func (i *inquiries) answered(number uint64, node string) {
	i.mu.Lock()
	defer i.mu.Unlock()
	select {
	case i.open[number] <- node: // a question that is over has no channel
	default:
	}
}

// spell writes a question or an answer.
func spell(word []byte, number uint64, id string) []byte {
	return append(binary.BigEndian.AppendUint64(slices.Clone(word), number), id...)
}

// unspell reads what spell wrote.
func unspell(word, message []byte) (number uint64, id string, ok bool) {
	rest, ok := bytes.CutPrefix(message, word)
	if !ok || len(rest) < 8 {
		return 0, "", false
	}
	return binary.BigEndian.Uint64(rest), string(rest[8:]), true
}

// asked takes a question of a worker that this node takes for alive. It comes from the worker itself, so it is as good a sign as the answer to a ping.
func (t *table) asked(number uint64, id string) {
	t.mu.Lock()
	defer t.mu.Unlock()
	member := t.members[id]
	if t.worker || !member.IsWorker() || member.State != Alive {
		return
	}
	delete(t.silences, id)
	select {
	case t.questions <- question{number, member}:
	default:
	}
}

// keepAnswering answers questions for as long as ctx lasts.
func (g *Gossip) keepAnswering(ctx context.Context) {
	for {
		select {
		case <-ctx.Done():
			return
		case q := <-g.table.questions:
			g.say(q.worker, spell(answerWord, q.number, g.table.self))
		}
	}
}

// say sends a member a message, which may get lost.
func (g *Gossip) say(to Member, message []byte) {
	_ = g.list.SendToAddress(memberlist.Address{Addr: to.GossipAddress, Name: to.NodeID}, message)
}

// ask asks the nodes that should hear this worker, until enough of them have answered, the context ends, or an answer would come too late. It tells how many did, of how many.
func (g *Gossip) ask(ctx context.Context, enough func(answered, known int) bool) (answered, known int) {
	silent := map[string]bool{}
	nodes := slices.DeleteFunc(g.table.list(false), func(member Member) bool {
		return member.State == Left || member.State == Dead && time.Since(member.Since) >= deadCounts
	})
	number, heard := g.table.inquiries.begin(len(nodes))
	defer g.table.inquiries.end(number)
	for _, node := range nodes {
		silent[node.NodeID] = true
		g.say(node, spell(questionWord, number, g.table.self))
	}
	timer := time.NewTimer(probeTimeout)
	defer timer.Stop()
	for !enough(answered, len(nodes)) {
		select {
		case node := <-heard:
			if silent[node] {
				delete(silent, node)
				answered++
			}
		case <-timer.C:
			return answered, len(nodes)
		case <-ctx.Done():
			return answered, len(nodes)
		}
	}
	return answered, len(nodes)
}
