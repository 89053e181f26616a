package client

import (
	"bytes"
	"encoding/json"
	"errors"
	"strconv"
	"strings"
	"time"

	"github.com/coordd/coordd/transport/resp/wire"
)

// fields reads a map that the cluster answered. What is missing or of another kind is zero: newer clusters may add fields, older ones may lack some.
type fields struct{ value wire.Value }

func mapOf(value wire.Value) fields { return fields{value} }

func (f fields) text(key string) string {
	value, _ := f.value.Lookup(key)
	return string(value.Text)
}

func (f fields) number(key string) int64 {
	n, _ := number(f.value, key)
	return n
}

func (f fields) flag(key string) bool { return f.number(key) != 0 }

// token reads a fencing token, which may be spelled as a string.
func (f fields) token(key string) uint64 { return uint64(max(0, f.number(key))) }

// span reads a duration in milliseconds.
func (f fields) span(key string) time.Duration {
	return time.Duration(f.number(key)) * time.Millisecond
}

func (f fields) list(key string) []wire.Value {
	value, _ := f.value.Lookup(key)
	return elementsOf(value)
}

func (f fields) texts(key string) (texts []string) {
	for _, element := range f.list(key) {
		texts = append(texts, string(element.Text))
	}
	return texts
}

// elementsOf is what an array holds; nothing for any other value.
func elementsOf(value wire.Value) []wire.Value {
	if value.Type != wire.Array && value.Type != wire.Set {
		return nil
	}
	return value.Elements
}

// number reads a number of a map.
func number(answer wire.Value, key string) (int64, bool) {
	value, found := answer.Lookup(key)
	if !found {
		return 0, false
	}
	return value.Int()
}

// sentenceOf splits an error line of the cluster into the sentence for people and the JSON object that may end it.
func sentenceOf(line string) (sentence string, details []byte) {
	begin := strings.Index(line, ` {"`)
	if begin < 0 {
		return line, nil
	}
	return line[:begin], []byte(line[begin+1:])
}

// detailsOf are the details of an error that the cluster answered; all of them are zero for any other error, or when it gave none.
func detailsOf(err error) fields {
	var refused *ServerError
	if !errors.As(err, &refused) || len(refused.details) == 0 {
		return fields{}
	}
	decoder := json.NewDecoder(bytes.NewReader(refused.details))
	decoder.UseNumber()
	var object map[string]any
	if decoder.Decode(&object) != nil {
		return fields{} // the sentence still says what happened
	}
	return fields{valueOf(object)}
}

// valueOf spells JSON as the cluster's answers spell the same things.
func valueOf(element any) wire.Value {
	switch element := element.(type) {
	case string:
		return wire.Value{Type: wire.Bulk, Text: []byte(element)}
	case json.Number:
		n, _ := strconv.ParseInt(element.String(), 10, 64) // what is no integer counts as missing
		return wire.Value{Type: wire.Integer, Integer: n}
	case bool:
		if element {
			return wire.Value{Type: wire.Integer, Integer: 1}
		}
		return wire.Value{Type: wire.Integer}
	case []any:
		array := wire.Value{Type: wire.Array}
		for _, one := range element {
			array.Elements = append(array.Elements, valueOf(one))
		}
		return array
	case map[string]any:
		object := wire.Value{Type: wire.Map}
		for key, value := range element {
			object.Elements = append(object.Elements, valueOf(key), valueOf(value))
		}
		return object
	}
	return wire.Value{Type: wire.Nil}
}

// distance is how long it is from an instant until one of the map; 0 when that is absent or has passed.
func (f fields) distance(key string, fromMs int64) time.Duration {
	instant := f.number(key)
	if instant == 0 {
		return 0
	}
	return time.Duration(max(0, instant-fromMs)) * time.Millisecond
}

// age is how long before an instant one of the map was.
func (f fields) age(key string, nowMs int64) time.Duration {
	instant := f.number(key)
	if instant == 0 || nowMs == 0 {
		return 0
	}
	return time.Duration(max(0, nowMs-instant)) * time.Millisecond
}
