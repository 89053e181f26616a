package rest

import (
	"net/http"

	"github.com/coordd/coordd/fsm/command"
)

var (
	fValue = field{name: "value", in: inBody, option: "VALUE", most: command.MaxHoldMetadataBytes, about: "what a leader says, for others to read"}
	fElect = field{name: "name", in: inPath, least: 1, most: command.MaxNameBytes, about: "name of the election, which is a lock of that name"}
)

var electionRoutes = []*route{
	{method: http.MethodGet, pattern: "/v1/elections/{name}", id: "getLeader", command: "ELECTION.LEADER", group: "elections",
		summary: "Tells who leads, or plainly that nobody does.", fields: []field{fElect}, answer: answer{status: http.StatusOK, shape: leaderShape, says: "the leader, or null"}},
	{method: http.MethodGet, pattern: "/v1/elections/{name}/candidates", id: "listCandidates", command: "ELECTION.CANDIDATES", group: "elections",
		summary: "Lists who waits for the leadership, in order.", fields: []field{fElect},
		answer: answer{kind: listed, status: http.StatusOK, shape: candidatesShape, list: "candidates", says: "candidates"}},
	{method: http.MethodPost, pattern: "/v1/elections/{name}/campaign", id: "campaign", command: "ELECTION.CAMPAIGN", group: "elections",
		summary: "Takes part in an election: wins it, or waits for its turn.",
		fields:  append(append([]field{fElect, fValue, required(fSession), fOwner}, fWait...), fNumbers...), answer: grantAnswer},
	{method: http.MethodPost, pattern: "/v1/elections/{name}/proclaim", id: "proclaim", command: "ELECTION.PROCLAIM", group: "elections",
		summary: "Changes what the leader says.", fields: append([]field{fElect, fHold, required(fValue), required(fSession), fOwner}, fNumbers...),
		answer: answer{kind: nothing, status: http.StatusNoContent, says: "it is changed"}},
	{method: http.MethodPost, pattern: "/v1/elections/{name}/resign", id: "resign", command: "ELECTION.RESIGN", group: "elections",
		summary: "Gives the leadership to the next candidate.", fields: append([]field{fElect, fHold, required(fSession), fOwner}, fNumbers...),
		answer: answer{kind: counted, status: http.StatusOK, shape: releasedShape, says: "what is left"}},
	{method: http.MethodPost, pattern: "/v1/elections/{name}/transfer", id: "transfer", command: "ELECTION.TRANSFER", group: "elections",
		summary: "Gives the leadership to one candidate, out of turn.",
		fields: append([]field{fElect, fHold, {name: "to", in: inBody, option: "TO", required: true, about: "the candidate: its waiter id or its owner"},
			required(fSession), fOwner}, fNumbers...),
		answer: answer{status: http.StatusOK, shape: transferredShape, says: "who leads next"}},
}
