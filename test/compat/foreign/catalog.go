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
	// Native is true for coordd's own client, which knows the nodes' own addresses.
	Native bool
	// ComparesHolder is false for idioms whose release frees whoever holds the
	// lock, and whose lock's value does not tell its holder. They get names of
	// their own.
	ComparesHolder bool
}

// Catalog lists every client, in the order in which it is reported.
var Catalog = []Client{
	{Name: "redsync-goredis", Language: Go, What: "redsync v4 on go-redis", ComparesHolder: true},
	{Name: "redsync-redigo", Language: Go, What: "redsync v4 on redigo", ComparesHolder: true},
	{Name: "redislock", Language: Go, What: "bsm/redislock on go-redis", ComparesHolder: true},
	{Name: "goredis", Language: Go, What: "go-redis: SET NX PX and its script helper", ComparesHolder: true},
	{Name: "redis-py-lock", Language: Python, What: "redis-py's Lock", ComparesHolder: true},
	{Name: "idiom-set-nx", Language: Python, What: "SET NX PX and a compare-and-delete script", ComparesHolder: true},
	{Name: "idiom-majority", Language: Python, What: "the Redlock majority loop on one address", ComparesHolder: true},
	{Name: "idiom-watch", Language: Python, What: "WATCH, GET, MULTI, PEXPIRE or DEL, EXEC", ComparesHolder: true},
	{Name: "idiom-incr", Language: Python, What: "INCR and EXPIRE"},
	{Name: "redlock-ioredis", Language: Node, What: "node-redlock 4 on ioredis", ComparesHolder: true},
	{Name: "redlock-node-redis", Language: Node, What: "node-redlock 4 on the current node-redis", ComparesHolder: true},
	{Name: "redlock-node-redis-3", Language: Node, What: "node-redlock 4 on node-redis 3", ComparesHolder: true},
	{Name: "idiom-backoff", Language: Node, What: "SET NX PX with jittered back-off, on ioredis", ComparesHolder: true},
}

// Native is coordd's own client, in both of its forms: with a session that is
// renewed and waits in queues, and with leases of their own.
var Native = []Client{
	{Name: "coordd-lock", Language: Go, What: "coordd's client: locks of a session", ComparesHolder: true, Native: true},
	{Name: "coordd-lease", Language: Go, What: "coordd's client: leases", ComparesHolder: true, Native: true},
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
