package command

// Limits that are part of the replicated contract: every machine enforces the same ones, so changing one is a change of format, not of
// configuration. Tunables that may differ between nodes live in raftnode.Config.
const (
	MaxNameBytes         = 512       // a key or lock name
	MaxValueBytes        = 64 << 10  // a string value
	MaxMetadataBytes     = 4 << 10   // what a session says about itself
	MaxClientNameBytes   = 256       // a session's client name
	MaxOwnerBytes        = 256       // an owner id inside a session
	MaxReasonBytes       = 1 << 10   // why an operator did something
	MaxEntryBytes        = 256 << 10 // one encoded log entry; a single larger command is refused before it is proposed
	MaxCommandsPerEntry  = 4096      // commands sealed together
	MaxNamesPerCommand   = 1024      // names, pairs or watches of one command
	MaxOpsPerTransaction = 1024      // commands between MULTI and EXEC
	MaxScriptBytes       = 64 << 10  // source text of a script
	MaxProgramBytes      = 64 << 10  // a compiled script
	MaxScriptArguments   = 1024      // KEYS and ARGV together
	MaxScripts           = 1024      // script texts the cluster remembers
	MaxSettings          = 1024      // replicated settings
	MaxSettingBytes      = 4 << 10   // key and value of a setting
	MaxDatabases         = 16        // SELECT 0 to 15
	MaxWaitersPerLock    = 4096      // waiting acquires of one lock
	MaxLocksPerSession   = 100_000   // holds of one session
	MaxWaitersPerSession = 10_000    // waiting acquires of one session
	MaxSessions          = 200_000   // live sessions
	MaxRememberedResults = 8192      // answers a session keeps above its low-water mark
	MaxRememberedBytes   = 1 << 20   // bytes of those answers
	MinTTLMilliseconds   = 1         // a Redis expiry
	MinSessionTTL        = 500       // ms
	MaxSessionTTL        = 24 * 3600 * 1000
	MinEarlyEnd          = 1000 // ms without a renewal after which a session may agree to end
	MinLockTTL           = 50   // ms, a native lock without a session
	MaxLockTTL           = 24 * 3600 * 1000
	MaxWaitMilliseconds  = 24 * 3600 * 1000
	MaxScanCount         = 10_000
	MaxNamesPerLock      = 64      // names of one multi-lock
	MaxPermits           = 65_535  // limit of a semaphore
	MaxReentrancy        = 65_535  // how often one owner holds a lock
	MaxHoldMetadataBytes = 1 << 10 // what a holder says about itself
	MaxActorBytes        = 256     // who killed or forced
	MinMaxHold           = 50      // ms
	MaxMaxHold           = 24 * 3600 * 1000
	MaxLockDelay         = 3600 * 1000      // ms
	MaxAtLeast           = 24 * 3600 * 1000 // ms
	MaxChecks            = 512              // pairs of one FENCE.CHECK
	MaxAcknowledgements  = 1024             // losses acknowledged by one keepalive
	MaxHistoryPerLock    = 32
	MaxHistory           = 100_000 // of all locks together
	MaxLossesPerSession  = 1024    // losses that are not acknowledged, from which on the session acquires nothing new
	MaxListCount         = 1000    // rows of one page of a list
	MaxListed            = 100     // holders and waiters that LOCK.INFO lists
	MaxLossesAnswered    = 64      // losses in the answer to one keepalive
	MaxDeadlockSearch    = 4096    // owners looked at; a cycle beyond is not found, and ends by the wait's deadline
	ExpireSlice          = 512     // ends carried out by one Expire command; what is left waits for the next
	ReservedPrefix       = "coordd:"
	FencePrefix          = "coordd:fence:"    // GET coordd:fence:NAME answers NAME's token
	FenceIfPrefix        = "coordd:fence-if:" // GET coordd:fence-if:<bytes of NAME>:NAME:VALUE answers it only while NAME holds VALUE
)
