package world

import (
	"fmt"
	"slices"
	"time"

	"github.com/coordd/coordd/fsm/command"
)

// onceOwner begins owner ids that are used for one acquire only, under a request number.
const onceOwner = "once-"

// numberedSession is a session whose client numbers its requests, and so may send each as often as it likes.
type numberedSession struct {
	session
	number uint64
	kept   []command.Numbered // the newest requests, whose results the cluster still remembers
}

// remembered is how many requests the client lets the cluster remember.
const remembered = 6

// useHolds opens one session after another for holds of every mode, with numbered requests, and closes it or walks away.
func (c *client) useHolds() {
	for !c.over() {
		opened, ok := c.openSession()
		if !ok {
			c.rest(100 * time.Millisecond)
			continue
		}
		s := &numberedSession{session: *opened}
		for range 1 + c.chance.IntN(8) {
			if s.gone() || c.over() {
				break
			}
			s.useHold()
			s.askTwice()
		}
		close(s.leave)
		<-s.left
		if c.chance.IntN(2) == 0 {
			_, _ = c.ask(command.SessionClose{Session: s.id})
		}
	}
}

// numbered sends a request under the next number, and sends it again until it is answered, the session is gone or everything is over.
func (s *numberedSession) numbered(op command.Op) (command.Reply, outcome) {
	s.number++
	request := command.Numbered{By: command.Credentials{Session: s.id}, Number: s.number, Op: op}
	if s.number > remembered {
		request.LowWater = s.number - remembered
	}
	s.kept = append(s.kept, request)
	if len(s.kept) > remembered-1 {
		s.kept = s.kept[1:]
	}
	return s.insist(request)
}

// insist asks until there is an answer.
func (s *numberedSession) insist(request command.Numbered) (reply command.Reply, o outcome) {
	for {
		if reply, o = s.client.ask(request); o == done || s.gone() || s.client.over() {
			return reply, o
		}
	}
}

// draw chooses what to hold.
func (s *numberedSession) draw() command.HoldAcquire {
	chance := s.client.chance
	acquire := command.HoldAcquire{By: command.Credentials{Session: s.id}, Owner: onceOwner + s.client.unique()}
	if chance.IntN(4) > 0 {
		acquire.WaitMilliseconds = between(chance, 100*time.Millisecond, 3000*time.Millisecond).Milliseconds()
	}
	switch chance.IntN(6) {
	case 0, 1:
		acquire.Names, acquire.Mode = []string{"book-0"}, command.Shared
	case 2:
		acquire.Names = []string{"book-0"}
	case 3:
		acquire.Names, acquire.Mode, acquire.Permits, acquire.Limit = []string{"permits-0"}, command.Semaphore, 1, permits
	case 4:
		several := []string{"part-0", "part-1", "part-2"}
		left := chance.IntN(len(several))
		acquire.Names = slices.Delete(several, left, left+1)
	default:
		acquire.Names = []string{"election-0"}
	}
	return acquire
}

// useHold takes a hold, waiting for it perhaps, and gives it back, or gives it to a candidate.
func (s *numberedSession) useHold() {
	c, acquire, asked := s.client, s.draw(), s.client.world.now()
	reply, outcome := s.numbered(acquire)
	if outcome == done && integer(reply, "queued") > 0 {
		reply, outcome = s.await(command.Name{Key: acquire.Names[0]}, text(reply, "waiter"))
	}
	token := command.Token(integer(reply, "token"))
	if outcome != done || token == 0 {
		return
	}
	for _, name := range acquire.Names {
		c.granted(command.Name{Key: name}, fmt.Sprintf("session %s owner %s", s.id, acquire.Owner), reply, asked)
	}
	c.world.count("held " + acquire.Mode.String())
	c.rest(250 * time.Millisecond)
	if acquire.Names[0] == "election-0" && c.chance.IntN(2) == 0 {
		s.handOver(acquire, token)
	}
	if c.chance.IntN(5) > 0 {
		_, _ = s.numbered(command.HoldRelease{Name: acquire.Names[0], Hold: command.HoldRef{Token: token}, By: acquire.By, Owner: acquire.Owner, All: true})
	}
}

// handOver gives leadership to one who waits for it.
func (s *numberedSession) handOver(acquire command.HoldAcquire, token command.Token) {
	candidates := s.client.world.record.waiting(command.Name{Key: acquire.Names[0]})
	if len(candidates) == 0 {
		return
	}
	_, _ = s.numbered(command.ElectionTransfer{
		Name: acquire.Names[0], Hold: command.HoldRef{Token: token}, By: acquire.By, Owner: acquire.Owner, Waiter: candidates[s.client.chance.IntN(len(candidates))],
	})
}

// askTwice sends an earlier request again, as a network does that delivers one late. It must have no second effect; that a grant was given back since, its answer must know.
func (s *numberedSession) askTwice() {
	if len(s.kept) == 0 || s.client.chance.IntN(2) == 0 {
		return
	}
	_, _ = s.client.ask(s.kept[s.client.chance.IntN(len(s.kept))])
}

// waiting lists who waits for a name, in the order of the line.
func (r *record) waiting(name command.Name) (line []command.WaiterID) {
	r.mu.Lock()
	defer r.mu.Unlock()
	for waiter := range r.queues[name] {
		line = append(line, waiter)
	}
	slices.SortFunc(line, command.WaiterID.Compare)
	return line
}
