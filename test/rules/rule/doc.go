// Package rule is the table of the rules that stand against the numbered safety cases of a lock service and the invariants of worker pools: where each is in the code, how it is
// taken out, and which test must fail then.
//
// A rule is taken out by replacing texts that occur exactly once. Whoever changes such a line has moved the rule, and finds its new text for the table: the test of this package says which.
package rule
