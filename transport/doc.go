// Package transport is how requests and bytes travel between the world and a node.
//
// It declares the small interface that every door needs from a node ([Node], [Admin]), so that the doors know nothing of Raft and a test can put a
// single in-memory machine behind them; and it holds the one error table ([Outcomes]): for each code of package fsm/command whether the outcome is
// definite, the HTTP status, and how to retry. The doors, the client's retry loop, the documentation and the test harness all read that table.
//
// Below it: peer (the port between nodes), resp (the Redis door) with resp/wire (the codec) and resp/lua (scripts), httpapi (health and metrics).
package transport
