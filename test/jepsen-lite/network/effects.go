package network

import (
	"fmt"
	"strings"
)

// Effects counts what faults have done so far: a fault that had no effect has proved nothing. Proxies count pieces of streams, streams and datagrams; namespaces count packets.
type Effects struct {
	Held       int64 `json:"held"`                // pieces of streams that waited for the end of a cut; proxies only
	Cut        int64 `json:"cut,omitempty"`       // packets that met a cut; namespaces only
	Reset      int64 `json:"reset"`               // streams that were ended, or packets that were answered so
	Lost       int64 `json:"lost"`                // datagrams or packets that were lost by chance; with proxies also datagrams that met a cut
	Duplicated int64 `json:"duplicated"`          // datagrams or packets
	Delayed    int64 `json:"delayed,omitempty"`   // packets that came later; namespaces only
	Reordered  int64 `json:"reordered,omitempty"` // packets that came after a later one of their link; namespaces only
	Strangers  int64 `json:"strangers"`           // streams between nodes whose sender was not found, and which were closed; proxies only
}

// String tells what is not zero.
func (e Effects) String() string {
	var words []string
	for _, one := range []struct {
		count int64
		what  string
	}{
		{e.Held, "held back"}, {e.Cut, "dropped by cuts"}, {e.Reset, "reset"}, {e.Lost, "lost"}, {e.Duplicated, "duplicated"}, {e.Delayed, "delayed"}, {e.Reordered, "reordered"},
		{e.Strangers, "streams of strangers closed"},
	} {
		if one.count > 0 {
			words = append(words, fmt.Sprintf("%d %s", one.count, one.what))
		}
	}
	if len(words) == 0 {
		return "nothing was disturbed"
	}
	return strings.Join(words, ", ")
}
