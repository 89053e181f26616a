package rest

import (
	"net/http"
	"net/url"
	"slices"
	"strings"

	"github.com/coordd/coordd/fsm/command"
	"github.com/coordd/coordd/transport"
)

// route is one row of the table of the API.
type route struct {
	method  string
	pattern string // segments in braces are arguments
	id      string // the operation's name in the OpenAPI document
	command string // the native command
	group   string // tag of the OpenAPI document
	summary string // one sentence
	fields  []field
	one     []string // exactly one of these fields must be there
	answer  answer

	operators bool // refused to users who are no operators
	keepalive bool // its connection must not be used for anything else
	streams   bool // answers server-sent events to those who accept them
}

// answer says how the answer to a native command is told.
type answer struct {
	kind   answerKind
	status int
	shape  *shape
	list   string // listed: the name of the array
	says   string // what the OpenAPI document says of it
}

type answerKind uint8

const (
	told    answerKind = iota // a map, told as it is
	granted                   // a grant, or with status 202 a place in the queue
	counted                   // OK or a number
	nothing                   // OK, told by status 204
	listed                    // an array, told under a name
	checked                   // likewise
)

// arguments are the segments of a path that fill a pattern's braces.
type arguments map[string]string

// find gives the route of a request and the arguments in its path, or the problem that refuses it.
func find(method string, escapedPath string) (*route, arguments, *problem) {
	var allowed []string
	for _, r := range routes {
		found, ok, err := match(r.pattern, escapedPath)
		switch {
		case err != nil:
			return nil, nil, ofCode(command.CodeGeneric, "the path %q is not percent-encoded as a path must be: %v", escapedPath, err)
		case ok && (r.method == method || r.method == http.MethodGet && method == http.MethodHead):
			return r, found, nil
		case ok && !slices.Contains(allowed, r.method):
			allowed = append(allowed, r.method)
		}
	}
	if len(allowed) == 0 {
		return nil, nil, ofRow(transport.NotFound,
			"there is no such path; /openapi.json lists those that there are. A name is one segment: write / in it as %%2F, and it cannot be empty")
	}
	slices.Sort(allowed)
	p := ofRow(transport.MethodNotAllowed, "this path takes %s", strings.Join(allowed, " and "))
	p.allow = strings.Join(allowed, ", ")
	return nil, nil, p
}

// match compares a path, still percent-encoded, with a pattern, segment by segment: so a name may hold any byte, slashes too.
func match(pattern, escapedPath string) (arguments, bool, error) {
	wanted, given := strings.Split(pattern, "/"), strings.Split(escapedPath, "/")
	if len(wanted) != len(given) {
		return nil, false, nil
	}
	found := arguments{}
	for i, segment := range wanted {
		name, isArgument := strings.CutPrefix(segment, "{")
		if !isArgument {
			if segment != given[i] {
				return nil, false, nil
			}
			continue
		}
		value, err := url.PathUnescape(given[i])
		if err != nil {
			return nil, false, err
		}
		if value == "" {
			return nil, false, nil
		}
		found[strings.TrimSuffix(name, "}")] = value
	}
	return found, true, nil
}

// inBody reports whether the route takes a JSON body.
func (r *route) inBody() bool { return r.method == http.MethodPost || r.method == http.MethodPut }

// field finds a field by its name in the body or the query.
func (r *route) field(name string, in place) *field {
	for i := range r.fields {
		if r.fields[i].name == name && r.fields[i].in == in {
			return &r.fields[i]
		}
	}
	return nil
}
