package rest

import (
	"bytes"
	commandline "flag"
	"fmt"
	"os"
	"strings"
	"testing"
)

var rewritePages = commandline.Bool("rewrite-pages", false, "write docs/openapi.json and docs/protocol/http.md, which come from the table of routes")

const docs = "../../../docs/"

// What is in the documentation is what the handlers go by.
func TestPagesAreThoseOfTheTable(t *testing.T) {
	for file, page := range map[string][]byte{"openapi.json": Document(), "protocol/http.md": []byte(routesPage())} {
		if *rewritePages {
			if err := os.WriteFile(docs+file, page, 0o644); err != nil {
				t.Fatal(err)
			}
		}
		if written, err := os.ReadFile(docs + file); err != nil || !bytes.Equal(written, page) {
			t.Errorf("docs/%s is not what the table says (%v); run: go test ./transport/httpapi/rest -run TestPages -rewrite-pages", file, err)
		}
	}
}

func TestTheDocumentIsServed(t *testing.T) {
	s := open(t, nil)
	response, err := s.server.Client().Get(s.server.URL + DocumentPath)
	if err != nil {
		t.Fatal(err)
	}
	defer response.Body.Close()
	var served bytes.Buffer
	if _, err := served.ReadFrom(response.Body); err != nil || !bytes.Equal(served.Bytes(), Document()) {
		t.Errorf("%s: %d bytes, %v", response.Status, served.Len(), err)
	}
	s.refuse(405, "method_not_allowed", "DELETE", DocumentPath, "")
}

// routesPage lists the routes for people.
func routesPage() string {
	var page strings.Builder
	page.WriteString("# Routes of the HTTP API\n\nWritten from the table that serves them, as is the [OpenAPI document](../openapi.json). [http.md](../http.md) shows how to use them, with curl. " +
		"What each command does stands in the [README](README.md), errors in [errors.md](errors.md).\n\n" +
		"Fields in **bold** are required. Those marked *q* stand in the query, all others in the JSON body.\n")
	group := ""
	for _, r := range routes {
		if r.group != group {
			group = r.group
			fmt.Fprintf(&page, "\n## %s\n\n", strings.ToUpper(group[:1])+group[1:])
		}
		remark := ""
		if r.operators {
			remark = " (for operators)"
		}
		fmt.Fprintf(&page, "- `%s %s`%s  \n  %s  \n  `%s`; answers %d", r.method, r.pattern, remark, r.summary, r.command, r.answer.status)
		if r.answer.shape != nil {
			fmt.Fprintf(&page, " `%s`", r.answer.shape.name)
		}
		if r.answer.kind == granted {
			fmt.Fprintf(&page, " or 202 `%s`", placeShape.name)
		}
		page.WriteString(fieldsLine(r))
	}
	return page.String()
}

func fieldsLine(r *route) string {
	var fields []string
	for _, f := range r.fields {
		name := "`" + f.name + "`"
		switch {
		case f.in == inPath:
			continue
		case f.in == inQuery:
			name += " *q*"
		case f.in == inHeader:
			name += " (header)"
		}
		if f.required {
			name = "**" + name + "**"
		}
		fields = append(fields, name)
	}
	if len(r.one) > 0 {
		fields = append(fields, "one of `"+strings.Join(r.one, "`, `")+"`")
	}
	if len(fields) == 0 {
		return "\n"
	}
	return "  \n  " + strings.Join(fields, ", ") + "\n"
}
