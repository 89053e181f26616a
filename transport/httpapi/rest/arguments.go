package rest

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"

	"github.com/coordd/coordd/fsm/command"
	"github.com/coordd/coordd/transport"
)

// place says where a field comes from.
type place uint8

const (
	inPath place = iota
	inQuery
	inBody
	inHeader
)

// kind says what a field holds, and how it becomes words of a command.
type kind uint8

const (
	text       kind = iota // a text: option and text
	number                 // a whole number between two limits: option and number
	flag                   // true: the option alone
	choice                 // one of some words, each with the words that it becomes
	texts                  // texts: option and text for each
	countedAll             // texts: their number, and then all
	allAfter               // texts: option once, and then all
	sessionID              // SESSION, this id, and the secret of the header
	secret                 // the header with a session's secret
	pairs                  // objects of a name and a hold: both of each
	cursorText             // where a list goes on, as the page before said
)

// SecretHeader carries a session's secret, which never stands in a URL or in an access log.
const SecretHeader = "Coordd-Session-Secret"

// maxBodyBytes bounds a request's body.
const maxBodyBytes = 64 << 10

// field is one argument of a route.
type field struct {
	name        string
	in          place
	kind        kind
	option      string              // native option; empty: the value stands for itself, in the table's order
	words       map[string][]string // choice
	least, most int64               // number: its limits; text: bytes; texts and pairs: how many
	required    bool
	fallback    string // text: stands for a value that is not given
	about       string
}

// given is what a request says, by the field's name: a string, json.Number, bool or []any.
type given struct {
	path   arguments
	query  map[string]any
	body   map[string]any
	secret string
}

// value is what a request gives for a field; nil when it gives nothing.
func (g *given) value(f *field) any {
	var value any
	var ok bool
	switch f.in {
	case inPath:
		value, ok = g.path[f.name], true
	case inQuery:
		value, ok = g.query[f.name]
	case inBody:
		value, ok = g.body[f.name]
	case inHeader:
		value, ok = g.secret, g.secret != ""
	}
	if !ok {
		return nil
	}
	return value
}

// read takes a request apart. Everything that its route does not know is refused, since a misspelt option that is ignored would be a lock taken in another way
// than its caller thinks.
func (r *route) read(w http.ResponseWriter, request *http.Request, path arguments) (*given, *problem) {
	g := &given{path: path, secret: request.Header.Get(SecretHeader)}
	var p *problem
	if g.query, p = r.readQuery(request.URL.RawQuery); p != nil {
		return nil, p
	}
	if !r.inBody() {
		return g, nil
	}
	// What a page of another site can send without asking is never JSON, so this also keeps those away.
	if media, _, _ := strings.Cut(request.Header.Get("Content-Type"), ";"); !strings.EqualFold(strings.TrimSpace(media), "application/json") {
		return nil, ofRow(transport.UnsupportedMediaType, "send the header Content-Type: application/json, and a JSON object as the body; {} when there is nothing to say")
	}
	raw, err := io.ReadAll(http.MaxBytesReader(w, request.Body, maxBodyBytes))
	var tooLarge *http.MaxBytesError
	switch {
	case errors.As(err, &tooLarge):
		return nil, ofRow(transport.TooLarge, "a body has at most %d bytes", maxBodyBytes)
	case err != nil:
		return nil, ofCode(command.CodeGeneric, "the body could not be read: %v", err)
	}
	g.body, p = r.readBody(raw)
	return g, p
}

// readBody reads one JSON object, and refuses fields that are unknown or stand there twice.
func (r *route) readBody(raw []byte) (map[string]any, *problem) {
	malformed := func(err error) *problem {
		return ofCode(command.CodeGeneric, "the body is not one JSON object: %v", err)
	}
	if !utf8.Valid(raw) {
		return nil, malformed(errors.New("it is not UTF-8"))
	}
	decoder := json.NewDecoder(bytes.NewReader(raw))
	decoder.UseNumber()
	if begin, err := decoder.Token(); err != nil || begin != json.Delim('{') {
		return nil, malformed(errors.Join(errors.New("it does not begin with {"), err))
	}
	body := map[string]any{}
	for decoder.More() {
		key, err := decoder.Token()
		if err != nil {
			return nil, malformed(err)
		}
		name := key.(string) // what stands before a colon is a string, or Token fails
		if r.field(name, inBody) == nil {
			return nil, ofCode(command.CodeGeneric, "%q is no field of this request; there are %s", clipped(name), r.fieldNames(inBody))
		}
		if _, twice := body[name]; twice {
			return nil, ofCode(command.CodeGeneric, "%q stands there twice", name)
		}
		var value any
		if err := decoder.Decode(&value); err != nil {
			return nil, malformed(err)
		}
		body[name] = value
	}
	if _, err := decoder.Token(); err != nil {
		return nil, malformed(err)
	}
	if _, err := decoder.Token(); !errors.Is(err, io.EOF) {
		return nil, malformed(errors.New("something follows it"))
	}
	return body, nil
}

// readQuery reads the query as a body with the same fields would be read.
func (r *route) readQuery(raw string) (map[string]any, *problem) {
	values, err := url.ParseQuery(raw)
	if err != nil {
		return nil, ofCode(command.CodeGeneric, "the query is malformed: %v", err)
	}
	query := map[string]any{}
	for name, list := range values {
		f := r.field(name, inQuery)
		switch {
		case f == nil:
			return nil, ofCode(command.CodeGeneric, "%q is no parameter of this request; there are %s", clipped(name), r.fieldNames(inQuery))
		case f.kind == texts:
			all := make([]any, len(list))
			for i, one := range list {
				all[i] = one
			}
			query[name] = all
		case len(list) > 1:
			return nil, ofCode(command.CodeGeneric, "%q stands there twice", name)
		case f.kind == number:
			query[name] = json.Number(list[0])
		case f.kind == flag && (list[0] == "true" || list[0] == "false"):
			query[name] = list[0] == "true"
		default:
			query[name] = list[0]
		}
	}
	return query, nil
}

func (r *route) fieldNames(in place) string {
	var names []string
	for _, f := range r.fields {
		if f.in == in {
			names = append(names, f.name)
		}
	}
	if len(names) == 0 {
		return "none"
	}
	return strings.Join(names, ", ")
}

// words makes the native command of a request.
func (r *route) words(g *given) ([]string, *problem) {
	if p := r.checkPresence(g); p != nil {
		return nil, p
	}
	words := []string{r.command}
	for i := range r.fields {
		f := &r.fields[i]
		value := g.value(f)
		if value == nil && f.fallback != "" {
			value = f.fallback
		}
		if value == nil {
			continue
		}
		more, wrong := f.wordsOf(value, g)
		if wrong != "" {
			return nil, ofCode(command.CodeGeneric, "%s %s", f.name, wrong)
		}
		words = append(words, more...)
	}
	return words, nil
}

// checkPresence refuses a request that lacks something, or says two things where one is meant.
func (r *route) checkPresence(g *given) *problem {
	for i := range r.fields {
		f := &r.fields[i]
		if f.required && g.value(f) == nil {
			return ofCode(command.CodeGeneric, "%s is missing: %s", f.name, f.about)
		}
	}
	var present []string
	for _, name := range r.one {
		if g.body[name] != nil {
			present = append(present, name)
		}
	}
	if len(r.one) > 0 && len(present) != 1 {
		return ofCode(command.CodeGeneric, "give one of %s; there are %d of them", strings.Join(r.one, ", "), len(present))
	}
	if id := r.field("session", inBody); id != nil && g.secret != "" && g.body["session"] == nil {
		return ofCode(command.CodeGeneric, "the header %s is there and the field session is not: say whose secret it is", SecretHeader)
	}
	return nil
}

// wordsOf makes the words of one field, or says what is wrong with its value.
func (f *field) wordsOf(value any, g *given) (words []string, wrong string) {
	switch f.kind {
	case number:
		return f.numberWords(value)
	case flag:
		yes, ok := value.(bool)
		switch {
		case !ok:
			return nil, "is true or false"
		case yes:
			return []string{f.option}, ""
		}
		return nil, ""
	case choice:
		name, _ := value.(string)
		words, ok := f.words[name]
		if !ok {
			return nil, "is one of " + strings.Join(f.choices(), ", ")
		}
		return words, ""
	case texts, countedAll, allAfter:
		return f.textsWords(value)
	case pairs:
		return f.pairWords(value)
	case cursorText:
		encoded, _ := value.(string)
		decoded, err := base64.RawURLEncoding.DecodeString(encoded)
		if err != nil {
			return nil, "is what the page before answered as cursor"
		}
		if len(decoded) == 0 {
			return nil, ""
		}
		return []string{f.option, string(decoded)}, ""
	}
	one, ok := value.(string)
	switch {
	case !ok:
		return nil, "is a string"
	case f.kind == sessionID && g.secret == "":
		return nil, "needs the session's secret, in the header " + SecretHeader
	case f.kind == sessionID:
		return []string{f.option, one, g.secret}, ""
	case f.option == "":
		return []string{one}, ""
	}
	return []string{f.option, one}, ""
}

func (f *field) numberWords(value any) (words []string, wrong string) {
	given, ok := value.(json.Number)
	n, err := strconv.ParseUint(string(given), 10, 64)
	if !ok || err != nil || n < uint64(f.least) || n > uint64(f.most) {
		return nil, "is a whole number from " + strconv.FormatInt(f.least, 10) + " to " + strconv.FormatInt(f.most, 10)
	}
	digits := strconv.FormatUint(n, 10)
	if f.option == "" {
		return []string{digits}, ""
	}
	return []string{f.option, digits}, ""
}

func (f *field) textsWords(value any) (words []string, wrong string) {
	list, ok := value.([]any)
	if !ok || int64(len(list)) < f.least || int64(len(list)) > f.most {
		return nil, "is an array of strings, " + strconv.FormatInt(f.least, 10) + " to " + strconv.FormatInt(f.most, 10) + " of them"
	}
	switch {
	case f.kind == countedAll:
		words = append(words, strconv.Itoa(len(list)))
	case f.kind == allAfter && len(list) > 0:
		words = append(words, f.option)
	}
	for _, each := range list {
		one, ok := each.(string)
		if !ok {
			return nil, "is an array of strings"
		}
		if f.kind == texts {
			words = append(words, f.option)
		}
		words = append(words, one)
	}
	return words, ""
}

func (f *field) pairWords(value any) (words []string, wrong string) {
	list, ok := value.([]any)
	if !ok || int64(len(list)) < f.least || int64(len(list)) > f.most {
		return nil, "is an array of objects with name and hold, " + strconv.FormatInt(f.least, 10) + " to " + strconv.FormatInt(f.most, 10) + " of them"
	}
	for _, each := range list {
		pair, _ := each.(map[string]any)
		name, okName := pair["name"].(string)
		hold, okHold := pair["hold"].(string)
		if len(pair) != 2 || !okName || !okHold {
			return nil, "is an array of objects with the strings name and hold, and nothing else"
		}
		words = append(words, name, hold)
	}
	return words, ""
}

// choices are the words that a choice takes, in order.
func (f *field) choices() []string {
	list := make([]string, 0, len(f.words))
	for word := range f.words {
		list = append(list, word)
	}
	slices.Sort(list)
	return list
}

// waits reports whether a request asks to be answered later than at once.
func (g *given) waits() bool {
	positive := func(value any) bool {
		n, ok := value.(json.Number)
		return ok && strings.Trim(string(n), "0") != ""
	}
	return positive(g.body["wait_ms"]) && g.body["async"] != true || positive(g.body["timeout_ms"]) || positive(g.query["block_ms"])
}

// pushes reports whether the native command pushes something later, which a connection for other requests must not get.
func (g *given) pushes() bool { return g.body["async"] == true }

// clipped bounds what an answer repeats of a request.
func clipped(name string) string { return name[:min(len(name), 128)] }
