package rest

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/coordd/coordd/transport"
	"github.com/coordd/coordd/transport/resp"
	"github.com/coordd/coordd/transport/transporttest"
)

// patience is how long a test waits for what must happen.
const patience = 20 * time.Second

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// service is the API over a real Redis door over a machine in memory. The machine's clock moves with Advance alone.
type service struct {
	t      *testing.T
	node   *transporttest.Node
	door   *resp.Server
	server *httptest.Server
	api    *API
	rules  *rules
}

// open starts a service; change may be nil.
func open(t *testing.T, change func(*resp.Config)) *service {
	t.Helper()
	s := &service{t: t, node: transporttest.NewFrozenNode(), rules: readRules(t)}
	config := resp.Config{Node: s.node, Version: "test"}
	if change != nil {
		change(&config)
	}
	var err error
	if s.door, err = resp.NewServer(config); err != nil {
		t.Fatal(err)
	}
	s.api = New(Config{Dial: s.door.Dial})
	s.server = httptest.NewServer(s.api)
	t.Cleanup(func() {
		ctx, cancel := context.WithTimeout(context.Background(), patience)
		defer cancel()
		if err := s.door.Shutdown(ctx); err != nil {
			t.Errorf("shutdown: %v", err)
		}
		s.server.CloseClientConnections()
		s.server.Close()
		s.api.Close()
		if s.api.lines.open != 0 {
			t.Errorf("%d connections to the Redis door were left open", s.api.lines.open)
		}
	})
	return s
}

// answered is what the service answered.
type answered struct {
	status int
	header http.Header
	body   map[string]any
}

func (a answered) text(name string) string { value, _ := a.body[name].(string); return value }

func (a answered) number(name string) int64 {
	value, _ := a.body[name].(json.Number)
	n, _ := value.Int64()
	return n
}

// request makes a request; with is pairs of header names and values.
func (s *service) request(ctx context.Context, method, path, body string, with ...string) *http.Request {
	s.t.Helper()
	var reader io.Reader
	if method == http.MethodPost || method == http.MethodPut {
		reader = strings.NewReader(body)
	}
	request, err := http.NewRequestWithContext(ctx, method, s.server.URL+path, reader)
	if err != nil {
		s.t.Fatal(err)
	}
	if reader != nil {
		request.Header.Set("Content-Type", "application/json")
	}
	for i := 0; i+1 < len(with); i += 2 {
		request.Header.Set(with[i], with[i+1])
	}
	return request
}

// do makes a request and holds the answer against the OpenAPI document.
func (s *service) do(method, path, body string, with ...string) answered {
	s.t.Helper()
	response, err := s.server.Client().Do(s.request(s.t.Context(), method, path, body, with...))
	if err != nil {
		s.t.Fatal(err)
	}
	return s.read(response)
}

func (s *service) read(response *http.Response) answered {
	s.t.Helper()
	defer response.Body.Close()
	raw, err := io.ReadAll(response.Body)
	if err != nil {
		s.t.Fatal(err)
	}
	a := answered{status: response.StatusCode, header: response.Header}
	if len(raw) > 0 {
		decoder := json.NewDecoder(bytes.NewReader(raw))
		decoder.UseNumber()
		if err := decoder.Decode(&a.body); err != nil {
			s.t.Fatalf("%s %s: %q is not JSON: %v", response.Request.Method, response.Request.URL, raw, err)
		}
	}
	if err := s.rules.check(response.Request, a); err != nil {
		s.t.Errorf("%s %s answered %d %s: %v", response.Request.Method, response.Request.URL, a.status, raw, err)
	}
	return a
}

// want makes a request whose status must be the given one.
func (s *service) want(status int, method, path, body string, with ...string) answered {
	s.t.Helper()
	a := s.do(method, path, body, with...)
	if a.status != status {
		s.t.Fatalf("%s %s %s: %d %v, want %d", method, path, body, a.status, a.body, status)
	}
	return a
}

// refuse makes a request that must be refused with a code, and as the error table says of it.
func (s *service) refuse(status int, code, method, path, body string, with ...string) answered {
	s.t.Helper()
	a := s.do(method, path, body, with...)
	if a.status != status || a.text("code") != code || a.text("message") == "" {
		s.t.Errorf("%s %s %s: %d %v, want %d %s", method, path, body, a.status, a.body, status, code)
	}
	at := slices.IndexFunc(outcomes, func(o transport.Outcome) bool { return o.Name == code })
	if at < 0 {
		s.t.Fatalf("the error table has no %s", code)
	}
	if row := outcomes[at]; row.Status != status || a.text("title") != row.Meaning || a.body["definite"] != row.Definite || a.text("retry") != string(row.Retry) {
		s.t.Errorf("%s %s: %v, want what the error table says of %s: %+v", method, path, a.body, code, row)
	}
	return a
}

// outcomes is the whole error table.
var outcomes = slices.Concat(transport.Outcomes, transport.HTTPOutcomes)

// session opens a session and gives its id and the header with its secret.
func (s *service) session() (id string, with []string) {
	s.t.Helper()
	opened := s.want(201, "POST", "/v1/sessions", `{"ttl_ms":60000,"name":"test"}`)
	return opened.text("session"), []string{SecretHeader, opened.text("secret")}
}

// eventually waits until something holds.
func eventually(t *testing.T, what string, holds func() bool) {
	t.Helper()
	for deadline := time.Now().Add(patience); !holds(); time.Sleep(2 * time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatalf("not in time: %s", what)
		}
	}
}

// queued waits until so many wait for a name.
func (s *service) queued(name string, n int64) {
	s.t.Helper()
	eventually(s.t, fmt.Sprintf("%d wait for %s", n, name), func() bool { return s.do("GET", "/v1/locks/"+name, "").number("queued") == n })
}

// later makes a request that is not answered at once.
func (s *service) later(ctx context.Context, path, body string, with ...string) <-chan answered {
	s.t.Helper()
	request := s.request(ctx, "POST", path, body, with...)
	done := make(chan answered, 1)
	go func() {
		response, err := s.server.Client().Do(request)
		if err != nil {
			if ctx.Err() == nil {
				s.t.Error(err)
			}
			close(done)
			return
		}
		done <- s.read(response)
	}()
	return done
}

// rules are the OpenAPI document as its readers see it: what is checked is the bytes that are served.
type rules struct {
	document map[string]any

	mu   sync.Mutex
	seen map[string]bool // operation and status of every answer that was checked
}

func readRules(t *testing.T) *rules {
	t.Helper()
	r := &rules{seen: map[string]bool{}}
	decoder := json.NewDecoder(bytes.NewReader(Document()))
	decoder.UseNumber()
	if err := decoder.Decode(&r.document); err != nil {
		t.Fatal(err)
	}
	return r
}

// at follows keys into the document.
func (r *rules) at(keys ...string) map[string]any {
	found := r.document
	for _, key := range keys {
		found, _ = found[key].(map[string]any)
	}
	return found
}

// check holds an answer against what the document says of the operation and the status.
func (r *rules) check(request *http.Request, a answered) error {
	if a.status >= 400 {
		if kind := a.header.Get("Content-Type"); kind != ProblemType {
			return fmt.Errorf("its content type is %q", kind)
		}
		return r.fits(r.at("components", "schemas", "Problem"), a.body)
	}
	route, _, p := find(request.Method, request.URL.EscapedPath())
	if p != nil {
		return errors.New("a path without a route succeeded")
	}
	operation := r.at("paths", route.pattern, strings.ToLower(request.Method))
	responses, _ := operation["responses"].(map[string]any)
	response, ok := responses[fmt.Sprint(a.status)].(map[string]any)
	if !ok {
		return errors.New("the document does not have that status")
	}
	r.mu.Lock()
	r.seen[fmt.Sprint(operation["operationId"], " ", a.status)] = true
	r.mu.Unlock()
	content, ok := response["content"].(map[string]any)
	if !ok {
		if a.body != nil {
			return errors.New("the document says that there is no body")
		}
		return nil
	}
	schema := content["application/json"].(map[string]any)["schema"].(map[string]any)
	return r.fits(schema, a.body)
}

// fits holds a value against a schema. Fields that the schema does not know are faults here: the door must not tell what its document keeps quiet about.
func (r *rules) fits(schema map[string]any, value any) error {
	if reference, ok := schema["$ref"].(string); ok {
		return r.fits(r.at(strings.Split(strings.TrimPrefix(reference, "#/"), "/")...), value)
	}
	if names, ok := schema["enum"].([]any); ok && !slices.Contains(names, value) {
		return fmt.Errorf("%v is none of %v", value, names)
	}
	if many, ok := schema["type"].([]any); ok {
		if value == nil && slices.Contains(many, any("null")) {
			return nil
		}
		return r.fits(map[string]any{"type": many[0], "items": schema["items"]}, value)
	}
	switch schema["type"] {
	case "object":
		return r.fitsObject(schema, value)
	case "array":
		list, ok := value.([]any)
		if !ok {
			return fmt.Errorf("%v is no array", value)
		}
		for _, element := range list {
			if err := r.fits(schema["items"].(map[string]any), element); err != nil {
				return err
			}
		}
		return nil
	case "string":
		given, ok := value.(string)
		if ok && schema["pattern"] == "^[0-9]+$" && strings.Trim(given, "0123456789") != "" {
			ok = false
		}
		return wrongUnless(ok, value, "string")
	case "boolean":
		_, ok := value.(bool)
		return wrongUnless(ok, value, "boolean")
	case "integer":
		given, ok := value.(json.Number)
		_, err := given.Int64()
		return wrongUnless(ok && err == nil, value, "whole number")
	}
	return fmt.Errorf("the schema %v has no type", schema)
}

func wrongUnless(ok bool, value any, what string) error {
	if ok {
		return nil
	}
	return fmt.Errorf("%v is not a %s as the document has it", value, what)
}

func (r *rules) fitsObject(schema map[string]any, value any) error {
	given, ok := value.(map[string]any)
	if !ok {
		return fmt.Errorf("%v is no object", value)
	}
	properties, described := schema["properties"].(map[string]any)
	if !described {
		return nil // details, which the protocol describes
	}
	for _, name := range slices.Sorted(maps.Keys(given)) {
		property, ok := properties[name].(map[string]any)
		if !ok {
			return fmt.Errorf("the document does not know the field %q", name)
		}
		if err := r.fits(property, given[name]); err != nil {
			return fmt.Errorf("%s: %w", name, err)
		}
	}
	required, _ := schema["required"].([]any)
	for _, name := range required {
		if _, ok := given[name.(string)]; !ok {
			return fmt.Errorf("the field %q is missing", name)
		}
	}
	return nil
}
