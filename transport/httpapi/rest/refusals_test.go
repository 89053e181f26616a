package rest

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/coordd/coordd/fsm/command"
	"github.com/coordd/coordd/transport"
)

// An error that cannot be told says nothing of what was asked for.
func TestAnErrorThatCannotBeToldIsNotDefinite(t *testing.T) {
	p := ofCode(command.CodeHeld, "it is held")
	p.Details = json.RawMessage("{")
	recorder := httptest.NewRecorder()
	p.write(recorder)
	var told problem
	if err := json.Unmarshal(recorder.Body.Bytes(), &told); err != nil {
		t.Fatal(err)
	}
	if recorder.Code != 500 || told.Status != 500 || told.Code != "internal" || told.Definite || told.Retry != transport.RetryIdentical {
		t.Errorf("%d %+v", recorder.Code, told)
	}
}

// Errors of the native door keep their code, their sentence and their details.
func TestErrorsAreThoseOfTheTable(t *testing.T) {
	s := open(t, nil)
	id, with := s.session()
	of := func(owner, more string) string { return fmt.Sprintf(`{"session":%q,"owner":%q%s}`, id, owner, more) }
	grant := s.want(200, "POST", "/v1/locks/job/acquire", of("a", `,"meta":"m"`), with...)
	held := s.refuse(409, "held", "POST", "/v1/locks/job/acquire", `{"ttl_ms":5000}`)
	details, _ := held.body["details"].(map[string]any)
	if details["token"] != grant.text("token") || details["session"] != id || details["owner"] != "a" || details["meta"] != "m" {
		t.Errorf("held: %v", held.body)
	}
	if held.body["definite"] != true || held.text("retry") != "later" || strings.Contains(held.text("message"), "{") || strings.HasPrefix(held.text("message"), "HELD") {
		t.Errorf("held: %v", held.body)
	}
	s.refuse(409, "conflict", "POST", "/v1/semaphores/job/acquire", of("a", `,"limit":2`), with...)
	s.refuse(409, "not_held", "POST", "/v1/locks/job/release", `{"hold":"1"}`)
	s.refuse(403, "bad_secret", "POST", "/v1/locks/other/acquire", of("a", ""), SecretHeader, "wrong")
	s.refuse(403, "bad_secret", "DELETE", "/v1/sessions/"+id, "", SecretHeader, "wrong")
	if gone := s.refuse(410, "no_session", "GET", "/v1/sessions/999999-1", ""); gone.text("retry") != "new-session" {
		t.Errorf("an unknown session: %v", gone.body)
	}
	s.want(200, "POST", "/v1/locks/numbered/acquire", of("a", `,"request":7,"low":6`), with...)
	s.refuse(409, "stale_request", "POST", "/v1/locks/numbered/acquire", of("a", `,"request":6`), with...)

	// A circle of two owners.
	s.want(200, "POST", "/v1/locks/left/acquire", of("l", ""), with...)
	s.want(200, "POST", "/v1/locks/right/acquire", of("r", ""), with...)
	s.want(202, "POST", "/v1/locks/right/acquire", of("l", `,"wait_ms":60000,"async":true`), with...)
	deadlock := s.refuse(409, "deadlock", "POST", "/v1/locks/left/acquire", of("r", `,"wait_ms":60000,"async":true`), with...)
	if cycle, _ := deadlock.body["details"].(map[string]any)["cycle"].([]any); len(cycle) != 2 {
		t.Errorf("the deadlock is %v", deadlock.body)
	}
}

// What a node cannot tell stays open, and what it did not do is said to be not done.
func TestFailuresOfTheNode(t *testing.T) {
	var failure error
	s := open(t, nil)
	s.node.Intercept = func(context.Context, []command.Op) error { return failure }
	for _, c := range []struct {
		code     command.Code
		status   int
		name     string
		definite bool
	}{
		{command.CodeNoLeader, 503, "no_leader", true},
		{command.CodeShuttingDown, 503, "shutting_down", true},
		{command.CodeBusy, 429, "busy", true},
		{command.CodeUnknownOutcome, 504, "unknown_outcome", false},
	} {
		failure = transport.Errorf(c.code, "as the test has it")
		got := s.refuse(c.status, c.name, "POST", "/v1/locks/job/acquire", `{"ttl_ms":5000}`)
		if got.body["definite"] != c.definite {
			t.Errorf("%s: %v", c.name, got.body)
		}
		if retryAfter := got.header.Get("Retry-After"); (retryAfter != "") != (c.status == 503 || c.status == 429) {
			t.Errorf("%s: Retry-After %q", c.name, retryAfter)
		}
	}
	failure = nil
	s.want(200, "POST", "/v1/locks/job/acquire", `{"ttl_ms":5000}`)
}

// Numbers outside of the limits that the document has are refused here; at the limits the native door takes them, so the document does not promise too much.
func TestLimitsOfNumbers(t *testing.T) {
	s := open(t, nil)
	id, with := s.session()
	grant := s.want(200, "POST", "/v1/locks/kept/acquire", `{"ttl_ms":86400000}`)
	for _, r := range routes {
		for _, f := range r.fields {
			if f.kind != number {
				continue
			}
			for value, good := range map[string]bool{fmt.Sprint(f.least): true, fmt.Sprint(f.most): true, fmt.Sprint(f.least - 1): false, fmt.Sprint(f.most + 1): false, "1.5": false} {
				method, path, body := exampleOf(r, f, value, id, grant.text("token"))
				secret := with
				if !strings.Contains(body+path, id) {
					secret = nil
				}
				got := s.do(method, path, body, secret...)
				refusedHere := got.status == 400 && strings.HasPrefix(got.text("message"), f.name+" is a whole number")
				if refusedHere == good || good && got.status == 400 {
					t.Errorf("%s %s %s with %s %s: %d %v", method, path, body, f.name, value, got.status, got.body)
				}
			}
		}
	}
}

// exampleOf makes a request of a route in which one field has a value, and the others what is needed.
func exampleOf(r *route, f field, value, session, token string) (method, path, body string) {
	path = strings.NewReplacer("{name}", "n"+f.name+value+r.id, "{id}", session).Replace(r.pattern)
	if f.in == inQuery {
		if r.group == "pools" {
			return r.method, path + "?incarnation=1-0&" + f.name + "=" + value, ""
		}
		if f.name == "block_ms" {
			path += "?after=0-0&block_ms=" + value // there are events, so it does not wait
			return r.method, path, ""
		}
		return r.method, path + "?" + f.name + "=" + value, ""
	}
	parts := []string{fmt.Sprintf("%q:%s", f.name, value)}
	add := func(name, json string) {
		if r.field(name, inBody) != nil && f.name != name {
			parts = append(parts, fmt.Sprintf("%q:%s", name, json))
		}
	}
	if f.name == "early_ms" {
		add("ttl_ms", "86400000") // it is at most the time to live
	}
	switch {
	case f.name == "ttl_ms" && r.id == "renewLock":
		path = strings.Replace(r.pattern, "{name}", "kept", 1)
	case f.name == "timeout_ms":
		path = strings.Replace(r.pattern, "{name}", "gone", 1)
	case f.name == "permits":
		add("limit", "65535")
	}
	if f.name != "ttl_ms" && r.id != "renewLock" {
		add("session", fmt.Sprintf("%q", session))
		if r.id != "cancelLock" {
			add("owner", fmt.Sprintf("%q", "o"+f.name+value))
		}
	}
	if f.name == "low" {
		add("request", fmt.Sprint(int64(maxSafe)))
	}
	if f.name != "permits" {
		add("limit", "5")
	}
	add("hold", fmt.Sprintf("%q", token))
	add("waiter", `"1-0"`)
	if r.id == "cancelLock" {
		parts = []string{parts[0], fmt.Sprintf(`"session":%q`, session)}
	}
	add("names", fmt.Sprintf(`["m%s%s"]`, f.name, value))
	add("value", `"v"`)
	add("worker", `"w"`)
	add("to", `"v"`)
	return r.method, path, "{" + strings.Join(parts, ",") + "}"
}

// What is malformed is refused whole, with a sentence.
func TestMalformedRequests(t *testing.T) {
	s := open(t, nil)
	id, with := s.session()
	const path = "/v1/locks/job/acquire"
	for body, says := range map[string]string{
		``: "does not begin with {", `[]`: "does not begin with {", `{`: "not one JSON object", `{"ttl_ms":5000} {}`: "something follows", `{"ttl_ms":5000,}`: "not one JSON object",
		`{"ttl":5000}`: `"ttl" is no field`, `{"ttl_ms":5000,"ttl_ms":6000}`: "stands there twice", `{"ttl_ms":"5000"}`: "ttl_ms is a whole number", `{"ttl_ms":null}`: "give one of",
		`{"ttl_ms":5000,"async":"yes"}`: "async is true or false", `{"ttl_ms":5000,"mode":"half"}`: "mode is one of exclusive, shared", `{"ttl_ms":5000,"meta":7}`: "meta is a string",
		`{}`: "give one of session, ttl_ms", `{"ttl_ms":5000,"session":"1-0"}`: "give one of session, ttl_ms", "{\"ttl_ms\":5000,\"meta\":\"\xff\"}": "not UTF-8",
		`{"session":"` + id + `"}`: "needs the session's secret", `{"ttl_ms":1e4}`: "ttl_ms is a whole number",
	} {
		if got := s.refuse(400, "bad_request", "POST", path, body); !strings.Contains(got.text("message"), says) {
			t.Errorf("%s: %q does not say %q", body, got.text("message"), says)
		}
	}
	s.refuse(400, "bad_request", "POST", path, `{"ttl_ms":5000}`, with...) // a secret of no session
	s.refuse(400, "bad_request", "POST", "/v1/sessions/"+id+"/renew", `{}`)
	s.refuse(400, "bad_request", "POST", "/v1/multilocks/acquire", `{"ttl_ms":5000,"names":[]}`)
	s.refuse(400, "bad_request", "POST", "/v1/multilocks/acquire", `{"ttl_ms":5000,"names":["a","a"]}`)
	s.refuse(400, "bad_request", "POST", "/v1/multilocks/acquire", `{"ttl_ms":5000,"names":["a",1]}`)
	s.refuse(400, "bad_request", "POST", "/v1/check", `{"checks":[{"name":"a","hold":7}]}`)
	s.refuse(400, "bad_request", "POST", "/v1/check", `{"checks":[{"name":"a","hold":"7","more":1}]}`)
	s.refuse(400, "bad_request", "POST", "/v1/locks/job/release", `{"hold":"x"}`)
	s.refuse(400, "bad_request", "GET", "/v1/locks?limit=4", "")
	s.refuse(400, "bad_request", "GET", "/v1/locks?count=4&count=5", "")
	s.refuse(400, "bad_request", "GET", "/v1/locks?all=1", "")
	s.refuse(400, "bad_request", "GET", "/v1/locks?secret=%zz", "")
	s.refuse(413, "too_large", "POST", path, `{"ttl_ms":5000,"meta":"`+strings.Repeat("m", maxBodyBytes)+`"}`)
	// What a page of another site can send without being allowed to.
	s.refuse(415, "unsupported_media_type", "POST", path, `{"ttl_ms":5000}`, "Content-Type", "text/plain")
	s.refuse(415, "unsupported_media_type", "POST", "/v1/sessions", "", "Content-Type", "application/x-www-form-urlencoded")
	if got := s.refuse(405, "method_not_allowed", "DELETE", "/v1/locks/job", ""); got.header.Get("Allow") != "GET" {
		t.Errorf("Allow is %q", got.header.Get("Allow"))
	}
	if got := s.refuse(405, "method_not_allowed", "OPTIONS", "/v1/sessions", ""); got.header.Get("Access-Control-Allow-Origin") != "" || got.header.Get("Allow") != "GET, POST" {
		t.Errorf("OPTIONS is answered with %v", got.header)
	}
	s.refuse(404, "not_found", "GET", "/v1", "")
	s.refuse(404, "not_found", "GET", "/v1/nothing", "")
	if lock := s.want(200, "GET", "/v1/locks/job", ""); lock.text("state") != "free" {
		t.Errorf("a refused request did something: %v", lock.body)
	}
}
