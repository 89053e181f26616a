// Package command holds what travels: the typed commands that doors make out of requests, the replies they get, and the bytes in which both lie in
// the log and in snapshots.
//
// It is the contract between the rooms. A door turns a request into one [Op]; a node numbers it ([Request]) and hands it to the leader; the leader seals
// many of them into one [Entry]; the machine of package fsm runs them in order and answers one [Reply] each. Nothing here acts: no clock, no
// I/O, no randomness, only values and their encoding.
//
// The log format is hand-written, canonical and append-only: a [Kind] is never reused and every version ever released decodes for ever. It is
// specified in fsm/DESIGN.md and pinned by golden files.
package command
