package datadir

import (
	"crypto/rand"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"slices"
)

// FormatVersion is the version of the directory's layout that this program writes.
const FormatVersion = 1

// maxIdentitySize bounds identity.json, in bytes.
const maxIdentitySize = 1 << 20

// Promise is a node's word that it founds a cluster with exactly these members, given once per data directory.
type Promise struct {
	// Members are ordered by id.
	Members []Member `json:"members"`
}

// Member is one of the founding nodes.
type Member struct {
	NodeID string `json:"node_id"`
	// Address is the host:port of the node's peer port.
	Address string `json:"address"`
}

// Equal reports whether two promises name the same members at the same addresses.
func (p Promise) Equal(other Promise) bool { return slices.Equal(p.Members, other.Members) }

// Identity is what the directory remembers about its node.
type Identity struct {
	FormatVersion int    `json:"format_version"`
	NodeID        string `json:"node_id"`
	ClusterName   string `json:"cluster_name"`
	// ClusterID is empty until the node belongs to a cluster.
	ClusterID string `json:"cluster_id,omitempty"`
	// Promise is nil until the node promised to found a cluster.
	Promise *Promise `json:"promise,omitempty"`
	// Founder is true on the node that writes Raft's first configuration for all.
	Founder bool `json:"founder,omitempty"`
	// Bootstrapped is true once that configuration is in the founder's log.
	Bootstrapped bool `json:"bootstrapped,omitempty"`
	// Starts counts how often the directory was opened.
	Starts uint64 `json:"starts"`
}

// clone copies an identity so that its caller may keep it.
func (i Identity) clone() Identity {
	if i.Promise != nil {
		i.Promise = &Promise{Members: slices.Clone(i.Promise.Members)}
	}
	return i
}

var nodeIDForm = regexp.MustCompile(`^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$`)

// newNodeID makes a random UUID.
func newNodeID() string {
	var random [16]byte
	_, _ = rand.Read(random[:])
	random[6] = random[6]&0x0f | 0x40
	random[8] = random[8]&0x3f | 0x80
	return fmt.Sprintf("%x-%x-%x-%x-%x", random[:4], random[4:6], random[6:8], random[8:10], random[10:])
}

// readIdentity reads identity.json. found is false when there is none.
func readIdentity(path string) (identity Identity, found bool, err error) {
	info, err := os.Stat(path)
	if errors.Is(err, os.ErrNotExist) {
		return Identity{}, false, nil
	}
	if err != nil {
		return Identity{}, false, err
	}
	if info.Size() > maxIdentitySize {
		return Identity{}, false, fmt.Errorf("%s has %d bytes, which no node writes", path, info.Size())
	}
	text, err := os.ReadFile(path)
	if err != nil {
		return Identity{}, false, err
	}
	if err := json.Unmarshal(text, &identity); err != nil {
		return Identity{}, false, fmt.Errorf("%s is damaged (%w); replace this node by one with an empty data directory", path, err)
	}
	switch {
	case identity.FormatVersion > FormatVersion:
		return Identity{}, false, fmt.Errorf("%s was written by a newer coordd (format %d, this one knows %d); start that one", path, identity.FormatVersion, FormatVersion)
	case identity.FormatVersion < 1 || !nodeIDForm.MatchString(identity.NodeID) || identity.ClusterName == "":
		return Identity{}, false, fmt.Errorf("%s is damaged; replace this node by one with an empty data directory", path)
	}
	return identity, true, nil
}

// writeIdentity puts a new identity.json in the place of the old one, all or nothing, and on disk before it returns.
func writeIdentity(path string, identity Identity) error {
	text, err := json.MarshalIndent(identity, "", "  ")
	if err != nil {
		return err
	}
	draft := path + ".tmp"
	if err := writeSynced(draft, append(text, '\n')); err != nil {
		return err
	}
	if err := os.Rename(draft, path); err != nil {
		return err
	}
	return syncDirectory(filepath.Dir(path))
}

// writeSynced writes a file and waits until the disk has it.
func writeSynced(path string, text []byte) error {
	file, err := os.OpenFile(path, os.O_WRONLY|os.O_CREATE|os.O_TRUNC, 0o600)
	if err != nil {
		return err
	}
	_, err = file.Write(text)
	if err == nil {
		err = file.Sync()
	}
	return errors.Join(err, file.Close())
}

// syncDirectory waits until the disk has the names in a directory.
func syncDirectory(path string) error {
	directory, err := os.Open(path)
	if err != nil {
		return err
	}
	return errors.Join(directory.Sync(), directory.Close())
}
