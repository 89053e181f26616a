// Package compare lets the same things go wrong for coordd and for other lock services, and counts what came of it: how often two clients held a lock at the same time, and how
// many updates of what the lock protects were lost, with and without looking at tokens.
//
// What is compared is what somebody gets who follows each service's own advice: redsync as it is, five Redis servers without persistence or a primary with a replica as Redis
// replicates by itself, and coordd's client.
//
// coordd is judged, by its clients and by the log that its nodes committed; so is the comparison itself, which is worth nothing when its faults hurt nobody.
package compare
