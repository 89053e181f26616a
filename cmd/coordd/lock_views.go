package main

import (
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/coordd/coordd/client"
	"github.com/coordd/coordd/cmd/coordd/internal/table"
)

// The views are what --json writes: an interface for programs. Tokens are strings of digits, since many programs read numbers as doubles, and times are whole
// milliseconds.

// lockView is a name with what is known of it.
type lockView struct {
	Name          string       `json:"name"`
	State         string       `json:"state"`
	Mode          client.Mode  `json:"mode,omitempty"`
	Token         string       `json:"token"`
	RemainingMs   int64        `json:"remaining_ms"`
	Reserved      string       `json:"reserved,omitempty"`
	ReservedForMs int64        `json:"reserved_for_ms,omitempty"`
	Limit         int          `json:"limit,omitempty"`
	Used          int          `json:"used,omitempty"`
	Queued        int          `json:"queued"`
	Holder        string       `json:"holder,omitempty"`
	HoldersTotal  int          `json:"holders_total"`
	Holders       []holderView `json:"holders,omitempty"`
	Waiters       []waiterView `json:"waiters,omitempty"`
}

// partyView is who holds, held or waits.
type partyView struct {
	Session  string      `json:"session"`
	Owner    string      `json:"owner,omitempty"`
	Client   string      `json:"client,omitempty"`
	Hold     string      `json:"hold"`
	Mode     client.Mode `json:"mode"`
	Permits  int         `json:"permits,omitempty"`
	Metadata string      `json:"metadata,omitempty"`
}

type holderView struct {
	partyView
	Token       string `json:"token"`
	Count       int    `json:"count"`
	HeldMs      int64  `json:"held_ms"`
	WaitedMs    int64  `json:"waited_ms"`
	RemainingMs int64  `json:"remaining_ms"`
	MaxHoldMs   int64  `json:"max_hold_ms,omitempty"`
	Kept        string `json:"kept,omitempty"`
}

type waiterView struct {
	partyView
	Place     int   `json:"place"`
	WaitingMs int64 `json:"waiting_ms"`
}

type pastHolderView struct {
	partyView
	Token    string `json:"token"`
	WaitedMs int64  `json:"waited_ms"`
	HeldMs   int64  `json:"held_ms"`
	Ended    string `json:"ended"`
	Actor    string `json:"actor,omitempty"`
	Why      string `json:"why,omitempty"`
}

func viewOfLock(info client.LockInfo) lockView {
	view := lockView{
		Name: info.Name, State: info.State, Mode: info.Mode, Token: tokenText(info.Token), RemainingMs: info.Remaining.Milliseconds(), Reserved: info.Reserved,
		ReservedForMs: info.ReservedFor.Milliseconds(), Limit: info.Limit, Used: info.Used, Queued: info.Queued, Holder: info.Holder, HoldersTotal: info.HoldersAll,
	}
	for _, h := range info.Holders {
		view.Holders = append(view.Holders, holderView{
			partyView: partyView{h.Session, h.Owner, h.Client, h.ID, h.Mode, h.Permits, h.Metadata}, Token: tokenText(h.Token), Count: h.Count,
			HeldMs: h.Held.Milliseconds(), WaitedMs: h.Waited.Milliseconds(), RemainingMs: h.Remaining.Milliseconds(), MaxHoldMs: h.MaxHold.Milliseconds(), Kept: h.Kept,
		})
	}
	for _, w := range info.Waiters {
		view.Waiters = append(view.Waiters, viewOfWaiter(w))
	}
	return view
}

func viewOfWaiter(w client.Waiter) waiterView {
	return waiterView{partyView{w.Session, w.Owner, w.Client, w.ID, w.Mode, w.Permits, w.Metadata}, w.Place, w.Waiting.Milliseconds()}
}

func viewOfPast(p client.PastHolder) pastHolderView {
	return pastHolderView{
		partyView: partyView{p.Session, p.Owner, p.Client, p.ID, p.Mode, p.Permits, p.Metadata}, Token: tokenText(p.Token),
		WaitedMs: p.Waited.Milliseconds(), HeldMs: p.Held.Milliseconds(), Ended: p.Reason, Actor: p.Actor, Why: p.Why,
	}
}

func tokenText(token uint64) string { return strconv.FormatUint(token, 10) }

// tokenCell shows no token as a dash.
func tokenCell(token uint64) table.Cell {
	if token == 0 {
		return table.Plain("")
	}
	return table.Plain(tokenText(token))
}

// partyCell names somebody in as few words as tell who it is: the process' own name, or else its session.
func partyCell(clientName, session string) table.Cell {
	switch {
	case clientName != "":
		return table.Plain(printable(clientName))
	case session != "":
		return table.Plain("session " + session)
	}
	return table.Plain("nobody's session")
}

// span writes a time: to the millisecond below a second, to the tenth below ten, and in its two largest units above.
func span(d time.Duration) string {
	switch {
	case d < time.Second:
		return fmt.Sprintf("%dms", d.Milliseconds())
	case d < 10*time.Second:
		return fmt.Sprintf("%.1fs", d.Truncate(100*time.Millisecond).Seconds())
	}
	return age(d)
}

// spanCell shows no time as a dash.
func spanCell(d time.Duration) table.Cell {
	if d == 0 {
		return table.Plain("")
	}
	return table.Plain(span(d))
}

// printable is text of others as it may stand on a terminal: a control character could move the cursor or worse.
func printable(text string) string {
	if strings.IndexFunc(text, func(r rune) bool { return !strconv.IsPrint(r) }) < 0 {
		return text
	}
	quoted := strconv.Quote(text)
	return quoted[1 : len(quoted)-1]
}

// stateCell is a lock's state, with the reason of a reservation.
func stateCell(info client.LockInfo) table.Cell {
	if info.Reserved != "" {
		return table.Bad("reserved (" + info.Reserved + ")")
	}
	if info.State == "held" {
		return table.Good(info.State)
	}
	return table.Plain(info.State)
}

// leftCell is how long a lock is taken without a renewal.
func leftCell(info client.LockInfo) table.Cell {
	if info.ReservedFor > 0 {
		return table.Plain(span(info.ReservedFor))
	}
	return spanCell(info.Remaining)
}

// modeCell shows how many permits of a semaphore are in use.
func modeCell(info client.LockInfo) table.Cell {
	if info.Mode == client.ModeSemaphore {
		return table.Plain(fmt.Sprintf("%s %d/%d", info.Mode, info.Used, info.Limit))
	}
	return table.Plain(string(info.Mode))
}
