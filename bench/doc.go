// Command bench measures how many locks can be taken and released in a second,
// and how long one such cycle takes, through
//
//	coordd         bsm/redislock on three coordd processes
//	raft           raft.Apply alone, on three processes with the same log store:
//	               two applies a cycle, no network between client and leader
//	redsync-sync   redsync over three redis-servers that fsync each write
//	redsync        redsync over three redis-servers as they come, without persistence
//
// All of them run at the same time and are measured in turns, again and again,
// so that whatever else the machine does meets all of them alike. Clients,
// servers and load share one machine: the numbers compare, they do not boast.
package main
