package rest

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/coordd/coordd/transport/resp"
)

// Every operation is asked for every answer that the document promises, so that none is described and never seen.
func TestEveryOperationAnswersAsTheDocumentSays(t *testing.T) {
	s := open(t, nil)
	id, with := s.session()
	of := func(more string) string { return fmt.Sprintf(`{"session":%q%s}`, id, more) }

	s.want(200, "GET", "/v1/sessions?all=true&match=te*&count=10", "")
	grant := s.want(200, "POST", "/v1/locks/job/acquire", of(`,"owner":"a","meta":"m","max_hold_ms":50000,"delay_ms":0,"at_least_ms":0,"request":1,"low":0`), with...)
	if grant.text("token") == "" || grant.text("waiter") == "" || grant.text("mode") != "exclusive" {
		t.Errorf("granted %v", grant.body)
	}
	place := s.want(202, "POST", "/v1/locks/job/acquire", of(`,"owner":"b","wait_ms":60000,"async":true`), with...)
	s.want(200, "GET", "/v1/sessions/"+id, "")
	s.want(202, "POST", "/v1/locks/job/await", fmt.Sprintf(`{"waiter":%q}`, place.text("waiter")))
	s.want(200, "GET", "/v1/locks/job", "")
	s.want(200, "GET", "/v1/locks?match=j*", "")
	s.want(204, "PUT", "/v1/locks/job/meta", of(fmt.Sprintf(`,"owner":"a","hold":%q,"meta":"n"`, grant.text("waiter"))), with...)
	check := s.want(200, "POST", "/v1/check", fmt.Sprintf(`{"checks":[{"name":"job","hold":%q},{"name":"job","hold":"1"}]}`, grant.text("token")))
	if answers := fmt.Sprint(check.body["checks"]); strings.Count(answers, "valid:true") != 1 || strings.Count(answers, "valid:false") != 1 {
		t.Errorf("checks: %s", answers)
	}
	released := s.want(200, "POST", "/v1/locks/job/release", of(fmt.Sprintf(`,"owner":"a","hold":%q,"request":2`, grant.text("token"))), with...)
	if released.number("count") != 0 {
		t.Errorf("released: %v", released.body)
	}
	second := s.want(200, "POST", "/v1/locks/job/await", fmt.Sprintf(`{"waiter":%q,"timeout_ms":10000}`, place.text("waiter")))
	if second.text("waiter") != place.text("waiter") {
		t.Errorf("the hold %v is not that of the place %v", second.body, place.body)
	}
	s.want(204, "POST", "/v1/locks/job/cancel", of(fmt.Sprintf(`,"waiter":%q`, place.text("waiter"))), with...)
	s.want(200, "GET", "/v1/locks/job/history?count=5", "")

	// Holds without a session, sets and semaphores.
	brief := s.want(200, "POST", "/v1/locks/brief/acquire", `{"ttl_ms":5000,"mode":"exclusive"}`)
	s.want(200, "POST", "/v1/locks/brief/renew", fmt.Sprintf(`{"hold":%q,"ttl_ms":9000}`, brief.text("token")))
	set := s.want(200, "POST", "/v1/multilocks/acquire", of(`,"names":["x","y"]`), with...)
	s.want(202, "POST", "/v1/multilocks/acquire", of(`,"names":["y","z"],"wait_ms":1000,"async":true`), with...)
	if fmt.Sprint(set.body["names"]) != "[x y]" || set.text("mode") != "multi" {
		t.Errorf("set: %v", set.body)
	}
	permits := s.want(200, "POST", "/v1/semaphores/pool/acquire", of(`,"limit":3,"permits":2`), with...)
	if permits.number("permits") != 2 || permits.number("limit") != 3 {
		t.Errorf("permits: %v", permits.body)
	}
	s.want(202, "POST", "/v1/semaphores/pool/acquire", of(`,"limit":3,"permits":2,"wait_ms":1000,"async":true`), with...)
	reader := s.want(200, "POST", "/v1/locks/book/acquire", of(`,"mode":"shared"`), with...)
	if reader.text("mode") != "shared" {
		t.Errorf("reader: %v", reader.body)
	}

	forced := s.want(200, "POST", "/v1/locks/x/force-unlock", `{"reason":"stuck"}`)
	if forced.number("ended") != 1 {
		t.Errorf("forced: %v", forced.body)
	}
	renewed := s.want(200, "POST", "/v1/sessions/"+id+"/renew", `{}`, with...)
	if losses, _ := renewed.body["losses"].([]any); len(losses) != 1 || renewed.number("losses_total") != 1 {
		t.Errorf("renewed: %v", renewed.body)
	}
	renewed = s.want(200, "POST", "/v1/sessions/"+id+"/renew", fmt.Sprintf(`{"acknowledge":[%q]}`, set.text("waiter")), with...)
	if renewed.number("losses_total") != 0 {
		t.Errorf("acknowledged: %v", renewed.body)
	}
	s.elections(id, with)
	s.pools(id, with)
	s.want(200, "GET", "/v1/events?after=1-0&count=3&prefix=j&name=x&name=y", "")
	s.want(200, "POST", "/v1/sessions/"+id+"/kill", `{"reason":"over"}`)
	s.want(204, "DELETE", "/v1/sessions/"+id, "", with...)

	for path, item := range s.rules.at("paths") {
		for method, operation := range item.(map[string]any) {
			for _, status := range slices.Sorted(maps.Keys(operation.(map[string]any)["responses"].(map[string]any))) {
				if what := fmt.Sprint(operation.(map[string]any)["operationId"], " ", status); status != "default" && !s.rules.seen[what] {
					t.Errorf("%s %s: nothing was answered with %s (%s)", method, path, status, what)
				}
			}
		}
	}
}

// elections asks for every answer about elections.
func (s *service) elections(id string, with []string) {
	s.t.Helper()
	of := func(more string) string { return fmt.Sprintf(`{"session":%q%s}`, id, more) }
	nobody := s.want(200, "GET", "/v1/elections/boss", "")
	if leader, there := nobody.body["leader"]; leader != nil || !there {
		s.t.Errorf("nobody leads: %v", nobody.body)
	}
	// Owners and values that are words of the command itself are still owners and values.
	first := s.want(200, "POST", "/v1/elections/boss/campaign", of(`,"owner":"value","value":"px"`), with...)
	s.want(202, "POST", "/v1/elections/boss/campaign", of(`,"owner":"px","wait_ms":1000,"async":true`), with...)
	s.want(202, "POST", "/v1/elections/boss/campaign", of(`,"owner":"c","wait_ms":1000,"async":true`), with...)
	if leader := s.want(200, "GET", "/v1/elections/boss", ""); leader.text("leader") != "value" || leader.text("value") != "px" {
		s.t.Errorf("leads: %v", leader.body)
	}
	if candidates, _ := s.want(200, "GET", "/v1/elections/boss/candidates", "").body["candidates"].([]any); len(candidates) != 2 {
		s.t.Errorf("candidates: %v", candidates)
	}
	s.want(204, "POST", "/v1/elections/boss/proclaim", of(fmt.Sprintf(`,"owner":"value","hold":%q,"value":"two"`, first.text("token"))), with...)
	s.refuse(404, "no_candidate", "POST", "/v1/elections/boss/transfer", of(fmt.Sprintf(`,"owner":"value","hold":%q,"to":"nobody"`, first.text("token"))), with...)
	next := s.want(200, "POST", "/v1/elections/boss/transfer", of(fmt.Sprintf(`,"owner":"value","hold":%q,"to":"c"`, first.text("token"))), with...)
	if next.text("leader") != "c" || next.body["pending"] != false {
		s.t.Errorf("transferred: %v", next.body)
	}
	s.want(200, "POST", "/v1/elections/boss/resign", of(fmt.Sprintf(`,"owner":"c","hold":%q`, next.text("token"))), with...)
}

// A name is one segment of a path, whatever bytes it has.
func TestNames(t *testing.T) {
	s := open(t, nil)
	for path, name := range map[string]string{
		"plain": "plain", "a%2Fb%2Fc": "a/b/c", "%2F": "/", "a%20b": "a b", "a+b": "a+b", "%C3%BCber": "über", "100%25": "100%", "%3Fx=1%23y": "?x=1#y", "SESSION": "SESSION",
		"acquire": "acquire", "a:b;c,d@e": "a:b;c,d@e", "%0D%0A": "\r\n", "%2e": ".", "%22": `"`, strings.Repeat("n", 512): strings.Repeat("n", 512),
	} {
		grant := s.want(200, "POST", "/v1/locks/"+path+"/acquire", `{"ttl_ms":5000}`)
		if grant.text("name") != name {
			t.Errorf("%s is the lock %q, want %q", path, grant.text("name"), name)
		}
		if lock := s.want(200, "GET", "/v1/locks/"+path, ""); lock.text("state") != "held" || lock.text("token") != grant.text("token") {
			t.Errorf("%s: %v", path, lock.body)
		}
	}
	s.refuse(404, "not_found", "GET", "/v1/locks/", "")
	s.refuse(404, "not_found", "POST", "/v1/locks//acquire", `{"ttl_ms":5000}`)
	s.refuse(404, "not_found", "GET", "/v1/locks/a/b", "")
	s.refuse(429, "limit", "POST", "/v1/locks/"+strings.Repeat("n", 513)+"/acquire", `{"ttl_ms":5000}`)
	s.refuse(403, "reserved", "POST", "/v1/locks/coordd:x/acquire", `{"ttl_ms":5000}`)
}

// Pages go on where they ended, also after names that JSON cannot hold.
func TestPagesOfAList(t *testing.T) {
	s := open(t, nil)
	for i := range 25 {
		s.want(200, "POST", fmt.Sprintf("/v1/locks/n%%FF%d/acquire", i), `{"ttl_ms":60000}`)
	}
	tokens, cursor, pages := map[string]bool{}, "", 0
	for {
		page := s.want(200, "GET", "/v1/locks?count=4&cursor="+cursor, "")
		for _, lock := range page.body["locks"].([]any) {
			tokens[lock.(map[string]any)["token"].(string)] = true
		}
		pages++
		if cursor = page.text("cursor"); cursor == "" || pages > 100 {
			break
		}
	}
	if len(tokens) != 25 || pages < 7 {
		t.Errorf("%d locks on %d pages", len(tokens), pages)
	}
	s.refuse(400, "bad_request", "GET", "/v1/locks?cursor=%21", "")
}

func TestAWaitEndsWithTheGrant(t *testing.T) {
	s := open(t, nil)
	first := s.want(200, "POST", "/v1/locks/job/acquire", `{"ttl_ms":60000}`)
	waiting := s.later(t.Context(), "/v1/locks/job/acquire", `{"ttl_ms":60000,"wait_ms":60000}`)
	s.queued("job", 1)
	s.want(200, "POST", "/v1/locks/job/release", fmt.Sprintf(`{"hold":%q}`, first.text("token")))
	second := <-waiting
	if second.status != 200 || second.text("token") <= first.text("token") {
		t.Errorf("after %v came %v", first.body, second.body)
	}
	// A wait that ran out is definite.
	waiting = s.later(t.Context(), "/v1/locks/job/acquire", `{"ttl_ms":60000,"wait_ms":5000}`)
	s.queued("job", 1)
	s.node.Advance(6 * time.Second)
	if over := <-waiting; over.status != 408 || over.text("code") != "wait_timeout" || over.body["definite"] != true {
		t.Errorf("the wait ended with %d %v", over.status, over.body)
	}
}

// Users are those of the Redis door, and connections of one never serve another.
func TestUsers(t *testing.T) {
	s := open(t, func(config *resp.Config) {
		config.Users = []resp.User{{Name: "app", Passwords: []string{"one"}}, {Name: "ops", Passwords: []string{"two"}, Operator: true}}
	})
	basic := func(name, password string) []string {
		r := s.request(t.Context(), "GET", "/", "")
		r.SetBasicAuth(name, password)
		return []string{"Authorization", r.Header.Get("Authorization")}
	}
	app, ops := basic("app", "one"), basic("ops", "two")
	for range 3 {
		denied := s.refuse(401, "no_auth", "GET", "/v1/locks", "")
		if denied.header.Get("WWW-Authenticate") == "" {
			t.Error("a refusal does not say how to authenticate")
		}
		s.refuse(401, "wrong_password", "GET", "/v1/locks", "", basic("app", "two")...)
		s.refuse(401, "wrong_password", "GET", "/v1/locks", "", basic("", "")...)
		s.want(200, "GET", "/v1/locks", "", ops...)
		s.want(200, "GET", "/v1/locks", "", app...)
	}
	s.want(200, "POST", "/v1/locks/job/acquire", `{"ttl_ms":60000}`, app...)
	s.refuse(403, "no_permission", "POST", "/v1/locks/job/force-unlock", `{"reason":"mine"}`, app...)
	s.refuse(403, "no_permission", "POST", "/v1/sessions/1-0/kill", `{"reason":"mine"}`, app...)
	s.want(200, "POST", "/v1/locks/job/force-unlock", `{"reason":"stuck"}`, ops...)
	past := s.want(200, "GET", "/v1/locks/job/history", "", app...).body["history"].([]any)[0].(map[string]any)
	if actor := past["actor"].(string); !strings.HasPrefix(actor, "ops@127.0.0.1:") || past["why"] != "stuck" {
		t.Errorf("the history says %v", past)
	}
}
