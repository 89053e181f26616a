// Command sticky-proxy shows a reverse proxy that keeps each user on one backend, and what users see when a backend leaves, and when one dies.
//
// The program starts a lock service of three nodes in its own process, starts itself again as three backends, and runs a proxy before them. A backend keeps each user's visits in its memory, which only makes sense if
// a user always comes to the same one. Users then visit while a backend leaves and another is killed.
//
//	go run -C examples/sticky-proxy .
package main
