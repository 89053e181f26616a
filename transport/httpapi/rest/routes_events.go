package rest

import (
	"net/http"
)

// maxFilters is how many values each filter of events takes. The node bounds all of them together.
const maxFilters = 256

// maxBlock is how long a page of events may be waited for, in ms.
const maxBlock = 60_000

var fFilters = []field{
	{name: "name", in: inQuery, kind: texts, option: "NAME", most: maxFilters, about: "only of this lock; may stand there many times"},
	{name: "prefix", in: inQuery, kind: texts, option: "PREFIX", most: maxFilters, about: "only of locks that begin so; may stand there many times"},
	{name: "session", in: inQuery, kind: texts, option: "SESSION", most: maxFilters, about: "only of this session; may stand there many times"},
}

var fAfter = field{name: "after", in: inQuery, fallback: "$", about: "a position: that of the last event, page or list seen; $, or nothing, for now"}

var eventRoutes = []*route{
	{method: http.MethodGet, pattern: "/v1/events", id: "readEvents", command: "EVENTS.READ", group: "events", streams: true,
		summary: "Answers what happened to locks and sessions after a position, as a page; or, to clients that accept text/event-stream, goes on as server-sent events.",
		fields: append([]field{fAfter, fCount, {name: "block_ms", in: inQuery, kind: number, option: "BLOCK", most: maxBlock, about: "wait for the first event for so long, in milliseconds"}},
			fFilters...),
		answer: answer{status: http.StatusOK, shape: eventPageShape, says: "a page, or a stream"}},
}

// streamRoute makes the command of a stream; it has no path of its own.
var streamRoute = &route{command: "EVENTS.SUBSCRIBE", fields: append([]field{fAfter}, fFilters...)}

// routes is the table of the API.
var routes = func() (all []*route) {
	for _, family := range [][]*route{sessionRoutes, lockRoutes, electionRoutes, poolRoutes, eventRoutes} {
		all = append(all, family...)
	}
	return all
}()
