// Command etcdserver is etcd as its module builds it, for the comparison.
package main
