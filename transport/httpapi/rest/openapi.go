package rest

import (
	"bytes"
	"encoding/json"
	"fmt"
	"net/http"
	"slices"
	"strconv"
	"strings"

	"github.com/coordd/coordd/transport"
)

// DocumentPath is where the OpenAPI document is served.
const DocumentPath = "/openapi.json"

// object is a JSON object of the document; its keys are written in order of the alphabet, so that the document is always the same.
type object = map[string]any

// Document is the API as an OpenAPI 3.1 document, made from the table that serves it.
func Document() []byte {
	paths := object{}
	schemas := object{"Problem": problemSchema()}
	for _, r := range routes {
		item, ok := paths[r.pattern].(object)
		if !ok {
			item = object{}
			paths[r.pattern] = item
		}
		item[strings.ToLower(r.method)] = r.operation(schemas)
	}
	document := object{
		"openapi": "3.1.0",
		"info": object{
			"title":   "coordd",
			"version": "1",
			"summary": "A lock service: leases, fencing tokens, queues, elections, worker pools.",
			"description": "Each operation is one native command (docs/protocol); this is its translation to JSON. Fencing tokens are strings of digits. " +
				"Instants (*_ms named now, deadline, until, since, at) are replicated time, not that of a calendar: they count by their distance to now_ms of the same answer.",
		},
		"paths":    paths,
		"security": []any{object{}, object{"basic": []any{}}},
		"tags":     []any{object{"name": "sessions"}, object{"name": "locks"}, object{"name": "elections"}, object{"name": "pools"}, object{"name": "events"}},
		"components": object{
			"schemas":         schemas,
			"securitySchemes": object{"basic": object{"type": "http", "scheme": "basic", "description": "Name and password of a coordd user, where there are users."}},
			"responses": object{"Problem": object{
				"description": "An error. definite: nothing happened and nothing will.",
				"content":     object{ProblemType: object{"schema": reference("Problem")}},
			}},
		},
	}
	var text bytes.Buffer
	encoder := json.NewEncoder(&text)
	encoder.SetEscapeHTML(false)
	encoder.SetIndent("", "  ")
	if err := encoder.Encode(document); err != nil {
		panic(fmt.Sprintf("the OpenAPI document cannot be written: %v", err)) // it holds nothing but texts, numbers, lists and maps
	}
	return text.Bytes()
}

// operation describes a route, and adds the schemas of what it answers.
func (r *route) operation(schemas object) object {
	var parameters []any
	for i := range r.fields {
		f := &r.fields[i]
		if f.in == inBody {
			continue
		}
		parameters = append(parameters, object{
			"name": f.name, "in": [...]string{inPath: "path", inQuery: "query", inHeader: "header"}[f.in],
			"required": f.in == inPath || f.required, "description": f.about, "schema": f.schema(),
		})
	}
	if r.field("session", inBody) != nil {
		parameters = append(parameters, object{"name": SecretHeader, "in": "header", "required": false, "description": "the session's secret, with the field session", "schema": object{"type": "string"}})
	}
	operation := object{
		"operationId": r.id, "tags": []any{r.group}, "summary": r.summary, "description": "Native command: " + r.command + ".",
		"responses": r.responses(schemas),
	}
	if parameters != nil {
		operation["parameters"] = parameters
	}
	if r.inBody() {
		operation["requestBody"] = object{"required": true, "content": object{"application/json": object{"schema": r.bodySchema()}}}
	}
	return operation
}

func (r *route) bodySchema() object {
	properties := object{}
	var needed []string
	for i := range r.fields {
		f := &r.fields[i]
		if f.in != inBody {
			continue
		}
		schema := f.schema()
		schema["description"] = f.about
		properties[f.name] = schema
		if f.required {
			needed = append(needed, f.name)
		}
	}
	schema := object{"type": "object", "properties": properties, "additionalProperties": false}
	if needed != nil {
		schema["required"] = needed
	}
	var either []any
	for _, name := range r.one {
		either = append(either, object{"required": []any{name}})
	}
	if either != nil {
		schema["oneOf"] = either
	}
	return schema
}

// schema describes what a field takes.
func (f *field) schema() object {
	aString := object{"type": "string"}
	switch f.kind {
	case number:
		return object{"type": "integer", "minimum": f.least, "maximum": f.most}
	case flag:
		return object{"type": "boolean"}
	case choice:
		return object{"type": "string", "enum": f.choices()}
	case texts, countedAll, allAfter:
		return object{"type": "array", "items": aString, "minItems": f.least, "maxItems": f.most}
	case pairs:
		return object{"type": "array", "minItems": f.least, "maxItems": f.most, "items": object{
			"type": "object", "properties": object{"name": aString, "hold": aString}, "required": []any{"name", "hold"}, "additionalProperties": false}}
	}
	if f.least > 0 {
		aString["minLength"] = f.least
	}
	if f.most > 0 { // a limit in bytes, and no text has fewer bytes than characters
		aString["maxLength"] = f.most
	}
	if f.fallback != "" {
		aString["default"] = f.fallback
	}
	return aString
}

func (r *route) responses(schemas object) object {
	responses := object{"default": object{"$ref": "#/components/responses/Problem"}}
	answers := func(status int, says string, s *shape) {
		response := object{"description": says}
		if s != nil {
			s.addTo(schemas)
			response["content"] = object{"application/json": object{"schema": reference(s.name)}}
		}
		responses[strconv.Itoa(status)] = response
	}
	answers(r.answer.status, r.answer.says, r.answer.shape)
	if r.answer.kind == granted {
		answers(http.StatusAccepted, "a place in the queue", placeShape)
	}
	if r.streams {
		eventShape.addTo(schemas)
		content := responses[strconv.Itoa(r.answer.status)].(object)["content"].(object)
		content["text/event-stream"] = object{"schema": object{"type": "string", "description": "messages whose id is the event's position and whose data is an Event; a message of the event type " +
			"events-lost says that the position is gone: begin anew with the lists, and go on from their position"}}
	}
	return responses
}

func reference(name string) object { return object{"$ref": "#/components/schemas/" + name} }

// addTo adds the schema of a shape and of what is in it.
func (s *shape) addTo(schemas object) {
	if schemas[s.name] != nil {
		return
	}
	properties := object{}
	var names []string
	schemas[s.name] = object{"type": "object", "description": s.about, "properties": properties}
	for _, p := range s.properties {
		schema := p.schema()
		schema["description"] = p.about
		properties[p.name] = schema
		if !p.rare {
			names = append(names, p.name)
		}
		if p.of != nil {
			p.of.addTo(schemas)
		}
	}
	schemas[s.name].(object)["required"] = names
}

func (p *property) schema() object {
	switch p.is {
	case aNumber:
		return object{"type": "integer"}
	case aToken:
		return object{"type": "string", "pattern": "^[0-9]+$"}
	case aFlag:
		return object{"type": "boolean"}
	case aMaybe:
		return object{"type": []any{"string", "null"}}
	case manyTexts:
		return object{"type": "array", "items": object{"type": "string"}}
	case aWord:
		return object{"type": "string", "enum": p.words}
	case rowsOrNull:
		return object{"type": []any{"array", "null"}, "items": reference(p.of.name)}
	case objects:
		return object{"type": "array", "items": reference(p.of.name)}
	}
	return object{"type": "string"}
}

// problemSchema describes errors; the codes are those of the one error table.
func problemSchema() object {
	var codes []string
	for _, outcome := range slices.Concat(transport.Outcomes, transport.HTTPOutcomes) {
		if outcome.Definite && outcome.Status == http.StatusOK {
			continue
		}
		codes = append(codes, outcome.Name)
	}
	slices.Sort(codes)
	return object{
		"type": "object", "description": "An error, in the form of RFC 9457. What each code means stands in docs/protocol/errors.md.",
		"required": []any{"title", "status", "code", "definite", "retry", "message"},
		"properties": object{
			"title":    object{"type": "string", "description": "what errors of this code mean"},
			"status":   object{"type": "integer", "description": "the HTTP status"},
			"code":     object{"type": "string", "enum": codes, "description": "for programs"},
			"definite": object{"type": "boolean", "description": "true: nothing happened and nothing will; false: it may have happened, or may yet"},
			"retry": object{"type": "string", "enum": []any{transport.RetryNever, transport.RetryLater, transport.RetryIdentical, transport.RetryReopen},
				"description": "when the request may be sent again: never; later; same-request: only under the same session and request number; new-session"},
			"message": object{"type": "string", "description": "what happened, to what, and what to do, for people"},
			"details": object{"type": "object", "description": "what programs may need, by code; may be missing"},
		},
	}
}

// serveDocument answers the OpenAPI document.
func (a *API) serveDocument(w http.ResponseWriter, r *http.Request) *problem {
	if r.Method != http.MethodGet && r.Method != http.MethodHead {
		p := ofRow(transport.MethodNotAllowed, "this path takes GET")
		p.allow = "GET, HEAD"
		return p
	}
	w.Header().Set("Content-Type", "application/json")
	_, _ = w.Write(a.document) // a client that went away is its own affair
	return nil
}
