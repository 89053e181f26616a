package main

import (
	"bytes"
	"fmt"
	"os"
	"strconv"
	"time"
)

// cpuTime is processor time, user and kernel together, of the processes that serve and of this one, which runs the clients.
type cpuTime struct {
	Servers time.Duration `json:"servers_ns"`
	Clients time.Duration `json:"clients_ns"`
}

// String is how a line of progress shows it.
func (t cpuTime) String() string {
	return fmt.Sprintf("CPU %s + %s", microseconds(t.Servers), microseconds(t.Clients))
}

func microseconds(d time.Duration) string {
	return fmt.Sprintf("%.0f µs", float64(d.Nanoseconds())/1000)
}

// cpuWatch measures the processor time between the end of a warm-up and the end of what follows it.
type cpuWatch struct{ spent chan cpuTime }

// watchCPU begins to watch. The processes must live until it has ended.
func watchCPU(servers []int, warmUp, duration time.Duration) cpuWatch {
	watch := cpuWatch{make(chan cpuTime, 1)}
	go func() {
		time.Sleep(warmUp)
		before := usedBy(servers)
		time.Sleep(duration)
		after := usedBy(servers)
		watch.spent <- cpuTime{after.Servers - before.Servers, after.Clients - before.Clients}
	}()
	return watch
}

// per divides what was spent by the cycles; sample is nil when there were none.
func (w cpuWatch) per(sample *sample) cpuTime {
	spent := <-w.spent
	if sample == nil || sample.Cycles == 0 {
		return cpuTime{}
	}
	cycles := time.Duration(sample.Cycles)
	return cpuTime{spent.Servers / cycles, spent.Clients / cycles}
}

func usedBy(servers []int) cpuTime {
	total := cpuTime{Clients: usedByProcess(os.Getpid())}
	for _, id := range servers {
		total.Servers += usedByProcess(id)
	}
	return total
}

// clockTick is the unit in which Linux tells processor time.
const clockTick = 10 * time.Millisecond

// usedByProcess reads the processor time of a process where there is a /proc; elsewhere it is zero.
func usedByProcess(id int) time.Duration {
	content, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", id))
	if err != nil {
		return 0
	}
	// The second field is a name in parentheses and may hold anything; user and kernel time are the 12th and 13th behind it.
	fields := bytes.Fields(content[bytes.LastIndexByte(content, ')')+1:])
	if len(fields) < 13 {
		return 0
	}
	user, _ := strconv.ParseInt(string(fields[11]), 10, 64)
	kernel, _ := strconv.ParseInt(string(fields[12]), 10, 64)
	return time.Duration(user+kernel) * clockTick
}
