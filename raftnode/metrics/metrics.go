package metrics

import (
	"sync/atomic"
	"time"

	"github.com/prometheus/client_golang/prometheus"
)

// Metrics counts what one node does. New makes it; it is a prometheus.Collector. Every method may be called from any goroutine.
type Metrics struct {
	Commands         counter // commands that this node's machine ran, of all nodes' doors
	Entries          counter // log entries that this node's machine ran
	Sealed           counter // log entries that this node sealed as leader
	ReadRounds       counter // rounds that proved leadership, as leader
	Reads            counter // read requests answered in those rounds
	Forwarded        counter // commands and reads that this node sent to another one
	Again            counter // commands proposed anew, because they would have given a name a second owner in one entry or were sealed in another term
	Resent           counter // commands sent again under their numbers after a failure
	LeaderChanges    counter // new leaders this node saw
	SurplusDroppedMs counter // ms of leader time that were dropped because nothing had committed
	Busy             counter // requests refused because too much was under way
	UnknownOutcomes  counter // requests whose fate could not be told
	EarlyElections   counter // elections this node stood for because its leader's process had visibly died

	queued atomic.Int64
	apply  prometheus.Histogram
	commit prometheus.Histogram
	entry  prometheus.Histogram
}

// counter is a number that only grows.
type counter struct{ value atomic.Uint64 }

// Add raises the counter.
func (c *counter) Add(n int) { c.value.Add(uint64(n)) }

// Load reads it.
func (c *counter) Load() uint64 { return c.value.Load() }

// New makes metrics that start at zero.
func New() *Metrics {
	return &Metrics{
		apply: prometheus.NewHistogram(prometheus.HistogramOpts{
			Name: "coordd_apply_seconds", Help: "How long this node's machine took to run one log entry.",
			Buckets: prometheus.ExponentialBuckets(10e-6, 4, 9),
		}),
		commit: prometheus.NewHistogram(prometheus.HistogramOpts{
			Name: "coordd_commit_seconds", Help: "How long an entry took from its sealing until this leader's machine had run it.",
			Buckets: prometheus.ExponentialBuckets(100e-6, 2, 15),
		}),
		entry: prometheus.NewHistogram(prometheus.HistogramOpts{
			Name: "coordd_entry_commands", Help: "Commands in a log entry that this leader sealed.",
			Buckets: prometheus.ExponentialBuckets(1, 2, 13),
		}),
	}
}

// Applied counts an entry that the machine has run.
func (m *Metrics) Applied(commands int, took time.Duration) {
	m.Entries.Add(1)
	m.Commands.Add(commands)
	m.apply.Observe(took.Seconds())
}

// EntrySealed counts an entry that the proposer has sealed.
func (m *Metrics) EntrySealed(commands int) {
	m.Sealed.Add(1)
	m.entry.Observe(float64(commands))
}

// EntryCommitted measures one from seal to result.
func (m *Metrics) EntryCommitted(took time.Duration) { m.commit.Observe(took.Seconds()) }

// SetQueued tells how many commands wait at the proposer.
func (m *Metrics) SetQueued(commands int) { m.queued.Store(int64(commands)) }

// row is one counter under its exported name.
type row struct {
	description *prometheus.Desc
	of          func(*Metrics) *counter
}

func newRow(name, help string, of func(*Metrics) *counter) row {
	return row{prometheus.NewDesc(name, help, nil, nil), of}
}

var rows = []row{
	newRow("coordd_commands_total", "Commands run by this node's machine.", func(m *Metrics) *counter { return &m.Commands }),
	newRow("coordd_log_entries_total", "Log entries run by this node's machine.", func(m *Metrics) *counter { return &m.Entries }),
	newRow("coordd_sealed_entries_total", "Log entries this node sealed as leader.", func(m *Metrics) *counter { return &m.Sealed }),
	newRow("coordd_read_rounds_total", "Rounds in which this leader proved to a majority that it leads, each for all reads that waited.", func(m *Metrics) *counter { return &m.ReadRounds }),
	newRow("coordd_reads_total", "Read requests answered by those rounds.", func(m *Metrics) *counter { return &m.Reads }),
	newRow("coordd_forwarded_total", "Requests this node forwarded to its leader.", func(m *Metrics) *counter { return &m.Forwarded }),
	newRow("coordd_again_total", "Commands proposed anew without effect before.", func(m *Metrics) *counter { return &m.Again }),
	newRow("coordd_resent_total", "Requests sent again under their own number after a failure.", func(m *Metrics) *counter { return &m.Resent }),
	newRow("coordd_leader_changes_total", "New leaders this node has seen.", func(m *Metrics) *counter { return &m.LeaderChanges }),
	newRow("coordd_clock_surplus_dropped_ms_total", "Milliseconds that did not count against any lease, because nothing could commit.", func(m *Metrics) *counter { return &m.SurplusDroppedMs }),
	newRow("coordd_busy_total", "Requests refused because too much was under way.", func(m *Metrics) *counter { return &m.Busy }),
	newRow("coordd_unknown_outcomes_total", "Requests whose fate could not be told to their client.", func(m *Metrics) *counter { return &m.UnknownOutcomes }),
	newRow("coordd_early_elections_total", "Elections this node stood for without waiting for a timeout.", func(m *Metrics) *counter { return &m.EarlyElections }),
}

var queuedDescription = prometheus.NewDesc("coordd_proposer_queue", "Commands that wait at this leader to be sealed.", nil, nil)

// Describe implements prometheus.Collector.
func (m *Metrics) Describe(descriptions chan<- *prometheus.Desc) {
	for _, r := range rows {
		descriptions <- r.description
	}
	descriptions <- queuedDescription
	m.apply.Describe(descriptions)
	m.commit.Describe(descriptions)
	m.entry.Describe(descriptions)
}

// Collect implements prometheus.Collector.
func (m *Metrics) Collect(collected chan<- prometheus.Metric) {
	for _, r := range rows {
		collected <- prometheus.MustNewConstMetric(r.description, prometheus.CounterValue, float64(r.of(m).Load()))
	}
	collected <- prometheus.MustNewConstMetric(queuedDescription, prometheus.GaugeValue, float64(m.queued.Load()))
	m.apply.Collect(collected)
	m.commit.Collect(collected)
	m.entry.Collect(collected)
}
