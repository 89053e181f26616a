package rest

import (
	"net/http"

	"github.com/coordd/coordd/fsm/command"
)

var (
	fPool       = field{name: "name", in: inPath, least: 1, most: command.MaxNameBytes, about: "name of the pool"}
	fWorker     = field{name: "worker", in: inBody, required: true, least: 1, most: command.MaxWorkerBytes, about: "id of the worker"}
	fPartitions = field{name: "partitions", in: inBody, kind: number, option: "PARTITIONS", least: 1, most: command.MaxPoolPartitions,
		about: "how many, 4096 when it is not given; it never changes"}
	fPoolSettings = []field{
		{name: "zones", in: inBody, kind: choice, words: zoneWords(), about: "ignored when it is not given; apart: who is next in line for a partition is in another zone; even: every zone bears the same share"},
		{name: "debounce_ms", in: inBody, kind: number, option: "DEBOUNCE", most: command.MaxDebounce, about: "quiet after a join before anything moves, 1000 when it is not given"},
		{name: "drain_ms", in: inBody, kind: number, option: "DRAIN", least: command.MinDrain, most: command.MaxDrain, about: "how long a hand-over may take before it is overdue, 30000 when it is not given"},
		{name: "moves", in: inBody, kind: number, option: "MOVES", most: command.MaxPoolPartitions, about: "how many partitions are handed over at the same time; 0, or nothing: a sixteenth, and 32 at least"},
	}
	fIncarnation = field{name: "incarnation", in: inQuery, about: "which pool of its name, as an earlier answer told"}
)

// zoneWords are the words of each rule for zones.
func zoneWords() map[string][]string {
	words := map[string][]string{}
	for _, rule := range command.PoolZoneRules {
		words[rule] = []string{"ZONES", rule}
	}
	return words
}

var poolAnswer = answer{status: http.StatusOK, shape: poolShape, says: "the pool"}

// poolRoutes are what operators and routers ask. Workers, which send a keepalive every few seconds and must hear at once what to hand over, use the native protocol.
var poolRoutes = []*route{
	{method: http.MethodGet, pattern: "/v1/pools", id: "listPools", command: "POOL.LIST", group: "pools",
		summary: "Lists the pools of partitions that workers share.", answer: answer{kind: listed, status: http.StatusOK, shape: poolListShape, list: "pools", says: "all pools"}},
	{method: http.MethodPut, pattern: "/v1/pools/{name}", id: "createPool", command: "POOL.CREATE", group: "pools",
		summary: "Makes a pool. The same again changes nothing; other settings than those of the pool that is there are refused.",
		fields:  append([]field{fPool, fPartitions}, fPoolSettings...), answer: poolAnswer},
	{method: http.MethodGet, pattern: "/v1/pools/{name}", id: "getPool", command: "POOL.INFO", group: "pools",
		summary: "Tells a pool, its workers, and how its partitions are shared out.", fields: []field{fPool}, answer: answer{status: http.StatusOK, shape: poolInfoShape, says: "the pool with its workers"}},
	{method: http.MethodDelete, pattern: "/v1/pools/{name}", id: "deletePool", command: "POOL.DELETE", group: "pools", operators: true,
		summary: "Removes a pool that has no workers; also when that incarnation was gone already. For operators.",
		fields:  []field{fPool, required(fIncarnation)}, answer: answer{kind: nothing, status: http.StatusNoContent, says: "that incarnation is gone"}},
	{method: http.MethodPost, pattern: "/v1/pools/{name}/alter", id: "alterPool", command: "POOL.ALTER", group: "pools", operators: true,
		summary: "Changes the settings that are given; for operators.", fields: append([]field{fPool}, fPoolSettings...), answer: poolAnswer},
	{method: http.MethodGet, pattern: "/v1/pools/{name}/table", id: "getPoolTable", command: "POOL.TABLE", group: "pools",
		summary: "Tells who owns what, or what has changed since a version, for which it can wait.",
		fields: []field{fPool, {name: "since", in: inQuery, kind: number, option: "SINCE", most: maxSafe, about: "version of the table that is there already; needs its incarnation"},
			{name: "incarnation", in: inQuery, option: "INCARNATION", about: "incarnation of the table that is there already"},
			{name: "block_ms", in: inQuery, kind: number, option: "BLOCK", most: maxBlock, about: "wait for something newer for so long, in milliseconds"}},
		answer: answer{status: http.StatusOK, shape: poolTableShape, says: "the table, or what changed in it"}},
	{method: http.MethodGet, pattern: "/v1/pools/{name}/explain", id: "explainKey", command: "POOL.EXPLAIN", group: "pools",
		summary: "Tells the partition of a key, who owns it with which token, and why.",
		fields:  []field{fPool, {name: "key", in: inQuery, required: true, most: command.MaxValueBytes, about: "the key"}}, answer: answer{status: http.StatusOK, shape: explanationShape, says: "where the key is"}},
	{method: http.MethodPost, pattern: "/v1/pools/{name}/pin", id: "pinPartition", command: "POOL.PIN", group: "pools", operators: true,
		summary: "Makes a partition a worker's whenever that is a member; for operators.",
		fields: []field{fPool, {name: "partition", in: inBody, kind: number, required: true, most: command.MaxPoolPartitions - 1, about: "number of the partition"},
			{name: "worker", in: inBody, required: true, most: command.MaxWorkerBytes, about: "id of the worker; empty takes the pin away"}},
		answer: answer{kind: nothing, status: http.StatusNoContent, says: "it is done"}},
	{method: http.MethodPost, pattern: "/v1/pools/{name}/evict", id: "evictWorker", command: "POOL.EVICT", group: "pools", operators: true,
		summary: "Makes a worker hand over what it owns and leave; for operators. With now its partitions are given on at once, and only the tokens protect.",
		fields:  []field{fPool, fWorker, fReason, fAtOnce}, answer: answer{status: http.StatusOK, shape: evictedShape, says: "what it owned"}},
}
