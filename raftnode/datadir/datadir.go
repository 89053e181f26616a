package datadir

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"sync"
	"syscall"
)

// Names in the directory.
const (
	identityFile = "identity.json"
	lockFile     = "LOCK"
	raftDir      = "raft"
)

// leastFreeBytes is how much room the file system must have at start. A node that starts on a full disk would stop at its first entry.
const leastFreeBytes = 16 << 20

// Options says which directory, and what the operator believes about it.
type Options struct {
	Path string
	// ClusterName is given to an empty directory; a directory that has one refuses any other.
	ClusterName string
	// NodeID is the operator's choice of id for an empty directory; a random UUID is made when it is empty. A directory that has an id
	// refuses any other. A chosen id must never have been used before: the cluster refuses an empty directory under a known id.
	NodeID string
}

// Dir is an open, locked data directory. Its methods may be called from many goroutines.
type Dir struct {
	path     string
	lock     *os.File
	wasEmpty bool

	mu       sync.Mutex
	identity Identity
}

// Open makes or opens the directory, locks it against other processes, and counts the start.
func Open(options Options) (*Dir, error) {
	if options.ClusterName == "" {
		return nil, errors.New("a data directory needs the name of its cluster")
	}
	if options.NodeID != "" && !nodeIDForm.MatchString(options.NodeID) {
		return nil, fmt.Errorf("node id %q must have 1 to 64 letters, digits, dots, dashes or underscores", options.NodeID)
	}
	if err := prepare(options.Path); err != nil {
		return nil, explain(options.Path, err)
	}
	lock, err := lockDirectory(filepath.Join(options.Path, lockFile))
	if err != nil {
		return nil, explain(options.Path, err)
	}
	dir := &Dir{path: options.Path, lock: lock}
	if err := dir.begin(options); err != nil {
		return nil, errors.Join(explain(options.Path, err), lock.Close())
	}
	return dir, nil
}

// prepare makes the directory, or checks the one that is there, and leaves it readable by its owner alone.
func prepare(path string) error {
	if path == "" {
		return errors.New("no data directory was given")
	}
	info, err := os.Stat(path)
	if errors.Is(err, os.ErrNotExist) {
		if err := os.MkdirAll(path, 0o700); err != nil {
			return err
		}
		info, err = os.Stat(path)
	}
	if err != nil {
		return err
	}
	if !info.IsDir() {
		return syscall.ENOTDIR
	}
	if info.Mode().Perm()&0o077 != 0 {
		if err := os.Chmod(path, 0o700); err != nil {
			return fmt.Errorf("others can read it, and that cannot be changed: %w", err)
		}
	}
	return checkFree(path)
}

// begin reads or makes the identity and counts the start.
func (d *Dir) begin(options Options) error {
	identity, found, err := readIdentity(d.file(identityFile))
	if err != nil {
		return err
	}
	if !found {
		if identity, err = d.firstIdentity(options); err != nil {
			return err
		}
		d.wasEmpty = true
	}
	switch {
	case identity.ClusterName != options.ClusterName:
		return fmt.Errorf("it belongs to a node of cluster %q, not of %q; name the right directory or the right cluster", identity.ClusterName, options.ClusterName)
	case options.NodeID != "" && identity.NodeID != options.NodeID:
		return fmt.Errorf("it belongs to node %s, not to %s; a node keeps its id as long as its data directory", identity.NodeID, options.NodeID)
	}
	identity.Starts++
	if err := writeIdentity(d.file(identityFile), identity); err != nil {
		return err
	}
	d.identity = identity
	return nil
}

// firstIdentity is the identity of an empty directory.
func (d *Dir) firstIdentity(options Options) (Identity, error) {
	if left, err := os.ReadDir(d.RaftDir()); err == nil && len(left) > 0 {
		return Identity{}, fmt.Errorf("it holds a Raft log but no %s; it was copied or cleaned in part, replace this node by one with an empty data directory", identityFile)
	}
	id := options.NodeID
	if id == "" {
		id = newNodeID()
	}
	return Identity{FormatVersion: FormatVersion, NodeID: id, ClusterName: options.ClusterName}, nil
}

func (d *Dir) file(name string) string { return filepath.Join(d.path, name) }

// Identity is what the directory remembers now.
func (d *Dir) Identity() Identity {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.identity.clone()
}

// WasEmpty reports whether this Open made the identity.
func (d *Dir) WasEmpty() bool { return d.wasEmpty }

// RaftDir is where the stores go.
func (d *Dir) RaftDir() string { return d.file(raftDir) }

// SetClusterID records the cluster that the node belongs to. It refuses to change one.
func (d *Dir) SetClusterID(id string) error {
	return d.change(func(identity *Identity) error {
		if id == "" {
			return errors.New("a cluster id is not empty")
		}
		if identity.ClusterID != "" && identity.ClusterID != id {
			return fmt.Errorf("node %s belongs to cluster %s and cannot join %s; a node with an empty data directory can", identity.NodeID, identity.ClusterID, id)
		}
		identity.ClusterID = id
		return nil
	})
}

// SetPromise records the founding promise. It refuses to change one, and to make one in a node that belongs to a cluster.
func (d *Dir) SetPromise(promise Promise) error {
	return d.change(func(identity *Identity) error {
		if identity.Promise != nil && identity.Promise.Equal(promise) {
			return nil
		}
		if identity.Promise != nil {
			return fmt.Errorf("node %s has promised to found a cluster with %v and promises once; to found another, empty its data directory", identity.NodeID, identity.Promise.Members)
		}
		if identity.ClusterID != "" {
			return fmt.Errorf("node %s belongs to cluster %s and founds no other", identity.NodeID, identity.ClusterID)
		}
		kept := Identity{Promise: &promise}.clone()
		identity.Promise = kept.Promise
		return nil
	})
}

// SetFounded records, in one write, that this node founds the cluster of this id, by the promise made before.
func (d *Dir) SetFounded(clusterID string) error {
	return d.change(func(identity *Identity) error {
		if identity.Promise == nil {
			return errors.New("a node cannot found a cluster that it has not promised to found")
		}
		if clusterID == "" || identity.ClusterID != "" && identity.ClusterID != clusterID {
			return fmt.Errorf("node %s belongs to cluster %q and cannot found %q", identity.NodeID, identity.ClusterID, clusterID)
		}
		identity.ClusterID, identity.Founder = clusterID, true
		return nil
	})
}

// SetBootstrapped records on the founder that Raft's first configuration is written.
func (d *Dir) SetBootstrapped() error {
	return d.change(func(identity *Identity) error {
		if !identity.Founder {
			return errors.New("only the founder writes the first configuration")
		}
		identity.Bootstrapped = true
		return nil
	})
}

// change alters the identity on disk and then in memory.
func (d *Dir) change(alter func(*Identity) error) error {
	d.mu.Lock()
	defer d.mu.Unlock()
	next := d.identity.clone()
	if err := alter(&next); err != nil {
		return err
	}
	if err := writeIdentity(d.file(identityFile), next); err != nil {
		return explain(d.path, err)
	}
	d.identity = next
	return nil
}

// Close releases the lock.
func (d *Dir) Close() error { return d.lock.Close() }

// explain says what an error means for the directory and what to do.
func explain(path string, err error) error {
	advice := ""
	switch {
	case errors.Is(err, syscall.ENOSPC), errors.Is(err, syscall.EDQUOT):
		advice = "; the disk is full, make room and start again"
	case errors.Is(err, syscall.EACCES), errors.Is(err, syscall.EPERM):
		advice = "; this user must own the directory"
	case errors.Is(err, syscall.EROFS):
		advice = "; the file system is read-only"
	case errors.Is(err, syscall.ENOTDIR):
		advice = "; it must be a directory"
	}
	return fmt.Errorf("data directory %s: %w%s", path, err, advice)
}
