package nemesis

import (
	"context"
	"os"
	"path/filepath"

	"github.com/coordd/coordd/test/jepsen-lite/cluster"
)

var diskNemeses = []Nemesis{
	{Name: "disk-full", Row: 20, Needs: tmpfs, About: "the disk of one node, or of the leader, is full; the others go on, and the node comes back when there is room",
		Inject: diskFull},
}

func tmpfs(host Host) string {
	switch {
	case host.Tmpfs:
		return ""
	case !host.Root:
		return "disk-full needs root, to put each data directory on a tmpfs of limited size"
	}
	return "disk-full needs data directories on tmpfs, and mounting one failed here"
}

// balloonChunk is how much a balloon grows at once, while there is room.
const balloonChunk = 64 << 10

func diskFull(ctx context.Context, env *Env) error {
	victim := env.anyNode()
	if env.Random.IntN(2) == 0 {
		victim = env.leader(ctx)
	}
	env.Printf("fill the disk of %s", victim.Name)
	path := filepath.Join(victim.DataDir, "balloon")
	env.balloons = append(env.balloons, path)
	if err := inflate(path); err != nil {
		return err
	}
	return cluster.Pause(ctx, env.Hold)
}

// inflate fills the file system that the path lies on, to its last block.
func inflate(path string) error {
	balloon, err := os.Create(path)
	if err != nil {
		return err
	}
	defer balloon.Close()
	for size := balloonChunk; size > 0; {
		if _, err := balloon.Write(make([]byte, size)); err != nil {
			size /= 2 // full: try whether a smaller piece still fits
		}
	}
	return nil
}

// deflate removes what fills disks.
func (e *Env) deflate() {
	for _, path := range e.balloons {
		_ = os.Remove(path) // it may be gone with a wiped disk
	}
	e.balloons = nil
}
