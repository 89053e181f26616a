// Package bent is the clock of a client process that a nemesis bends. The client library measures leases with it; the history never does: its instants are those of the one true clock that all processes
// share, and what a holder believes by a bent clock is told in true time.
package bent
