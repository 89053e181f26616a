package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"time"

	"github.com/coordd/coordd/client"
	"github.com/coordd/coordd/cmd/coordd/internal/options"
	"github.com/coordd/coordd/cmd/coordd/internal/underlock"
)

var electCommand = options.Command{
	Name:    "elect",
	Summary: "take part in an election, and run a command while leading",
	Usage: []string{
		"NAME [--value TEXT] [--as CANDIDATE] [--control SOCKET] [flags] [-- COMMAND…]", "campaign NAME …      (the same, for a NAME that is one of these words)",
		"observe NAME [flags]", "resign --control SOCKET", "transfer --to CANDIDATE --control SOCKET",
	},
	Details: `Waits to lead, first come, first served. With a command: runs it while leading, as coordd lock does, with the same variables, the same exit codes and the same
care that it is gone before anybody else leads. Without one: shows who leads, a line for each change, and leads until Ctrl-C, which resigns.

observe shows who leads and takes no part. --value is what others read of the leader, such as its address. --as is this candidate's name.

With --control the campaigning process can be told to hand over: resign lets the next in line lead, transfer a named candidate out of turn. The command is ended
first, as if the leadership was lost; the exit code is then 0. An election is a lock of that name: lock-info, history, watch and force-unlock tell about it too.`,
	Examples: []options.Example{
		{Line: "coordd elect scheduler --value 10.0.0.5:8080 -- ./scheduler", Says: "one scheduler among many machines"},
		{Line: "coordd elect observe scheduler", Says: "who leads, and each change"},
		{Line: "coordd elect scheduler --as blue --control /run/scheduler.sock -- ./scheduler", Says: "with a way to hand over"},
		{Line: "coordd elect transfer --to green --control /run/scheduler.sock", Says: "hand over to the candidate green"},
	},
}

// electRequest is what the command line of elect asks for.
type electRequest struct {
	*query
	tenure  tenure
	name    string
	command []string
	value   options.Text
	as      options.Text
	to      options.Text
	control options.Text
	count   options.Number
}

func runElect(ctx context.Context, around *surroundings, arguments []string) error {
	r := &electRequest{query: newQuery(around, electCommand)}
	r.value, r.as = options.Text{Placeholder: "TEXT"}, options.Text{Placeholder: "CANDIDATE"}
	r.to, r.control = options.Text{Placeholder: "CANDIDATE"}, options.Text{Placeholder: "SOCKET"}
	r.tenure.declare(r.Set)
	r.Var(&r.value, "value", "what others read of the leader; at most 1024 bytes")
	r.Var(&r.as, "as", "this candidate's name; without the flag user@host[process]")
	r.Var(&r.control, "control", "campaign: a Unix socket to make, for resign and transfer; they find the process by it")
	r.Var(&r.to, "to", "transfer: the candidate that is to lead")
	r.count = options.Number{AtMost: 1 << 30}
	r.Var(&r.count, "count", "observe: end after so many lines; 1 tells who leads now; 0: never")
	r.WithoutVariables("value", "as", "control", "to", "count")
	words, command, _ := cutCommand(arguments)
	words, done, err := r.operands(words, 1, 2, "the name of an election")
	if done || err != nil {
		return err
	}
	r.command = command
	action := "campaign"
	switch words[0] {
	case "campaign", "observe", "resign", "transfer":
		action, words = words[0], words[1:]
	}
	return r.run(ctx, action, words, arguments)
}

func (r *electRequest) run(ctx context.Context, action string, words, arguments []string) error {
	switch {
	case action == "resign" || action == "transfer":
		return r.tellCandidate(ctx, action)
	case len(words) != 1:
		return options.Usagef("coordd elect takes one name; a command stands after two dashes: coordd elect NAME -- COMMAND")
	}
	r.name = words[0]
	if err := errors.Join(checkLockNames(r.name), r.tenure.check()); err != nil {
		return err
	}
	switch {
	case action == "observe":
		return r.ask(ctx, func(cluster *client.Client) error { return r.observe(ctx, cluster, "") })
	case r.Given("count"):
		return options.Usagef("--count is for observe")
	case r.control.Value != "" && r.tenure.onLost.Value == string(underlock.Ignore):
		return options.Usagef("--control ends the command when the leadership is handed over, which --on-lost=ignore forbids")
	case len(r.command) == 0:
		return r.campaignAlone(ctx)
	}
	path, err := findCommand(r.command[0])
	if err != nil {
		return err
	}
	return runUnderLock(r.around, electCommand.Name, arguments, underlock.Job{Path: path, Arguments: r.command, Schedule: r.tenure.schedule()},
		func(ctx context.Context) (underlock.Lock, []string, error) {
			leading, err := r.campaign(ctx)
			if err != nil {
				return nil, nil, err
			}
			return leading, leading.environment(os.Environ()), nil
		})
}

// candidate is the name under which this process stands.
func (r *electRequest) candidate() string {
	if r.as.Value != "" {
		return r.as.Value
	}
	return caller()
}

// campaign waits until this process leads.
func (r *electRequest) campaign(ctx context.Context) (*leading, error) {
	about := "coordd elect"
	if len(r.command) > 0 {
		about += ": " + r.command[0]
	}
	lock, err := r.tenure.open(ctx, &r.where, about)
	if err != nil {
		return nil, err
	}
	trial, err := listenForControl(r.control.Value) // a socket that cannot be made is better known now than after a long wait
	if err := errors.Join(err, trial.close()); err != nil {
		return nil, errors.Join(err, lock.abandon())
	}
	election := lock.cluster.Election(r.name)
	leadership, err := election.Campaign(ctx, lock.session, r.value.Value, client.Owner(r.candidate()))
	if err != nil {
		if ctx.Err() != nil {
			err = context.Cause(ctx)
		} else if errors.Is(err, client.ErrLost) {
			err = failWith(exitUnreachable, fmt.Errorf("the cluster could not be reached for longer than %v while waiting to lead: %w", r.tenure.ttl.Value, err))
		}
		return nil, errors.Join(clusterFailure(err), lock.abandon())
	}
	lock.hold(leadership.Held)
	control, err := listenForControl(r.control.Value)
	if err != nil {
		return nil, errors.Join(err, leadership.Resign(ctx), lock.abandon())
	}
	return lead(lock, leadership, election, control), nil
}

// campaignAlone campaigns without a command: it shows who leads, and leads until the context ends.
func (r *electRequest) campaignAlone(ctx context.Context) error {
	observing, stop := context.WithCancel(ctx)
	defer stop()
	observed := make(chan error, 1)
	go func() {
		observed <- r.ask(observing, func(cluster *client.Client) error { return r.observe(observing, cluster, r.candidate()) })
	}()
	leading, err := r.campaign(ctx)
	if err != nil {
		stop()
		if ctx.Err() != nil {
			return nil // Ctrl-C while it waited
		}
		return errors.Join(err, <-observed)
	}
	select {
	case <-ctx.Done():
	case <-leading.Lost().Done():
	case err = <-observed:
	}
	stop()
	lost := context.Cause(leading.Lost())
	releasing, cancel := context.WithTimeout(context.Background(), stopTimeout)
	defer cancel()
	released := leading.Release(releasing)
	switch {
	case lost == nil:
		return errors.Join(err, released)
	case errors.Is(lost, errHandedOver):
		return released
	}
	return failWith(exitLost, lost)
}

// leaderView is what --json writes for each leader.
type leaderView struct {
	Election   string `json:"election"`
	Leader     string `json:"leader,omitempty"`
	Vacant     bool   `json:"vacant"`
	Self       bool   `json:"self"`
	Value      string `json:"value,omitempty"`
	Token      string `json:"token,omitempty"`
	Hold       string `json:"hold,omitempty"`
	Session    string `json:"session,omitempty"`
	Client     string `json:"client,omitempty"`
	Candidates int    `json:"candidates"`
}

// observe shows each leader until the context ends. self is this candidate's name, if it is one.
func (r *electRequest) observe(ctx context.Context, cluster *client.Client, self string) error {
	seen := 0
	for leader, err := range cluster.Election(r.name).Observe(ctx) {
		switch {
		case ctx.Err() != nil:
			return nil
		case err != nil:
			return err
		}
		if err := r.showLeader(leader, self); err != nil {
			return err
		}
		if seen++; seen == r.count.Value {
			return nil
		}
	}
	return nil
}

func (r *electRequest) showLeader(leader client.Leader, self string) error {
	isSelf := self != "" && leader.Candidate == self
	if r.asJSON {
		view := leaderView{Election: r.name, Vacant: leader.Vacant(), Self: isSelf, Candidates: leader.Candidates}
		if !leader.Vacant() {
			view.Leader, view.Value, view.Token, view.Hold, view.Session, view.Client = leader.Candidate, leader.Value, tokenText(leader.Token), leader.ID, leader.Session, leader.Client
		}
		return json.NewEncoder(r.around.stdout).Encode(view)
	}
	text := "no leader"
	if !leader.Vacant() {
		text = fmt.Sprintf("leader %s  token %d  %s", printable(leader.Candidate), leader.Token, printable(leader.Value))
	}
	if isSelf {
		text += "  (this process)"
	}
	_, err := fmt.Fprintf(r.around.stdout, "%s  %s\n", time.Now().Format(time.TimeOnly), text)
	return err
}
