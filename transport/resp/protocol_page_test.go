package resp

import (
	"bytes"
	"flag"
	"fmt"
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/coordd/coordd/transport"
)

var rewritePages = flag.Bool("rewrite-pages", false, "write the pages of docs/protocol that come from the command table and the error table")

const pages = "../../docs/protocol/"

// The pages about commands and errors are written from the tables that the door itself uses, so they cannot say something else.
func TestProtocolPagesAreThoseOfTheTables(t *testing.T) {
	for file, page := range map[string]string{"commands.md": commandsPage(), "errors.md": errorsPage()} {
		if *rewritePages {
			if err := os.WriteFile(pages+file, []byte(page), 0o644); err != nil {
				t.Fatal(err)
			}
		}
		if written, err := os.ReadFile(pages + file); err != nil || !bytes.Equal(written, []byte(page)) {
			t.Errorf("docs/protocol/%s is not what the tables say (%v); run: go test ./transport/resp -run ProtocolPages -rewrite-pages", file, err)
		}
	}
}

// What people wrote about native commands spells them as the table does, and leaves none out.
func TestProtocolPageSpellsCommandsAsTheTable(t *testing.T) {
	page, err := os.ReadFile(pages + "README.md")
	if err != nil {
		t.Fatal(err)
	}
	shown := map[string]string{}
	for _, found := range regexp.MustCompile("(?m)^\\| `([A-Z.]+)( [^`]*)?` \\|").FindAllStringSubmatch(string(page), -1) {
		shown[found[1]] = strings.ReplaceAll(strings.TrimSpace(found[2]), "\\|", "|")
	}
	for _, r := range commandsSorted {
		if r.group != "session" && r.group != "lock" && r.group != "election" && r.group != "events" {
			continue
		}
		name := strings.ToUpper(r.name)
		usage := strings.NewReplacer(acquireOptions, "ACQUIRE-OPTIONS", sessionOptions, "ACQUIRE-OPTIONS").Replace(r.usage)
		if got, described := shown[name]; !described || got != usage {
			t.Errorf("docs/protocol/README.md shows %s as %q (there: %t), and the table as %q", name, got, described, usage)
		}
	}
}

// nativeGroups are the groups of commands that Redis does not have, in the order in which a reader needs them.
var nativeGroups = []struct{ name, title string }{
	{"session", "Sessions"}, {"lock", "Locks, sets and semaphores"}, {"election", "Elections"}, {"events", "Events"}, {"coordd", "The cluster"},
}

func commandsPage() string {
	var page strings.Builder
	page.WriteString("# Native commands\n\nWritten from the door's command table; `HELP command` answers the same. What they answer stands in the [README](README.md), errors in [errors.md](errors.md).\n")
	for _, group := range nativeGroups {
		fmt.Fprintf(&page, "\n## %s\n\n", group.title)
		for _, r := range commandsSorted {
			if r.group != group.name {
				continue
			}
			for _, one := range append([]*row{r}, r.children...) {
				if len(one.children) == 0 {
					fmt.Fprintf(&page, "- `%s`%s  \n  %s\n", usageOf(one), remarksOn(one), one.summary)
				}
			}
		}
	}
	return page.String()
}

// remarksOn are what a caller must know beside the usage.
func remarksOn(r *row) string {
	var remarks []string
	flags := strings.Fields(r.flags)
	for flag, remark := range map[string]string{"admin": "for operators", "readonly": "a read", "blocking": "may block"} {
		if slices.Contains(flags, flag) {
			remarks = append(remarks, remark)
		}
	}
	if len(remarks) == 0 {
		return ""
	}
	slices.Sort(remarks)
	return " (" + strings.Join(remarks, ", ") + ")"
}

func errorsPage() string {
	var page strings.Builder
	page.WriteString("# Errors\n\nWritten from the one error table. *Definite* means that nothing happened and nothing will. A definite error may be asked again *later*; *same-request* means only under the\n" +
		"same session and request number; *new-session* means that everything the session held is lost.\nWhat has no first word is said over HTTP only.\n\n| code | first word | definite | HTTP | retry | meaning |\n| --- | --- | --- | --- | --- | --- |\n")
	for _, outcome := range slices.Concat(transport.Outcomes, transport.HTTPOutcomes) {
		definite := "no"
		if outcome.Definite {
			definite = "yes"
		}
		fmt.Fprintf(&page, "| %s | %s | %s | %d | %s | %s |\n", outcome.Name, outcome.Code.Prefix(), definite, outcome.Status, outcome.Retry, outcome.Meaning)
	}
	return page.String()
}
