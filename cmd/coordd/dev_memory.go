package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"github.com/coordd/coordd/cmd/coordd/internal/options"
)

// devMemoryFile is where a kept data directory remembers the cluster it holds.
const devMemoryFile = "dev.json"

// devMemory is what a second start must do as the first did: the cluster's configuration, which is in its log, names these peer addresses.
type devMemory struct {
	PeerAddresses []string `json:"peer_addresses"`
}

// recallDev reads what the data directory remembers; nothing when it is new or temporary.
func recallDev(dataDir string) (*devMemory, error) {
	if dataDir == "" {
		return nil, nil
	}
	path := filepath.Join(dataDir, devMemoryFile)
	text, err := os.ReadFile(path)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, failWith(exitCannotMake, fmt.Errorf("the data directory cannot be used: %w", err))
	}
	memory := &devMemory{}
	if err := json.Unmarshal(text, memory); err != nil || len(memory.PeerAddresses) == 0 {
		return nil, failWith(exitCannotMake, fmt.Errorf("%s is damaged; it names the peer addresses of the nodes in this directory", path))
	}
	return memory, nil
}

// check refuses another number of nodes than the directory holds.
func (m *devMemory) check(nodes int) error {
	if m != nil && len(m.PeerAddresses) != nodes {
		return options.Configf("this data directory holds %d nodes, not %d: give --nodes %d, or another --data-dir", len(m.PeerAddresses), nodes, len(m.PeerAddresses))
	}
	return nil
}

// peerAddress is where the i-th node's peer port must be. wanted is what the flags say; port 0 leaves the choice open.
func (m *devMemory) peerAddress(i int, wanted string) (string, error) {
	switch {
	case m == nil || wanted == m.PeerAddresses[i]:
		return wanted, nil
	case strings.HasSuffix(wanted, ":0"):
		return m.PeerAddresses[i], nil
	}
	return "", options.Configf("node n%d in this data directory is known to the others as %s, and cannot move to %s: give the --peer-port and --port-offset of its first start, or --peer-port 0",
		i+1, m.PeerAddresses[i], wanted)
}

// rememberDev writes down the peer addresses, before the first node starts.
func rememberDev(dataDir string, plans []plan) error {
	if dataDir == "" {
		return nil
	}
	memory := devMemory{}
	for _, p := range plans {
		memory.PeerAddresses = append(memory.PeerAddresses, p.node.PeerAddress)
	}
	text, err := json.Marshal(memory)
	if err == nil {
		err = os.WriteFile(filepath.Join(dataDir, devMemoryFile), append(text, '\n'), 0o600)
	}
	return failWith(exitCannotMake, err)
}
