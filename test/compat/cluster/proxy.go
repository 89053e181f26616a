package cluster

import (
	"context"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"time"

	"github.com/coordd/coordd/internal/freeport"
	"github.com/coordd/coordd/internal/process"
)

// proxyConfig is what a plain TCP load balancer would be told: any node that
// accepts connections is as good as the others.
const proxyConfig = `global
    nbthread 1
    maxconn 4000
defaults
    mode tcp
    timeout connect 500ms
    timeout client 1h
    timeout server 1h
    retries 3
    option redispatch 1
frontend clients
    bind %s
    default_backend nodes
backend nodes
    balance roundrobin
    default-server check inter 250ms fall 2 rise 1
%s`

// ProxyMissing explains, when haproxy is not installed, what then happens.
func ProxyMissing() string {
	if _, err := exec.LookPath("haproxy"); err == nil {
		return ""
	}
	return "haproxy is not installed (Debian: apt-get install haproxy); clients are given one node's own address, and that node's death is not hidden from them"
}

// startProxy puts the load balancer in front of the nodes. Without haproxy the
// cluster's address is that of its first node.
func (c *Cluster) startProxy(ctx context.Context, group *process.Group, folder string) error {
	path, err := exec.LookPath("haproxy")
	if err != nil {
		c.Address = c.Nodes[0].RedisAddr
		return nil
	}
	address, err := freeport.Address()
	if err != nil {
		return err
	}
	var servers strings.Builder
	for _, node := range c.Nodes {
		fmt.Fprintf(&servers, "    server %s %s\n", node.Name, node.RedisAddr)
	}
	configPath := filepath.Join(folder, "haproxy.cfg")
	if err := os.WriteFile(configPath, fmt.Appendf(nil, proxyConfig, address, servers.String()), 0o644); err != nil {
		return err
	}
	child, err := group.Start(process.Spec{Name: "haproxy", Path: path, Args: []string{"-db", "-f", configPath}})
	if err != nil {
		return err
	}
	c.Address = address
	return waitListening(ctx, child, address)
}

func waitListening(ctx context.Context, child *process.Process, address string) error {
	ctx, cancel := context.WithTimeout(ctx, 10*time.Second)
	defer cancel()
	for {
		conn, err := net.DialTimeout("tcp", address, time.Second)
		if err == nil {
			return conn.Close()
		}
		select {
		case <-child.Exited():
			return child.Wait(ctx)
		case <-ctx.Done():
			return fmt.Errorf("%s does not listen on %s: %w", child.Name, address, err)
		case <-time.After(20 * time.Millisecond):
		}
	}
}
