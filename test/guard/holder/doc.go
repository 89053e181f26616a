// Package holder is a process that takes locks and writes under them, as it is told line by line on its standard input. It does what careless programs do: it writes with the token it was granted, whatever has
// become of the lock, so that only the resource stands between it and harm.
//
// [Run] is the process, [Start] starts one and [Holder] speaks to it.
package holder
