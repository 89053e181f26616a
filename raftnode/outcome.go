package raftnode

import (
	"reflect"

	"github.com/hashicorp/raft"
)

// outcomeOf waits for what becomes of something that Raft was asked for; ended is closed when Raft has ended, and the answer is then raft.ErrRaftShutdown. It must be the only one
// that waits for this future.
//
// Raft's main loop answers what it has taken; what still lies in one of Raft's channels when that loop ends is never answered, and Error would wait for it for ever. Each future
// has a ShutdownCh that Error watches too, and Raft itself sets it for some kinds only. It is an exported field of a type that is not exported, so it is set by reflection;
// a test fails when a version of the library has none.
func outcomeOf(future raft.Future, ended chan struct{}) error {
	watchEnd(future, ended)
	return future.Error()
}

// watchEnd sets the future's ShutdownCh, and reports whether it has one.
func watchEnd(future raft.Future, ended chan struct{}) bool {
	value := reflect.ValueOf(future)
	if value.Kind() != reflect.Pointer || value.Elem().Kind() != reflect.Struct {
		return false // it was answered when it was made
	}
	field := value.Elem().FieldByName("ShutdownCh")
	if !field.IsValid() || !field.CanSet() || field.Type() != reflect.TypeOf(ended) {
		return false
	}
	field.Set(reflect.ValueOf(ended))
	return true
}
