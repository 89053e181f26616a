package inspect

import (
	"encoding/json"
	"fmt"
	"io"
	"strings"

	"github.com/coordd/coordd/cmd/coordd/internal/replyformat"
)

// WriteRecord writes an entry for people: a line for the entry, one for each command with its reply, one for each ownership that began or ended.
func WriteRecord(out io.Writer, record Record) error {
	var text strings.Builder
	fmt.Fprintf(&text, "%d  term %d  %d ms  %s%s\n", record.Index, record.Term, record.NowMs, record.Type, remarks(record))
	for _, server := range record.Servers {
		suffrage := "voter"
		if !server.Voter {
			suffrage = "non-voter"
		}
		fmt.Fprintf(&text, "    %s %s %s\n", server.NodeID, server.PeerAddress, suffrage)
	}
	for _, command := range record.Commands {
		fmt.Fprintf(&text, "    %s\n", words(command))
	}
	for _, event := range record.Events {
		fmt.Fprintf(&text, "    * %s\n", words(event))
	}
	_, err := io.WriteString(out, text.String())
	return err
}

func remarks(record Record) string {
	var remarks string
	if record.Committed != true {
		remarks += "  (not known to be committed)"
	}
	if !record.TermMatched {
		remarks += "  (sealed in another term: nothing was run)"
	}
	if !record.Replayed {
		remarks += "  (before the snapshot: not replayed)"
	}
	if record.Error != "" {
		remarks += "  (" + record.Error + ")"
	}
	return remarks
}

// words writes fields as name=value, the first and "reply" without much ado, and leaves out what is empty.
func words(fields Fields) string {
	var text strings.Builder
	for i, field := range fields {
		value := word(field.Value)
		switch {
		case i == 0:
			text.WriteString(value)
		case field.Name == "reply":
			fmt.Fprintf(&text, "  -> %s", value)
		case value != "" && value != `""` && value != "false":
			fmt.Fprintf(&text, " %s=%s", field.Name, value)
		}
	}
	return text.String()
}

// word writes one value; texts are quoted, so that blanks and control characters in them mislead nobody.
func word(value any) string {
	switch v := value.(type) {
	case Text:
		return replyformat.Quote(v)
	case string:
		return v
	}
	encoded, err := json.Marshal(value)
	if err != nil {
		return fmt.Sprint(value)
	}
	return string(encoded)
}

// WriteSummary writes what a snapshot is, for people.
func WriteSummary(out io.Writer, s Summary) error {
	_, err := fmt.Fprintf(out, "snapshot %s of cluster %s (%s)\nindex %d, term %d, replicated time %d ms, state hash %s\n%d names, %d locks, %d sessions, %d waiters, %d servers\n",
		s.SnapshotID, s.ClusterName, s.ClusterID, s.Index, s.Term, s.NowMs, s.StateHash, s.Names, s.Locks, s.Sessions, s.Waiters, len(s.Servers))
	return err
}

// WriteName writes a name of a snapshot, for people.
func WriteName(out io.Writer, row NameRow) error {
	left := "no deadline"
	if row.RemainingMs != nil {
		left = fmt.Sprintf("%d ms left", *row.RemainingMs)
	}
	_, err := fmt.Fprintf(out, "%d  %s = %s  token %d  %s\n", row.Database, replyformat.Quote(row.Name), replyformat.Quote(row.Value), row.Token, left)
	return err
}
