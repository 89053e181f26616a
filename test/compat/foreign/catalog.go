package foreign

import (
	"fmt"
	"strings"
)

// Language is what a worker is written in.
type Language string

// The languages of the workers.
const (
	Go     Language = "go"
	Python Language = "python"
	Node   Language = "node"
)

// Client is one foreign lock client.
type Client struct {
	Name     string
	Language Language
	// What says which libraries meet here.
	What string
	// ComparesHolder is false for idioms whose release frees whoever holds the
	// lock, and whose lock's value does not tell its holder. They get names of
	// their own.
	ComparesHolder bool
}

// Catalog lists every client, in the order in which it is reported.
var Catalog = []Client{
	{"redsync-goredis", Go, "redsync v4 on go-redis", true},
	{"redsync-redigo", Go, "redsync v4 on redigo", true},
	{"redislock", Go, "bsm/redislock on go-redis", true},
	{"goredis", Go, "go-redis: SET NX PX and its script helper", true},
	{"redis-py-lock", Python, "redis-py's Lock", true},
	{"idiom-set-nx", Python, "SET NX PX and a compare-and-delete script", true},
	{"idiom-majority", Python, "the Redlock majority loop on one address", true},
	{"idiom-watch", Python, "WATCH, GET, MULTI, PEXPIRE or DEL, EXEC", true},
	{"idiom-incr", Python, "INCR and EXPIRE", false},
	{"redlock-ioredis", Node, "node-redlock 4 on ioredis", true},
	{"redlock-node-redis", Node, "node-redlock 4 on the current node-redis", true},
	{"redlock-node-redis-3", Node, "node-redlock 4 on node-redis 3", true},
	{"idiom-backoff", Node, "SET NX PX with jittered back-off, on ioredis", true},
}

// Select returns the clients whose names are listed, separated by commas; a
// name that is the beginning of others selects all of them. Empty selects all.
func Select(list string) ([]Client, error) {
	if list == "" {
		return Catalog, nil
	}
	var selected []Client
	for wanted := range strings.SplitSeq(list, ",") {
		before := len(selected)
		for _, client := range Catalog {
			if client.Name == wanted || strings.HasPrefix(client.Name, wanted+"-") {
				selected = append(selected, client)
			}
		}
		if len(selected) == before {
			return nil, fmt.Errorf("there is no client %q; there are %s", wanted, names())
		}
	}
	return selected, nil
}

func names() string {
	all := make([]string, len(Catalog))
	for i, client := range Catalog {
		all[i] = client.Name
	}
	return strings.Join(all, ", ")
}
