package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"strconv"
	"strings"
	"time"

	"github.com/coordd/coordd/internal/freeport"
	"github.com/coordd/coordd/internal/process"
)

// raftSystem is three processes of this program, of which the first leads and
// runs the load.
type raftSystem struct {
	orders  io.Writer
	answers *json.Decoder
	leader  *process.Process
	nodes   []*process.Process
}

func (s *raftSystem) PIDs() []int {
	var ids []int
	for _, node := range s.nodes {
		ids = append(ids, node.PID())
	}
	return ids
}

func startRaft(ctx context.Context, p *plan, place *workplace) (system, error) {
	program, err := os.Executable()
	if err != nil {
		return nil, err
	}
	members := make([]string, 3)
	for i := range members {
		if members[i], err = freeport.Address(); err != nil {
			return nil, err
		}
	}
	orderReader, orderWriter, err := os.Pipe()
	if err != nil {
		return nil, err
	}
	answerReader, answerWriter := io.Pipe()
	s := &raftSystem{orders: orderWriter, answers: json.NewDecoder(answerReader)}
	// The followers are there before the leader stands for election.
	for number := len(members) - 1; number >= 0; number-- {
		spec := process.Spec{Name: "raft-" + strconv.Itoa(number+1), Path: program, Args: []string{raftNodeCommand,
			"--folder", raftFolder(place, number), "--members", strings.Join(members, ","), "--number", strconv.Itoa(number)}}
		if number == 0 {
			spec.Stdin, spec.Stdout = orderReader, answerWriter
		}
		child, err := place.group.Start(spec)
		if err != nil {
			return nil, err
		}
		s.leader = child
		s.nodes = append(s.nodes, child)
	}
	go func() {
		<-s.leader.Exited()
		answerWriter.CloseWithError(errors.New("the leader ended"))
	}()
	return s, orderReader.Close()
}

func (s *raftSystem) Measure(ctx context.Context, clients int, warmUp, duration time.Duration) (*sample, error) {
	order, err := json.Marshal(raftOrder{clients, warmUp, duration})
	if err != nil {
		return nil, err
	}
	if _, err := s.orders.Write(append(order, '\n')); err != nil {
		return nil, fmt.Errorf("ask the leader: %w", err)
	}
	var answer raftAnswer
	done := make(chan error, 1)
	go func() { done <- s.answers.Decode(&answer) }()
	select {
	case <-ctx.Done():
		return nil, context.Cause(ctx)
	case err := <-done:
		if err != nil {
			return nil, fmt.Errorf("%w; the end of its log:\n%s", err, s.leader.LogTail(12))
		}
	}
	if answer.Error != "" {
		return nil, errors.New(answer.Error)
	}
	return answer.Sample, nil
}
