// Package clienttest gives the tests of a program that takes locks a cluster of its own: real nodes with real elections in the memory of the test's process, in
// milliseconds and without a port.
//
//	func TestReportStopsWhenItsLockIsLost(t *testing.T) {
//		cluster := clienttest.Start(t)
//		session := cluster.Session()
//		done := make(chan error)
//		go func() { done <- writeReports(session) }()   // the program's own code
//		cluster.ExpireSession(session)
//		if err := <-done; !errors.Is(err, client.ErrLost) { ... }
//	}
//
// A program under test connects with [Cluster.Options], or is given a [Cluster.Client] or [Cluster.Session]. Then the test lets happen what it wants to see:
// [Cluster.Advance] lets time pass, [Cluster.KillLeader] crashes the leader, [Cluster.ExpireSession] takes a session away, [Cluster.CutOff] separates the clients from the cluster until
// [Cluster.Reconnect].
//
// # Bubbles
//
// It works in ordinary tests and in bubbles of testing/synctest. In a bubble, Start belongs inside; time passes there by itself whenever everybody waits, an hour takes as little as there is to do
// in it, and Advance is only a sleep. Outside, Advance moves the clocks of the nodes and of the clients in small steps and lets the keepalives that are due pass, at about
// ten milliseconds for a second.
//
// The nodes keep everything in memory and crash without mercy, so it is a real test of a program, and none of the machines that the program will run on.
package clienttest
