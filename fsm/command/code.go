package command

// Code names what went wrong, for programs. Codes are append-only: remembered results in snapshots carry them. The sentence for people stands in
// the reply; whether the outcome is definite, the HTTP status and how to retry stand in the one table of package transport. The number 2 is free: it is
// kept for Redis' WRONGTYPE, which nothing answers while every value is a string.
type Code uint8

// The codes. Each says when it is returned.
const (
	CodeNone           Code = 0  // no error
	CodeGeneric        Code = 1  // the request is wrong in a way that only its text explains (Redis' plain "ERR")
	CodeLocked         Code = 3  // a Redis command would change a name that is held natively, is pending or reserved
	CodeHeld           Code = 4  // a native try found the lock held; the text says by whom and for how long
	CodeNotHeld        Code = 5  // renew or release of a lock that is not held with that token
	CodeNoSession      Code = 6  // the session is unknown or has ended
	CodeBadSecret      Code = 7  // the secret does not belong to the session
	CodeStaleRequest   Code = 8  // a request number at or below the session's low-water mark; it was not run
	CodeLimit          Code = 9  // a limit of the machine was reached; nothing was changed
	CodeReserved       Code = 10 // a name that begins with "coordd:" cannot be written
	CodeExecAbort      Code = 11 // a transaction was discarded because one of its commands was wrong
	CodeNoScript       Code = 12 // EVALSHA of a script that the cluster does not know
	CodeMalformed      Code = 13 // the bytes of the command do not decode
	CodeWaitTimeout    Code = 14 // a waiter's time was over before the lock was free
	CodeCancelled      Code = 15 // a waiter was withdrawn
	CodeNoLeader       Code = 16 // no leader was found in time; nothing was proposed
	CodeUnknownOutcome Code = 17 // the command was proposed and its fate is not known
	CodeNoAuth         Code = 18 // the connection has not authenticated
	CodeWrongPassword  Code = 19 // user or password is wrong
	CodeShuttingDown   Code = 20 // this node is stopping
	CodeBusy           Code = 21 // too much is under way at this node; nothing was proposed
	CodeConflict       Code = 22 // the name is used in another way: another mode, another number of permits, another limit
	CodeDeadlock       Code = 23 // the wait would never end, because it would close a cycle of owners that wait for each other
	CodeNoCandidate    Code = 24 // nobody of that name waits for the lock
	CodeTooOld         Code = 25 // the position lies before what this node still has of the events

	// Worker pools.
	CodeNoPool     Code = 26 // there is no such pool, or it is another incarnation by now
	CodePoolExists Code = 27 // a pool of that name exists with other settings
	CodePoolBusy   Code = 28 // the pool still has workers
	CodeNoWorker   Code = 29 // the session is not a member of the pool under that id
	CodeWorkerBusy Code = 30 // another live session has the worker's id

	// Words of Redis that a door says.
	CodeNoPermission Code = 31 // the user may not run the command; it is for operators
	CodeNoProtocol   Code = 32 // HELLO asked for a version of the protocol that there is not
	CodeNotBusy      Code = 33 // SCRIPT KILL found nothing to end
)

var prefixes = [...]string{
	CodeNone:           "",
	CodeGeneric:        "ERR",
	CodeLocked:         "LOCKED",
	CodeHeld:           "HELD",
	CodeNotHeld:        "NOTHELD",
	CodeNoSession:      "NOSESSION",
	CodeBadSecret:      "NOSESSION",
	CodeStaleRequest:   "STALE",
	CodeLimit:          "LIMIT",
	CodeReserved:       "ERR",
	CodeExecAbort:      "EXECABORT",
	CodeNoScript:       "NOSCRIPT",
	CodeMalformed:      "ERR",
	CodeWaitTimeout:    "TIMEOUT",
	CodeCancelled:      "CANCELLED",
	CodeNoLeader:       "LOADING",
	CodeUnknownOutcome: "UNKNOWN",
	CodeNoAuth:         "NOAUTH",
	CodeWrongPassword:  "WRONGPASS",
	CodeShuttingDown:   "LOADING",
	CodeBusy:           "BUSY",
	CodeConflict:       "CONFLICT",
	CodeDeadlock:       "DEADLOCK",
	CodeNoCandidate:    "NOCANDIDATE",
	CodeTooOld:         "TOOOLD",
	CodeNoPool:         "NOPOOL",
	CodePoolExists:     "POOLEXISTS",
	CodePoolBusy:       "POOLBUSY",
	CodeNoWorker:       "NOWORKER",
	CodeWorkerBusy:     "WORKERBUSY",
	CodeNoPermission:   "NOPERM",
	CodeNoProtocol:     "NOPROTO",
	CodeNotBusy:        "NOTBUSY",
}

// Codes lists every code, in order, so that tables elsewhere can be tested for completeness. Some numbers are not given out.
func Codes() (codes []Code) {
	for i, prefix := range prefixes {
		if prefix != "" || Code(i) == CodeNone {
			codes = append(codes, Code(i))
		}
	}
	return codes
}

// Prefix is the first word of the error's text on the wire.
func (c Code) Prefix() string {
	if int(c) < len(prefixes) && (prefixes[c] != "" || c == CodeNone) {
		return prefixes[c]
	}
	return "ERR"
}
