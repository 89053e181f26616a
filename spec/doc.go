// Package spec holds a model on paper of what coordd puts on top of Raft, lease.pml, and the tests that let spin search it. README.md tells what is modelled.
package spec
