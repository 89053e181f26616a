package httpapi

import (
	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"

	"github.com/coordd/coordd/transport"
)

// RegisterMetrics adds to a node's registry what this door knows: gauges from the node's status, the build, the Go runtime and the process.
// It panics, as prometheus.Registerer.MustRegister does, when a name is taken.
func RegisterMetrics(registry prometheus.Registerer, node StatusSource, build Build) {
	registry.MustRegister(
		&statusCollector{node: node, build: build},
		collectors.NewGoCollector(),
		collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}),
	)
}

// gauge is one number read out of a status.
type gauge struct {
	description *prometheus.Desc
	read        func(transport.Status) float64
}

func newGauge(name, help string, read func(transport.Status) float64) gauge {
	return gauge{prometheus.NewDesc(name, help, nil, nil), read}
}

// statusGauges are read at each scrape from one Status, so they agree with each other.
var statusGauges = []gauge{
	newGauge("coordd_ready", "1 when this node can serve requests.", func(s transport.Status) float64 { return boolean(s.Ready) }),
	newGauge("coordd_is_leader", "1 while this node is the leader.", func(s transport.Status) float64 { return boolean(s.Role == transport.RoleLeader) }),
	newGauge("coordd_has_leader", "1 while this node knows a leader.", func(s transport.Status) float64 { return boolean(s.LeaderID != "") }),
	newGauge("coordd_term", "Raft term this node is in.", func(s transport.Status) float64 { return float64(s.Term) }),
	newGauge("coordd_commit_index", "Highest log index known to be committed.", func(s transport.Status) float64 { return float64(s.CommitIndex) }),
	newGauge("coordd_applied_index", "Highest log index the state machine has run.", func(s transport.Status) float64 { return float64(s.AppliedIndex) }),
	newGauge("coordd_last_log_index", "Highest log index in this node's log.", func(s transport.Status) float64 { return float64(s.LastIndex) }),
	newGauge("coordd_replicated_time_seconds", "Replicated time of the applied state; it stands still while nothing can commit.", func(s transport.Status) float64 { return float64(s.NowMs) / 1000 }),
	newGauge("coordd_sessions", "Live sessions.", func(s transport.Status) float64 { return float64(s.Sessions) }),
	newGauge("coordd_locks", "Native locks that are held.", func(s transport.Status) float64 { return float64(s.Locks) }),
	newGauge("coordd_names", "Names in all databases.", func(s transport.Status) float64 { return float64(s.Names) }),
	newGauge("coordd_waiters", "Waiting acquires.", func(s transport.Status) float64 { return float64(s.Waiters) }),
	newGauge("coordd_members", "Servers of the committed configuration.", func(s transport.Status) float64 { return float64(len(s.Members)) }),
	newGauge("coordd_voters", "Voters of the committed configuration.", func(s transport.Status) float64 { return float64(s.Voters()) }),
	newGauge("coordd_start_time_seconds", "Unix time at which this node started.", startSeconds),
}

func startSeconds(s transport.Status) float64 {
	if s.StartedAt.IsZero() {
		return 0
	}
	return float64(s.StartedAt.UnixMilli()) / 1000
}

func boolean(yes bool) float64 {
	if yes {
		return 1
	}
	return 0
}

var buildDescription = prometheus.NewDesc("coordd_build_info", "Always 1; the labels say what was built.", []string{"version", "go_version"}, nil)

// statusCollector turns a node's status into metrics.
type statusCollector struct {
	node  StatusSource
	build Build
}

// Describe implements prometheus.Collector.
func (c *statusCollector) Describe(descriptions chan<- *prometheus.Desc) {
	descriptions <- buildDescription
	for _, g := range statusGauges {
		descriptions <- g.description
	}
}

// Collect implements prometheus.Collector.
func (c *statusCollector) Collect(metrics chan<- prometheus.Metric) {
	metrics <- prometheus.MustNewConstMetric(buildDescription, prometheus.GaugeValue, 1, c.build.Version, c.build.GoVersion)
	status := c.node.Status()
	for _, g := range statusGauges {
		metrics <- prometheus.MustNewConstMetric(g.description, prometheus.GaugeValue, g.read(status))
	}
}
