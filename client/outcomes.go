package client

import "github.com/coordd/coordd/transport/resp/wire"

// outcome says what a client may conclude from an error's code word.
type outcome struct {
	definite bool // nothing happened and nothing will
	again    bool // it is the node that could not serve, so the same request may be sent again, to another one
}

// outcomes is the part of the service's error table that a client acts on, by the first word of an error. A test holds it against the table
// itself, which lies on the server's side and is not linked here.
var outcomes = map[string]outcome{
	"ERR":         {definite: true},
	"LOCKED":      {definite: true},
	"HELD":        {definite: true},
	"NOTHELD":     {definite: true},
	"NOSESSION":   {definite: true},
	"STALE":       {definite: true},
	"LIMIT":       {definite: true},
	"EXECABORT":   {definite: true},
	"NOSCRIPT":    {definite: true},
	"TIMEOUT":     {definite: true},
	"CANCELLED":   {definite: true},
	"LOADING":     {definite: true, again: true},
	"UNKNOWN":     {},
	"NOAUTH":      {definite: true},
	"WRONGPASS":   {definite: true},
	"BUSY":        {definite: true, again: true},
	"CONFLICT":    {definite: true},
	"DEADLOCK":    {definite: true},
	"NOCANDIDATE": {definite: true},
	"TOOOLD":      {definite: true},
	"NOPOOL":      {definite: true},
	"POOLEXISTS":  {definite: true},
	"POOLBUSY":    {definite: true},
	"NOWORKER":    {definite: true},
	"WORKERBUSY":  {definite: true},
	"NOPERM":      {definite: true},
	"NOPROTO":     {definite: true},
	"NOTBUSY":     {definite: true},
}

// outcomeOf judges an error of the cluster. A code word that this build does not know counts as indefinite, which is always safe.
func outcomeOf(err wire.ReplyError) outcome { return outcomes[err.Code()] }
