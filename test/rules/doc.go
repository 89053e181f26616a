// Command rules takes the rules of the code out, one after the other, and demands that a test fails without each.
//
//	go run ./test/rules                     # all of them
//	go run ./test/rules --only S7,S12/owner # those of a case, or one
//	go run ./test/rules --list              # what there is
//
// A rule is a line or two that stands against a numbered way in which a lock service breaks its promises (S1 to S38), or for an invariant of worker pools (I1 to I13). It is taken out by
// replacing text in a copy of its file (package internal/plant); the checkout is not touched. Then one test runs, which must fail by an assertion. A test that passes has not tested the rule; a
// replacement that does not compile, a test that hangs and one that breaks down are no failures but faults of the table, which says where a hang is what a missing rule is. First each test
// runs as the sources are, since the failing of a test that fails anyway means nothing.
//
// The table is package rule. Its own test, which is quick and part of go test ./..., fails when a rule's text has moved or its test has another name. A line is written for each rule as it ends, with
// what its test said first; the last line counts them. The exit status is 0 only if every test ended as it must.
package main
