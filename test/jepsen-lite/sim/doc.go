// Command sim plays whole coordd clusters through seeds, thousands of them in minutes, and looks for broken promises.
//
//	go run ./test/jepsen-lite/sim --seeds 10000     play seeds 1 to 10000
//	go run ./test/jepsen-lite/sim --repeat 4711     play one seed again and tell what happens
//
// Package world says what a play is and what is checked, package exact how a play can be repeated exactly. README.md tells what was found, what is not covered, and
// how it was shown that planted errors are found.
package main
