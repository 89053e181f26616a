package main

import (
	"bytes"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
)

func TestTheProgramThatPeopleRunHasNoFailpoints(t *testing.T) {
	if testing.Short() {
		t.Skip("builds the program twice")
	}
	has := func(arguments ...string) bool {
		path := filepath.Join(t.TempDir(), "coordd")
		build := exec.Command("go", append(append([]string{"build", "-o", path}, arguments...), ".")...)
		if output, err := build.CombinedOutput(); err != nil {
			t.Fatalf("%v\n%s", err, output)
		}
		program, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		return bytes.Contains(program, []byte("COORDD_FAIL"+"POINTS")) || bytes.Contains(program, []byte("internal/fail"+"points"))
	}
	if has() {
		t.Error("coordd, built as people build it, contains the failpoints of tests")
	}
	if !has("-tags", "failpoints") {
		t.Error("with the tag they are not found either, so this test proves nothing")
	}
}
