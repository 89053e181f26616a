package rest

import (
	"net/http"

	"github.com/coordd/coordd/fsm/command"
)

// Fields that many routes have.
var (
	fName    = field{name: "name", in: inPath, least: 1, most: command.MaxNameBytes, about: "name of the lock"}
	fID      = field{name: "id", in: inPath, about: "id of the session"}
	fSecret  = field{name: SecretHeader, in: inHeader, kind: secret, required: true, about: "the secret that opening the session answered"}
	fSession = field{name: "session", in: inBody, kind: sessionID, option: "SESSION", about: "id of your session; its secret goes into the header " + SecretHeader}
	fOwner   = field{name: "owner", in: inBody, option: "OWNER", most: command.MaxOwnerBytes, about: "owner within the session: owners exclude each other"}
	fRequest = field{name: "request", in: inBody, kind: number, option: "REQUEST", least: 1, most: maxSafe,
		about: "number of this request in its session: a retry under the same number has one effect, and gets the same answer"}
	fLow    = field{name: "low", in: inBody, kind: number, option: "LOW", most: maxSafe, about: "every answer up to this number has arrived"}
	fHold   = field{name: "hold", in: inBody, required: true, about: "the token or the waiter that the grant answered, as a string"}
	fReason = field{name: "reason", in: inBody, option: "REASON", required: true, least: 1, most: command.MaxReasonBytes, about: "why; it is kept"}
	fAtOnce = field{name: "now", in: inBody, kind: flag, option: "NOW", about: "at once: only the tokens protect then"}
	fCursor = field{name: "cursor", in: inQuery, kind: cursorText, option: "CURSOR", about: "cursor of the page before"}
	fCount  = field{name: "count", in: inQuery, kind: number, option: "COUNT", least: 1, most: command.MaxListCount, about: "rows of a page, 100 when it is not given"}
	fMatch  = field{name: "match", in: inQuery, option: "MATCH", about: "glob pattern"}
)

// maxSafe is the largest whole number that every reader of JSON holds exactly.
const maxSafe = 1<<53 - 1

// required makes a field one that must be there.
func required(f field) field {
	f.required = true
	return f
}

var sessionRoutes = []*route{
	{method: http.MethodPost, pattern: "/v1/sessions", id: "openSession", command: "SESSION.OPEN", group: "sessions",
		summary: "Opens a session, which owns locks and ends when it is not renewed for its time to live.",
		fields: []field{
			{name: "ttl_ms", in: inBody, kind: number, option: "PX", least: command.MinSessionTTL, most: command.MaxSessionTTL, about: "time to live in milliseconds, 10000 when it is not given"},
			{name: "early_ms", in: inBody, kind: number, option: "EARLY", least: command.MinEarlyEnd, most: command.MaxSessionTTL,
				about: "it may end after so long without a renewal already, when the leader has a reason to doubt its client, such as the gossip"},
			{name: "name", in: inBody, option: "NAME", most: command.MaxClientNameBytes, about: "what the client calls itself, for people"},
			{name: "meta", in: inBody, option: "META", most: command.MaxMetadataBytes, about: "what else others may see of it"},
		}, answer: answer{status: http.StatusCreated, shape: openedShape, says: "the session, with its secret"}},
	{method: http.MethodGet, pattern: "/v1/sessions", id: "listSessions", command: "SESSION.LIST", group: "sessions",
		summary: "Lists sessions, a page at a time.",
		fields: []field{fCursor, fCount, {name: "match", in: inQuery, option: "MATCH", about: "glob pattern of what clients call themselves"},
			{name: "all", in: inQuery, kind: flag, option: "ALL", about: "those of nodes too"}},
		answer: answer{status: http.StatusOK, shape: sessionListShape, says: "a page of sessions"}},
	{method: http.MethodGet, pattern: "/v1/sessions/{id}", id: "getSession", command: "SESSION.INFO", group: "sessions",
		summary: "Tells what a session holds and waits for.", fields: []field{fID}, answer: answer{status: http.StatusOK, shape: sessionInfoShape, says: "the session"}},
	{method: http.MethodPost, pattern: "/v1/sessions/{id}/renew", id: "renewSession", command: "SESSION.RENEW", group: "sessions", keepalive: true,
		summary: "Extends a session, and with it all it holds; answers and acknowledges losses.",
		fields: []field{fID, fSecret,
			{name: "acknowledge", in: inBody, kind: allAfter, option: "ACK", most: command.MaxAcknowledgements, about: "waiter ids of losses: the work under those locks has stopped"}},
		answer: answer{status: http.StatusOK, shape: renewedShape, says: "the session's new deadline, and its losses"}},
	{method: http.MethodDelete, pattern: "/v1/sessions/{id}", id: "closeSession", command: "SESSION.CLOSE", group: "sessions",
		summary: "Ends a session and releases all it holds; also when it had ended before.", fields: []field{fID, fSecret},
		answer: answer{kind: nothing, status: http.StatusNoContent, says: "it has ended"}},
	{method: http.MethodPost, pattern: "/v1/sessions/{id}/kill", id: "killSession", command: "SESSION.KILL", group: "sessions", operators: true,
		summary: "Ends somebody's session; for operators.", fields: []field{fID, fReason, fAtOnce},
		answer: answer{status: http.StatusOK, shape: killedShape, says: "when its holds end"}},
}
