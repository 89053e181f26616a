package resp

import (
	"fmt"
	"os"
	"runtime"
	"strings"
	"time"

	"github.com/coordd/coordd/fsm/command"
)

func infoRows() []*row {
	return []*row{
		{name: "info", arity: -1, flags: "loading stale", categories: "@slow @dangerous", group: "server", usage: "[section ...]", handle: (*connection).info,
			summary: "Tells about this node, as Redis' INFO does, and about its cluster."},
		{name: "role", arity: 1, flags: "noscript loading stale fast", categories: "@admin @fast @dangerous", group: "server", handle: (*connection).role,
			summary: "Answers master: every node takes every command."},
	}
}

func (c *connection) role([][]byte) {
	c.reply(command.Array(bulk("master"), command.Integer(int64(c.server.config.Node.Status().CommitIndex)), command.Array()))
}

// infoSection is a part of INFO.
type infoSection struct {
	name  string // lower case
	title string
	lines func(s *Server) []string
}

var infoSections = []infoSection{
	{"server", "Server", serverInfo},
	{"clients", "Clients", clientsInfo},
	{"memory", "Memory", memoryInfo},
	{"persistence", "Persistence", persistenceInfo},
	{"stats", "Stats", statsInfo},
	{"replication", "Replication", replicationInfo},
	{"cluster", "Cluster", func(*Server) []string { return []string{"cluster_enabled:0"} }},
	{"coordd", "Coordd", coorddInfo},
}

func (c *connection) info(argv [][]byte) {
	wanted := map[string]bool{}
	for _, argument := range argv[1:] {
		wanted[strings.ToLower(string(argument))] = true
	}
	all := len(wanted) == 0 || wanted["all"] || wanted["everything"] || wanted["default"]
	var parts []string
	for _, section := range infoSections {
		if all || wanted[section.name] {
			parts = append(parts, "# "+section.title+"\r\n"+strings.Join(section.lines(c.server), "\r\n")+"\r\n")
		}
	}
	c.replyText(strings.Join(parts, "\r\n"))
}

func serverInfo(s *Server) []string {
	uptime := int(time.Since(s.started).Seconds())
	return []string{
		"redis_version:" + s.config.RedisVersion,
		"coordd_version:" + s.config.Version,
		"redis_mode:standalone",
		"os:" + runtime.GOOS + " " + runtime.GOARCH,
		"arch_bits:64",
		fmt.Sprintf("process_id:%d", os.Getpid()),
		"run_id:" + s.config.Node.Status().NodeID,
		fmt.Sprintf("uptime_in_seconds:%d", uptime),
		fmt.Sprintf("uptime_in_days:%d", uptime/86400),
	}
}

func clientsInfo(s *Server) []string {
	stats := s.Stats()
	return []string{
		fmt.Sprintf("connected_clients:%d", stats.Clients),
		fmt.Sprintf("maxclients:%d", s.config.MaxClients),
		fmt.Sprintf("blocked_clients:%d", stats.Blocked),
		"tracking_clients:0",
	}
}

func memoryInfo(*Server) []string {
	var memory runtime.MemStats
	runtime.ReadMemStats(&memory)
	return []string{
		fmt.Sprintf("used_memory:%d", memory.HeapAlloc),
		fmt.Sprintf("used_memory_rss:%d", memory.Sys),
		"maxmemory:0",
		"maxmemory_policy:noeviction",
	}
}

// persistenceInfo names the log an append-only file that is always fsynced, which is what it is. A node that knows no leader is one that loads.
func persistenceInfo(s *Server) []string {
	loading := 0
	if !s.config.Node.Status().Ready {
		loading = 1
	}
	return []string{
		fmt.Sprintf("loading:%d", loading),
		"rdb_bgsave_in_progress:0",
		"aof_enabled:1",
		"aof_rewrite_in_progress:0",
		"aof_last_write_status:ok",
	}
}

func statsInfo(s *Server) []string {
	stats := s.Stats()
	return []string{
		fmt.Sprintf("total_connections_received:%d", stats.ConnectionsReceived),
		fmt.Sprintf("total_commands_processed:%d", stats.Commands),
		fmt.Sprintf("rejected_connections:%d", stats.ConnectionsRejected),
		"evicted_keys:0",
	}
}

func replicationInfo(s *Server) []string {
	return []string{
		"role:master",
		"connected_slaves:0",
		"master_failover_state:no-failover",
		fmt.Sprintf("master_repl_offset:%d", s.config.Node.Status().CommitIndex),
	}
}

func coorddInfo(s *Server) []string {
	status := s.config.Node.Status()
	return []string{
		"node_id:" + status.NodeID,
		"cluster_id:" + status.ClusterID,
		"cluster_name:" + status.ClusterName,
		"raft_role:" + string(status.Role),
		"leader_id:" + status.LeaderID,
		fmt.Sprintf("term:%d", status.Term),
		fmt.Sprintf("commit_index:%d", status.CommitIndex),
		fmt.Sprintf("applied_index:%d", status.AppliedIndex),
		fmt.Sprintf("voters:%d", status.Voters()),
		fmt.Sprintf("sessions:%d", status.Sessions),
		fmt.Sprintf("locks:%d", status.Locks),
		fmt.Sprintf("names:%d", status.Names),
		fmt.Sprintf("waiters:%d", status.Waiters),
	}
}
