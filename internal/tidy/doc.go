// Package tidy is this project's lint, written as Go tests, so that it runs with "go test ./..." and needs nothing installed.
//
// A [Tree] is the source of a checkout, read once. Each [Check] walks it and returns findings, and a finding says what is wrong, where, and why the rule
// is there: the reader of a red test should learn the rule from it. The checks are
//
//   - arrows: which package may import which, so that the machine stays pure and the client stays small
//   - purity: no clock, randomness, goroutine, I/O, unordered iteration or fusable float arithmetic in fsm and ring, since replicas must not differ
//   - docs: every package tells its story in doc.go, every exported name is documented
//   - size: files and functions that fit in a head
//   - words: nothing left open, no secrets, no path or registry of somebody's machine
//   - format: gofmt
//   - links: every relative link in the documentation leads somewhere
//   - safety: every safety case has a test that carries its number
//
// Each check has a folder under testdata with a small tree that breaks its rule and the findings it must give, so that no check passes because it
// looks at nothing. Fixture files carry the extra ending ".txt", which keeps them away from the go command and from the checks themselves.
//
// An exception is a line in allowances.go with its reason; one that is no longer needed fails the test.
package tidy
