// Package lines is what a worker process says on its standard output: one JSON
// object a line. The Go, Python and Node workers write it, the driver reads it.
package lines
