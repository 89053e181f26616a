// Command testreport reads what go test -json prints and prints what go test prints without it, and then what that leaves out: how many tests ran, which were
// skipped and why, and how long it all took. A skipped test is no passed test, and a line among a thousand others is not seen.
//
//	go test -json ./... | go run ./internal/testreport --aim 240s
//
// It ends with status 1 if a test or a package failed, if a package did not come to its end, or if no test ran. Use it with the shell's pipefail, so that go
// test's own status counts too.
package main
