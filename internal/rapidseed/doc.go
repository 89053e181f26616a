// Package rapidseed makes property tests draw the same examples in every run. Importing it, for its effect alone, from a package's tests is enough:
//
//	import _ "github.com/coordd/coordd/internal/rapidseed"
//
// A change is judged by what it does, not by which seed its run happened to draw, so a red test is red again when it is looked at. New examples are searched for on
// purpose, with many of them and a seed of zero, which means another one each time:
//
//	go test ./fsm -rapid.seed=0 -rapid.checks=20000
//
// or "make soak" for every package at once. What that finds becomes a test of its own.
package rapidseed
