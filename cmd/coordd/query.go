package main

import (
	"context"
	"fmt"

	"github.com/coordd/coordd/client"
	"github.com/coordd/coordd/cmd/coordd/internal/options"
)

// query is what the subcommands have in common that ask the cluster about locks and show what it says.
type query struct {
	*options.Set
	around *surroundings
	where  reach
	asJSON bool
}

// newQuery declares the flags that all of them have.
func newQuery(around *surroundings, command options.Command) *query {
	q := &query{Set: options.New(command), around: around}
	q.where.declare(q.Set)
	q.BoolVar(&q.asJSON, "json", false, "write JSON, for programs; tokens are strings")
	q.WithoutVariables("json")
	return q
}

// operands parses the command line. Of words that are not flags there must be from least to most, none of which may be left empty; names says what they are.
func (q *query) operands(arguments []string, least, most int, names string) (words []string, done bool, err error) {
	words, done, err = parse(q.around, q.Set, arguments)
	switch {
	case done || err != nil:
		return nil, done, err
	case len(words) < least:
		return nil, false, options.Usagef("coordd %s needs %s; see coordd %s --help", q.Command.Name, names, q.Command.Name)
	case len(words) > most:
		return nil, false, options.Usagef("coordd %s takes no argument %q; see coordd %s --help", q.Command.Name, words[most], q.Command.Name)
	}
	return words, false, nil
}

// ask connects, asks, and closes the connection.
func (q *query) ask(ctx context.Context, question func(*client.Client) error) error {
	cluster, err := q.where.connect(ctx, "coordd-"+q.Command.Name)
	if err != nil {
		return err
	}
	defer cluster.Close()
	return clusterFailure(question(cluster))
}

// show writes the view as JSON, or what text makes for people.
func (q *query) show(view any, text func() string) error {
	if q.asJSON {
		return writeIndented(q.around, view)
	}
	_, err := fmt.Fprint(q.around.stdout, text())
	return err
}

// reasonFlag declares a reason that has to be given.
func (q *query) reasonFlag(reason *options.Text) {
	*reason = options.Text{Placeholder: "TEXT"}
	q.Var(reason, "reason", "why; kept in the history, shown to whoever loses the lock, and required")
	q.WithoutVariables("reason")
}

// checkReason refuses a missing reason.
func (q *query) checkReason(reason options.Text) error {
	if reason.Value == "" {
		return options.Usagef("say why with --reason: it is kept in the history and shown to whoever loses the lock")
	}
	return nil
}
