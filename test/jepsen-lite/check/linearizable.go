package check

import (
	"bytes"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"sync"
	"time"

	"github.com/anishathalye/porcupine"

	"github.com/coordd/coordd/test/jepsen-lite/history"
	"github.com/coordd/coordd/test/jepsen-lite/workload"
)

const (
	defaultPatience = 20 * time.Second // for one name
	checkersAtOnce  = 2
	mostPictures    = 3
)

// part is the history of one name, for porcupine.
type part struct {
	key        string
	model      porcupine.Model
	operations []porcupine.Operation
	known      int // operations whose answer is known
}

// linearizable checks each name by itself, which decides for all of them together.
func linearizable(run *Run) Result {
	parts := run.parts()
	patience := run.Patience
	if patience == 0 {
		patience = defaultPatience
	}
	var mu sync.Mutex
	var violations, undecided []string
	pictures := map[string]string{}
	judge := func(one part) {
		result, info := porcupine.CheckOperationsVerbose(one.model, one.operations, patience)
		mu.Lock()
		defer mu.Unlock()
		switch result {
		case porcupine.Illegal:
			violations = append(violations, fmt.Sprintf("no order of the %d operations on %s explains their answers", len(one.operations), one.key))
			var picture bytes.Buffer
			if err := porcupine.Visualize(one.model, info, &picture); err == nil && len(pictures) < mostPictures {
				pictures[one.key] = picture.String()
			}
		case porcupine.Unknown:
			undecided = append(undecided, one.key)
		}
	}
	waiting := make(chan part)
	var judging sync.WaitGroup
	for range checkersAtOnce {
		judging.Go(func() {
			for one := range waiting {
				if problem := guard(func() { judge(one) }); problem != "" {
					mu.Lock()
					undecided = append(undecided, one.key+" ("+problem+")")
					mu.Unlock()
				}
			}
		})
	}
	seen := 0
	for _, one := range parts {
		seen += one.known
		waiting <- one
	}
	close(waiting)
	judging.Wait()
	result := found("", "operations with a known answer", seen, fmt.Sprintf("%d operations on %d names", seen, len(parts)), violations)
	result.Pictures = pictures
	if len(undecided) > 0 {
		result.Verdict = Worst(result.Verdict, Unknown)
		result.Says += fmt.Sprintf("; %d names were not decided within %v each, such as %s", len(undecided), patience, undecided[0])
	}
	return result
}

// guard says why something broke; empty if it did not.
func guard(do func()) (problem string) {
	defer func() {
		if reason := recover(); reason != nil {
			problem = fmt.Sprintf("the checker broke: %v", reason)
		}
	}()
	do()
	return ""
}

// parts makes one part of each name, in order of the names.
func (r *Run) parts() []part {
	end := int64(0)
	for _, event := range r.Events {
		end = max(end, event.At)
	}
	end++
	var parts []part
	collect := func(groups map[string][]history.Operation, make func(key string, operations []history.Operation) part) {
		for _, key := range slices.Sorted(maps.Keys(groups)) {
			one := make(key, groups[key])
			// What could begin only after the run was over has no part in it.
			one.operations = slices.DeleteFunc(one.operations, func(operation porcupine.Operation) bool { return operation.Call >= end })
			for i := range one.operations {
				one.operations[i].Return = min(one.operations[i].Return, end)
			}
			parts = append(parts, one)
		}
	}
	collect(r.byKey("register", "counter"), valuePart)
	collect(r.byKey("redis"), r.redisPart)
	collect(r.byKey(nativeWorkloads...), r.lockPart)
	return parts
}

// builder puts operations together.
type builder struct {
	part
	clients map[string]int
}

func newBuilder(key string, model porcupine.Model) *builder {
	return &builder{part: part{key: key, model: model}, clients: map[string]int{}}
}

// add adds a step that one process took between two instants.
func (b *builder) add(process string, call, end int64, input any) {
	id, known := b.clients[process]
	if !known {
		id = len(b.clients)
		b.clients[process] = id
	}
	b.operations = append(b.operations, porcupine.Operation{ClientId: id, Input: input, Call: call, Return: end})
	if end != history.Never {
		b.known++
	}
}

// of adds a step that an operation of the history took.
func (b *builder) of(operation history.Operation, input any) {
	b.add(operation.Invoke.Process, operation.Invoke.At, operation.Return(), input)
}

func valuePart(key string, operations []history.Operation) part {
	b := newBuilder(key, valueModel)
	for _, operation := range operations {
		event := operation.End
		step := valueStep{op: operation.Invoke.Op, value: operation.Invoke.Value, expected: operation.Invoke.Expected, known: event.Type != history.Info, succeeded: event.Type == history.OK}
		switch {
		case step.op != workload.OpSwap && event.Type == history.Fail, step.op == workload.OpSwap && event.Type == history.Fail && event.Error != "":
			continue // it did not happen, and no answer tells of the value
		case step.op == workload.OpGet && !step.known:
			continue // whether and what it read, nobody knows
		case step.op == workload.OpGet || step.op == workload.OpIncrement:
			step.value = event.Value
		}
		b.of(operation, step)
	}
	return b.part
}

// lockPart is the history of a native lock. Grants that the log knows and no client was told of, and ends that nobody asked for, may come at any time.
func (r *Run) lockPart(key string, operations []history.Operation) part {
	b := newBuilder(key, lockModel)
	granted, ended := map[string]int64{}, map[string]bool{}
	mentioned := map[string]bool{}
	for _, operation := range operations {
		event := operation.End
		token := strconv.FormatInt(event.Token, 10)
		switch op := operation.Invoke.Op; {
		case op == workload.OpAcquire && event.Type == history.OK:
			b.of(operation, lockStep{acquires, token})
			granted[token] = operation.Invoke.At
			if operation.Invoke.TTL > 0 {
				granted[token] = r.leaseEnd(operation.Invoke)
			}
		case op == workload.OpAcquire && event.Type == history.Fail && event.Value != "":
			holder := event.Value
			if holder == "0" {
				b.of(operation, lockStep{findsNothing, ""})
				continue
			}
			b.of(operation, lockStep{findsHeld, holder})
			mentioned[holder] = true
		case op == workload.OpDrop || op == workload.OpRenew:
			token = strconv.FormatInt(operation.Invoke.Token, 10)
			if step, told := leaseStep(op, token, event); told {
				b.of(operation, step)
			}
			ended[token] = ended[token] || op == workload.OpDrop && event.Type == history.OK
		case op == workload.OpTransfer:
			// It had an effect at any time from then on, or none.
			b.add(operation.Invoke.Process, operation.Invoke.At, history.Never, lockStep{mayEnd, strconv.FormatInt(operation.Invoke.Token, 10)})
		case op == workload.OpRelease:
			// A release that is not over when the holder's time is may have found the lock gone, or be left to the end of its session.
			token = strconv.FormatInt(operation.Invoke.Token, 10)
			if ended[token] = event.Type == history.OK && event.At < operation.Invoke.Until; ended[token] {
				b.of(operation, lockStep{mayEnd, token})
			}
		}
	}
	if r.Log != nil && r.Log.Complete {
		mentioned = map[string]bool{}
		for _, hold := range r.Log.History.Holds {
			if hold.Lock.Name == key && hold.Lock.Database == 0 {
				mentioned[strconv.FormatInt(hold.Token, 10)] = true
			}
		}
	}
	for _, token := range slices.Sorted(maps.Keys(mentioned)) {
		if _, known := granted[token]; !known {
			b.add("nobody was told", 0, history.Never, lockStep{mayAcquire, token})
			b.add("time", 0, history.Never, lockStep{mayEnd, token})
		}
	}
	for _, token := range slices.Sorted(maps.Keys(granted)) {
		if !ended[token] {
			b.add("time", granted[token], history.Never, lockStep{mayEnd, token})
		}
	}
	return b.part
}

// leaseStep is what a renewal or a release of a lock without a session means.
func leaseStep(op, token string, end history.Event) (step lockStep, told bool) {
	switch {
	case end.Type == history.Fail:
		return lockStep{findsOther, token}, end.Error == ""
	case op == workload.OpDrop && end.Type == history.Info:
		return lockStep{mayEnd, token}, true
	case op == workload.OpDrop:
		return lockStep{releases, token}, true
	}
	return lockStep{findsHolder, token}, end.Type == history.OK
}

// expiryTolerance covers rounding to milliseconds where a lease may end at the earliest.
const expiryTolerance = 20 * time.Millisecond

// redisPart is the history of a Redis key that is used as a lock. A value that nobody is known to have deleted may end when its time is over, and a grant of unknown fate may come at any
// time, unless the log tells that it never did: each such possibility multiplies what has to be searched.
func (r *Run) redisPart(key string, operations []history.Operation) part {
	b := newBuilder(key, lockModel)
	deleted := map[string]bool{}
	for _, operation := range operations {
		if operation.Invoke.Op == workload.OpUnlock && operation.End.Type == history.OK {
			deleted[operation.Invoke.Holder] = true
		}
	}
	for _, operation := range operations {
		holder := operation.Invoke.Holder
		asks := operation.Invoke.Op == workload.OpSetNX && operation.End.Type != history.Fail
		if asks && operation.End.Type == history.Info && r.neverGranted(key, holder) {
			continue
		}
		step, told := redisStep(operation)
		if told {
			b.of(operation, step)
		}
		if asks && !deleted[holder] {
			b.add("time", r.leaseEnd(operation.Invoke), history.Never, lockStep{mayEnd, holder})
		}
	}
	return b.part
}

// neverGranted says that the whole log does not know a holder of a name.
func (r *Run) neverGranted(key, holder string) bool {
	return r.Log != nil && r.Log.Complete && r.Log.History.HoldOf(key, holder) == nil
}

// redisStep is what an operation on a Redis key means; told is false for one that tells nothing.
func redisStep(operation history.Operation) (step lockStep, told bool) {
	event, holder := operation.End, operation.Invoke.Holder
	refused := event.Type == history.Fail && event.Error != "" // by an error: nothing is said about the value
	switch operation.Invoke.Op {
	case workload.OpSetNX:
		switch event.Type {
		case history.OK:
			return lockStep{acquires, holder}, true
		case history.Info:
			return lockStep{mayAcquire, holder}, true
		}
		return lockStep{findsHeld, ""}, !refused
	case workload.OpGet:
		return lockStep{findsHolder, event.Value}, event.Type == history.OK
	case workload.OpFence:
		if event.Token == 0 {
			return lockStep{findsOther, holder}, event.Type == history.OK
		}
		return lockStep{findsHolder, holder}, event.Type == history.OK
	case workload.OpExtend:
		if event.Type == history.OK {
			return lockStep{findsHolder, holder}, true
		}
		return lockStep{findsOther, holder}, event.Type == history.Fail && !refused
	case workload.OpUnlock:
		switch event.Type {
		case history.OK:
			return lockStep{releases, holder}, true
		case history.Info:
			return lockStep{mayEnd, holder}, true
		}
		return lockStep{findsOther, holder}, !refused
	}
	return lockStep{}, false
}
