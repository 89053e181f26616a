package rest

// Properties of pools and of who owns what in them.
var (
	pPool        = property{name: "name", about: "name of the pool"}
	pIncarnation = property{name: "incarnation", about: "which pool of its name: one that is deleted and made anew is another"}
	pVersion     = property{name: "version", is: aNumber, about: "of the pool; grows with every change"}
	pPartitions  = property{name: "partitions", is: aNumber, about: "how many partitions it has"}
	pOwnerID     = property{name: "owner", about: "id of the worker that owns it, empty for nobody"}
	pZone        = property{name: "zone", about: "zone of the worker, empty for none"}
	pAddress     = property{name: "address", about: "where the worker says that it is reached"}
	pWorkerID    = property{name: "worker", about: "id of the worker"}
	pDraining    = property{name: "draining", is: aNumber, about: "partitions that their owner is to hand over now"}
	pPartToken   = property{name: "token", is: aToken, about: "fencing token of the last grant of the partition, 0 when it was never granted"}
	pPartState   = property{name: "state", is: aWord, words: []string{"free", "owned", "draining"}, about: "draining: the owner is to hand it over"}
)

var (
	poolProperties = []property{
		pPool, pIncarnation, pPartitions,
		{name: "zones", about: "ignored, apart or even"},
		{name: "debounce_ms", is: aNumber, about: "quiet after a join before anything moves"},
		{name: "drain_ms", is: aNumber, about: "how long a hand-over may take before it is overdue"},
		{name: "moves", is: aNumber, about: "how many partitions are handed over at the same time, 0 for automatic"},
		pVersion, pNow,
		{name: "rebalance_ms", is: aNumber, about: "replicated instant of the next rebalance, 0 for none"},
		{name: "workers_total", is: aNumber, about: "how many workers it has"},
		{name: "owned", is: aNumber, about: "partitions that have an owner, draining ones included"}, pDraining,
		{name: "free", is: aNumber, about: "partitions that nobody owns"},
		{name: "waiting", is: aNumber, about: "partitions that are to move when it is their turn"},
		{name: "overdue", is: aNumber, about: "partitions that drain for longer than drain_ms"}}
	poolShape     = &shape{"Pool", "A pool of partitions that workers share.", poolProperties}
	poolListShape = &shape{"PoolList", "The pools.", []property{{name: "pools", is: objects, of: poolShape, about: "in no order that means anything"}}}
	workerShape   = &shape{"Worker", "A member of a pool.", []property{
		pWorkerID, {name: "epoch", about: "the join that made this membership"}, pSession, pZone,
		{name: "weight", is: aNumber, about: "its share in proportion to those of others"}, pAddress,
		{name: "state", about: "active, leaving or reserved"},
		{name: "until_ms", is: aNumber, about: "replicated instant until which the place of a reserved one is kept, 0 for none"},
		{name: "owned", is: aNumber, about: "partitions that it owns"}, pDraining,
		{name: "target", is: aNumber, about: "partitions that it should own"}, pSince}}
	poolInfoShape = &shape{"PoolInfo", "A pool with its workers.", join(poolProperties, []property{{name: "workers", is: objects, of: workerShape, about: "in order of their ids"}})}
	memberShape   = &shape{"PoolMember", "A member of a pool, for those who route to it.", []property{pWorkerID, pZone, pAddress}}
	ownedShape    = &shape{"Partition", "Who owns a partition.", []property{{name: "partition", is: aNumber, about: "its number"}, pOwnerID, pPartToken, pPartState}}

	poolTableShape = &shape{"PoolTable", "Who owns what. A whole table lists the partitions that were ever granted; all others are free with token 0.", []property{
		pPool, pIncarnation, pPartitions,
		{name: "from", is: aNumber, about: "apply it only on this version; 0: it is whole"}, pVersion,
		{name: "delta", is: aFlag, about: "it has only what changed since from"}, pNow,
		{name: "workers", is: rowsOrNull, of: memberShape, about: "all members, or null: they are the same as before"},
		{name: "changes", is: rowsOrNull, of: ownedShape, about: "partitions"}}}
	explanationShape = &shape{"Explanation", "Where a key is, and why.", []property{
		{name: "pool", about: "name of the pool"}, pIncarnation, pVersion,
		{name: "partition", is: aNumber, about: "the key's"}, pOwnerID, pAddress, pPartToken, pPartState,
		{name: "target", about: "id of the worker that should own it"},
		{name: "standbys", is: manyTexts, about: "who would follow, best first"},
		{name: "text", about: "why, for people"}}}
	evictedShape = &shape{"Evicted", "What an eviction did.", []property{{name: "partitions", is: aNumber, about: "how many the worker owned"}, pVersion}}
)
