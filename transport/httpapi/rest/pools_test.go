package rest

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/coordd/coordd/transport/resp"
)

// join makes a session a worker of a pool, over the Redis door: there is no route for it.
func (s *service) join(pool, worker, id, secret string) {
	s.t.Helper()
	answer, p := s.api.lines.ask(s.t.Context(), user{}, address("test"), false, []string{"POOL.JOIN", pool, worker, "SESSION", id, secret, "ZONE", "north", "ADDRESS", "10.0.0.1:80"})
	if p != nil || answer.Err() != nil {
		s.t.Fatalf("join: %v %v", p, answer.Err())
	}
}

// pools asks for every answer about pools.
func (s *service) pools(id string, with []string) {
	s.t.Helper()
	made := s.want(200, "PUT", "/v1/pools/orders", `{"partitions":8,"zones":"apart","debounce_ms":0,"drain_ms":1000,"moves":2}`)
	if made.number("partitions") != 8 || made.text("zones") != "apart" || made.number("free") != 8 {
		s.t.Errorf("made: %v", made.body)
	}
	empty := s.want(200, "GET", "/v1/pools/orders/table", "")
	if rows, _ := empty.body["changes"].([]any); empty.body["delta"] != false || len(rows) != 0 {
		s.t.Errorf("an empty table: %v", empty.body)
	}
	s.join("orders", "w1", id, with[1])
	info := s.want(200, "GET", "/v1/pools/orders", "")
	if workers := fmt.Sprint(info.body["workers"]); !strings.Contains(workers, "worker:w1") || info.number("owned") != 8 {
		s.t.Errorf("info: %v", info.body)
	}
	if list := s.want(200, "GET", "/v1/pools", ""); !strings.Contains(fmt.Sprint(list.body["pools"]), "name:orders") {
		s.t.Errorf("list: %v", list.body)
	}
	whole := s.want(200, "GET", "/v1/pools/orders/table", "")
	row, _ := whole.body["changes"].([]any)[0].(map[string]any)
	if token, _ := row["token"].(string); row["owner"] != "w1" || token == "" || row["state"] != "owned" || fmt.Sprint(whole.body["workers"]) != "[map[address:10.0.0.1:80 worker:w1 zone:north]]" {
		s.t.Errorf("table: %v", whole.body)
	}
	same := s.want(200, "GET", fmt.Sprintf("/v1/pools/orders/table?since=%d&incarnation=%s&block_ms=1", whole.number("version"), made.text("incarnation")), "")
	if workers, there := same.body["workers"]; same.body["delta"] != true || workers != nil || !there {
		s.t.Errorf("what is new since then: %v", same.body)
	}
	e := s.want(200, "GET", "/v1/pools/orders/explain?key=a%2Fb", "")
	if e.text("owner") != "w1" || e.text("state") != "owned" || e.text("token") != row["token"] || !strings.Contains(e.text("text"), `"a/b"`) {
		s.t.Errorf("explained: %v", e.body)
	}
	s.want(204, "POST", "/v1/pools/orders/pin", `{"partition":3,"worker":"w2"}`)
	s.want(204, "POST", "/v1/pools/orders/pin", `{"partition":3,"worker":""}`)
	if altered := s.want(200, "POST", "/v1/pools/orders/alter", `{"moves":4}`); altered.number("moves") != 4 || altered.text("zones") != "apart" {
		s.t.Errorf("altered: %v", altered.body)
	}
	s.refuse(409, "pool_busy", "DELETE", "/v1/pools/orders?incarnation="+made.text("incarnation"), "")
	if evicted := s.want(200, "POST", "/v1/pools/orders/evict", `{"worker":"w1","reason":"over","now":true}`); evicted.number("partitions") != 8 {
		s.t.Errorf("evicted: %v", evicted.body)
	}
	s.want(204, "DELETE", "/v1/pools/orders?incarnation="+made.text("incarnation"), "")
	s.want(204, "DELETE", "/v1/pools/orders?incarnation="+made.text("incarnation"), "")
}

func TestWrongPoolRequests(t *testing.T) {
	s := open(t, nil)
	s.refuse(404, "no_pool", "GET", "/v1/pools/p", "")
	s.refuse(404, "no_pool", "GET", "/v1/pools/p/table", "")
	s.want(200, "PUT", "/v1/pools/p", `{"partitions":4}`)
	s.want(200, "PUT", "/v1/pools/p", `{"partitions":4}`)
	s.refuse(409, "pool_exists", "PUT", "/v1/pools/p", `{"partitions":5}`)
	s.refuse(400, "bad_request", "PUT", "/v1/pools/p", `{"zones":"near"}`)
	s.refuse(400, "bad_request", "POST", "/v1/pools/p/alter", `{"partitions":8}`)
	s.refuse(400, "bad_request", "POST", "/v1/pools/p/evict", `{"worker":"w"}`)
	s.refuse(400, "bad_request", "POST", "/v1/pools/p/pin", `{"partition":1}`)
	s.refuse(400, "bad_request", "GET", "/v1/pools/p/explain", "")
	s.refuse(400, "bad_request", "DELETE", "/v1/pools/p", "")
	s.refuse(400, "bad_request", "GET", "/v1/pools/p/table?since=4", "")
	s.refuse(410, "no_worker", "POST", "/v1/pools/p/evict", `{"worker":"w","reason":"r"}`)
}

// What changes a pool is for operators; making one and looking is not.
func TestPoolsAndOperators(t *testing.T) {
	s := open(t, func(config *resp.Config) {
		config.Users = []resp.User{{Name: "app", Passwords: []string{"one"}}, {Name: "ops", Passwords: []string{"two"}, Operator: true}}
	})
	basic := func(name, password string) []string {
		r := s.request(t.Context(), "GET", "/", "")
		r.SetBasicAuth(name, password)
		return []string{"Authorization", r.Header.Get("Authorization")}
	}
	app, ops := basic("app", "one"), basic("ops", "two")
	incarnation := s.want(200, "PUT", "/v1/pools/p", `{}`, app...).text("incarnation")
	s.want(200, "GET", "/v1/pools/p", "", app...)
	for path, body := range map[string]string{"alter": `{"moves":1}`, "pin": `{"partition":1,"worker":"w"}`, "evict": `{"worker":"w","reason":"r"}`} {
		s.refuse(403, "no_permission", "POST", "/v1/pools/p/"+path, body, app...)
	}
	s.refuse(403, "no_permission", "DELETE", "/v1/pools/p?incarnation="+incarnation, "", app...)
	s.want(204, "DELETE", "/v1/pools/p?incarnation="+incarnation, "", ops...)
}

// A table that is waited for comes when something has changed.
func TestAPoolTableIsWaitedFor(t *testing.T) {
	s := open(t, nil)
	made := s.want(200, "PUT", "/v1/pools/p", `{"partitions":4,"debounce_ms":0}`)
	id, with := s.session()
	got := make(chan answered, 1)
	go func() {
		got <- s.do("GET", fmt.Sprintf("/v1/pools/p/table?since=%d&incarnation=%s&block_ms=60000", made.number("version"), made.text("incarnation")), "")
	}()
	s.join("p", "w", id, with[1])
	select {
	case table := <-got:
		if rows, _ := table.body["changes"].([]any); len(rows) != 4 || table.body["delta"] != true {
			t.Errorf("after a join: %v", table.body)
		}
	case <-time.After(patience):
		t.Error("nothing came")
	}
}
