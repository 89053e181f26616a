// Package metrics holds the counters of one node, and hands them to Prometheus.
//
// The node adds to them from many goroutines; a scrape reads them. Nothing here decides anything.
package metrics
