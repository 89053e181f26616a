package nemesis

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"github.com/coordd/coordd/internal/committed"
	"github.com/coordd/coordd/test/jepsen-lite/cluster"
)

var rotNemeses = []Nemesis{
	{Name: "bit-flip", Row: 24, MinNodes: 3, About: "while one node is down, a bit of an entry of its log, or of a snapshot, turns; it may notice or not need it, but must tell nobody something else than the others; then it is replaced",
		Inject: bitFlip},
	{Name: "torn-tail", Row: 24, MinNodes: 3, About: "while one node is down, its log loses its end, or gets zeros there; it comes back and learns what it forgot, or is replaced",
		Inject: tornTail},
}

// Kept is the log of a node that is no more, for the comparison with those of the others.
type Kept struct {
	Name    string
	Entries []committed.Entry
}

// Excuse is a part of a node's log file, from one byte to another, in which it may tell that it crashed: its disk lied to it.
type Excuse struct {
	Path     string
	From, To int64
}

// excuse begins one, which Heal ends.
func (e *Env) excuse(node *cluster.Node) {
	e.Excused = append(e.Excused, Excuse{Path: node.Log(), From: sizeOf(node.Log()), To: -1})
}

// endExcuses is called when all nodes are whole again.
func (e *Env) endExcuses() {
	for i := range e.Excused {
		if e.Excused[i].To < 0 {
			e.Excused[i].To = sizeOf(e.Excused[i].Path)
		}
	}
}

func sizeOf(path string) int64 {
	info, err := os.Stat(path)
	if err != nil {
		return 0
	}
	return info.Size()
}

func bitFlip(ctx context.Context, env *Env) error {
	victim := env.anyNode()
	env.excuse(victim)
	victim.Kill()
	files, err := storeFiles(victim.DataDir)
	if err != nil {
		return err
	}
	file := files[env.Random.IntN(len(files))]
	place, err := env.flip(file)
	if err != nil {
		return err
	}
	env.absent = append(env.absent, victim) // whatever happens, it is replaced
	env.Printf("a bit of %s of %s turns, at byte %d", filepath.Base(file), victim.Name, place)
	return env.trySpoiled(ctx, victim, true)
}

// trySpoiled starts a node whose disk lied, looks what becomes of it, and replaces it if it must.
func (e *Env) trySpoiled(ctx context.Context, victim *cluster.Node, always bool) error {
	if err := victim.Start(); err != nil {
		return err
	}
	wait, cancel := context.WithTimeout(ctx, e.Hold)
	defer cancel()
	err := e.Cluster.WaitReady(wait, victim)
	if ctx.Err() != nil {
		return context.Cause(ctx)
	}
	if err == nil {
		e.Printf("%s serves all the same", victim.Name)
		if !always {
			return nil
		}
		if err := cluster.Pause(ctx, e.Hold/2); err != nil {
			return err
		}
	} else {
		e.Printf("%s does not come back", victim.Name)
	}
	victim.Kill()
	entries, err := committed.Inspect(ctx, e.Cluster.Binary(), victim.DataDir)
	if err != nil {
		e.Printf("its log cannot be read to its end any more, which is noticed")
	} else {
		e.Kept = append(e.Kept, Kept{victim.ID(), entries})
	}
	if err := e.removeMember(ctx, victim); err != nil {
		return err
	}
	return e.comeBackEmpty(ctx, victim)
}

// flip turns one bit of a file, in a name that some workload gave, if there is one.
func (e *Env) flip(path string) (place int, err error) {
	content, err := os.ReadFile(path)
	if err != nil {
		return 0, err
	}
	var places []int
	for _, name := range e.Workloads {
		word := []byte(name + "/")
		for from := 0; ; {
			found := bytes.Index(content[from:], word)
			if found < 0 {
				break
			}
			from += found + len(word)
			places = append(places, from-1)
		}
	}
	if len(places) == 0 {
		return 0, fmt.Errorf("no entry of a workload was found in %s", path)
	}
	place = places[e.Random.IntN(len(places))]
	return place, overwrite(path, int64(place), []byte{content[place] ^ 1<<e.Random.IntN(8)})
}

func overwrite(path string, at int64, with []byte) error {
	file, err := os.OpenFile(path, os.O_WRONLY, 0)
	if err != nil {
		return err
	}
	_, err = file.WriteAt(with, at)
	return errors.Join(err, file.Close())
}

// storeFiles are the files with a node's log, and the states of its snapshots.
func storeFiles(folder string) (files []string, err error) {
	err = filepath.WalkDir(folder, func(path string, entry fs.DirEntry, err error) error {
		if err != nil || entry.IsDir() {
			return err
		}
		if name := entry.Name(); name == "raft.db" || name == "state.bin" || strings.HasSuffix(name, ".wal") {
			files = append(files, path)
		}
		return nil
	})
	if err == nil && len(files) == 0 {
		err = fmt.Errorf("%s holds no log", folder)
	}
	return files, err
}

// mostTorn is how many bytes a log loses at most.
const mostTorn = 2048

func tornTail(ctx context.Context, env *Env) error {
	victim := env.anyNode()
	env.excuse(victim)
	victim.Kill()
	files, err := storeFiles(victim.DataDir)
	if err != nil {
		return err
	}
	var file string // the last of the log's
	for _, path := range files {
		if filepath.Base(path) != "state.bin" && path > file {
			file = path
		}
	}
	content, err := os.ReadFile(file)
	if err != nil {
		return err
	}
	end := len(bytes.TrimRight(content, "\x00")) // what comes then was made ready and not written yet
	torn := min(end, 1+env.Random.IntN(mostTorn))
	env.Printf("the last %d bytes of %s of %s are torn off", torn, filepath.Base(file), victim.Name)
	env.absent = append(env.absent, victim)
	if env.Random.IntN(2) == 0 {
		err = os.Truncate(file, int64(end-torn))
	} else {
		err = overwrite(file, int64(end-torn), make([]byte, torn))
	}
	if err != nil {
		return err
	}
	if err := env.trySpoiled(ctx, victim, false); err != nil {
		return err
	}
	env.present(victim)
	return nil
}
