package poolhttp

import (
	"net/http"
	"strconv"

	"github.com/coordd/coordd/client"
)

// The headers. A request has the first two; a refusal has all but the key.
const (
	HeaderIncarnation = "Coordd-Pool-Incarnation" // the pool for which the key was looked up
	HeaderKey         = "Coordd-Pool-Key"
	HeaderPool        = "Coordd-Pool"
	HeaderVersion     = "Coordd-Pool-Version" // of the refusing worker's table
	HeaderPartition   = "Coordd-Pool-Partition"
	HeaderWorker      = "Coordd-Pool-Worker"  // who refuses
	HeaderOwner       = "Coordd-Pool-Owner"   // who owns the key instead, as far as the refusing worker knows; absent: nobody, or itself but not at this moment
	HeaderAddress     = "Coordd-Pool-Address" // of the owner
	HeaderToken       = "Coordd-Pool-Token"   // of the owner
)

// refuse answers that the worker does not serve a key.
func refuse(w http.ResponseWriter, refusal *client.NotOwnerError) {
	header := w.Header()
	set := func(name, value string) {
		if value != "" {
			header.Set(name, value)
		}
	}
	set(HeaderPool, refusal.Pool)
	set(HeaderIncarnation, refusal.Incarnation)
	set(HeaderWorker, refusal.Worker)
	if refusal.Asked == "" {
		set(HeaderPartition, strconv.Itoa(refusal.Partition))
		set(HeaderVersion, strconv.FormatInt(refusal.Version, 10))
		set(HeaderOwner, refusal.Owner)
		set(HeaderAddress, refusal.Address)
		if refusal.Token != 0 {
			set(HeaderToken, strconv.FormatUint(refusal.Token, 10))
		}
	}
	http.Error(w, refusal.Error(), http.StatusMisdirectedRequest)
}

// refusalOf reads such an answer; nil when the answer is another one.
func refusalOf(answer *http.Response, asked string) *client.NotOwnerError {
	if answer.StatusCode != http.StatusMisdirectedRequest || answer.Header.Get(HeaderPool) == "" {
		return nil
	}
	h := answer.Header
	refusal := &client.NotOwnerError{Pool: h.Get(HeaderPool), Incarnation: h.Get(HeaderIncarnation), Worker: h.Get(HeaderWorker), Owner: h.Get(HeaderOwner), Address: h.Get(HeaderAddress)}
	if refusal.Incarnation != asked {
		refusal.Asked = asked
	}
	// What is not a number is of a worker that speaks otherwise; then the router looks without a hint.
	refusal.Partition, _ = strconv.Atoi(h.Get(HeaderPartition))
	refusal.Version, _ = strconv.ParseInt(h.Get(HeaderVersion), 10, 64)
	refusal.Token, _ = strconv.ParseUint(h.Get(HeaderToken), 10, 64)
	return refusal
}
