package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"time"

	"github.com/coordd/coordd/test/jepsen-lite/check"
	"github.com/coordd/coordd/test/jepsen-lite/compare"
	"github.com/coordd/coordd/test/jepsen-lite/document"
	"github.com/coordd/coordd/test/jepsen-lite/run"
	"github.com/coordd/coordd/test/jepsen-lite/wallclock"
)

// compareCommand lets the same faults happen to coordd and to others.
func compareCommand(ctx context.Context, arguments []string) (check.Verdict, error) {
	set := flag.NewFlagSet("compare", flag.ContinueOnError)
	rounds := set.Int("rounds", 5, "how often each fault happens to each system")
	ttl := set.Duration("ttl", run.DefaultTTL, "time to live of locks and sessions")
	seed := set.Uint64("seed", 1, "chooses what clients do")
	out := set.String("out", "", "folder for histories and logs; a new one below the system's temporary folder if not given")
	recovery := set.Bool("recovery", false, "measure instead how long nobody can take a lock after the leader was lost, for coordd and etcd; --rounds is how often, for each way")
	docs := set.String("docs", "", "write the table into the README.md of the repository in this folder and that of the harness, if the verdict is valid; with --recovery: write recovery.md and recovery.svg into this folder, and the link to them into its README.md")
	etcd := set.String("etcd", "", "use this etcd program instead of building one")
	systems, faults := compare.Systems, compare.Faults
	set.Var(list{&systems}, "systems", "which systems; names with commas")
	set.Var(list{&faults}, "faults", "which faults; names with commas")
	if err := parse(set, arguments); err != nil {
		return "", err
	}
	if whole := slices.Equal(systems, compare.Systems) && slices.Equal(faults, compare.Faults); *docs != "" && !*recovery && !whole {
		return "", fmt.Errorf("--docs shows a whole comparison; leave --systems and --faults out; %w", errUsage)
	}
	shop, err := openWorkshop(ctx, "")
	if err != nil {
		return "", err
	}
	defer shop.close()
	if *out == "" {
		if *out, err = os.MkdirTemp("", "jepsen-lite-compare-"); err != nil {
			return "", err
		}
	} else if err := os.MkdirAll(*out, 0o755); err != nil {
		return "", err
	}
	if *recovery {
		systems = slices.DeleteFunc(slices.Clone(systems), func(name string) bool { return !slices.Contains(compare.RecoverySystems, name) })
	}
	plan := compare.Plan{Clients: shop.program, Etcd: *etcd, Out: *out, Rounds: *rounds, TTL: *ttl, Seed: *seed, Say: os.Stdout}
	if err := shop.buildRivals(ctx, &plan, systems); err != nil {
		return "", err
	}
	if !*recovery && slices.Contains(faults, compare.ClockFault) {
		if err := shop.buildClocks(ctx, &plan); err != nil {
			return "", err
		}
	}
	if *recovery {
		return "", measureRecovery(ctx, plan, systems, shop.commit(ctx), *docs)
	}
	rows, err := compareAll(ctx, plan, systems, faults)
	if err != nil {
		return "", err
	}
	fmt.Println()
	if err := compare.Table(os.Stdout, rows); err != nil {
		return "", err
	}
	skipped := printSkipped(rows)
	fmt.Printf("\n%d of %d were skipped; histories and logs: %s\n", skipped, len(rows), *out)
	verdict, reasons := compare.Judge(rows)
	for _, reason := range reasons {
		fmt.Println(reason)
	}
	if *docs == "" {
		return verdict, nil
	}
	return verdict, writeComparison(ctx, *docs, plan, shop.commit(ctx), verdict, rows)
}

// writeComparison writes a comparison into the documents, unless it showed nothing, or something else. The command that they name is that for the folder of the repository, wherever that lies here.
func writeComparison(ctx context.Context, root string, plan compare.Plan, commit string, verdict check.Verdict, rows []compare.Row) error {
	if verdict != check.Valid {
		fmt.Println("the documents stay as they are")
		return nil
	}
	server, err := redisVersion(ctx)
	if err != nil {
		return err
	}
	command := fmt.Sprintf("go run ./test/jepsen-lite compare --rounds %d", plan.Rounds)
	if plan.TTL != run.DefaultTTL {
		command += " --ttl " + plan.TTL.String()
	}
	if plan.Seed != 1 {
		command += fmt.Sprintf(" --seed %d", plan.Seed)
	}
	stamp := compare.Stamp{Date: time.Now(), Commit: commit, Command: command + " --docs .", Processors: runtime.NumCPU(), RedisServer: server, TTL: plan.TTL}
	return compare.WriteDocuments(root, stamp, rows)
}

// redisVersion asks the installed redis-server which one it is.
func redisVersion(ctx context.Context) (string, error) {
	text, err := exec.CommandContext(ctx, "redis-server", "--version").Output()
	if err != nil {
		return "", fmt.Errorf("ask redis-server for its version: %w", err)
	}
	_, version, found := strings.Cut(string(text), "v=")
	if !found {
		return "", fmt.Errorf("redis-server does not say which version it is: %q", text)
	}
	version, _, _ = strings.Cut(version, " ")
	return version, nil
}

// compareAll lets every fault happen to every system.
func compareAll(ctx context.Context, plan compare.Plan, systems, faults []string) (rows []compare.Row, err error) {
	for _, name := range systems {
		for _, fault := range faults {
			begin := time.Now()
			row, err := compare.Run(ctx, plan, name, fault)
			if err != nil {
				return nil, err
			}
			if row.Skipped != "" {
				fmt.Printf("%-15s %-16s skipped\n", name, fault)
			} else {
				fmt.Printf("%-15s %-16s %4.0f s  %d holds, %d overlaps\n", name, fault, time.Since(begin).Seconds(), row.Holds, row.Overlaps)
			}
			printLog(row)
			rows = append(rows, row)
		}
	}
	return rows, nil
}

// printSkipped tells what could not be done, and counts it.
func printSkipped(rows []compare.Row) (skipped int) {
	for _, row := range rows {
		if row.Skipped != "" {
			skipped++
			fmt.Printf("skipped: %s for %s: %s\n", row.Fault, row.System, row.Skipped)
		}
	}
	return skipped
}

// printLog tells what is wrong with a committed log.
func printLog(row compare.Row) {
	if row.Log == nil {
		return
	}
	for _, violation := range row.Log.Violations {
		fmt.Println("    VIOLATION", violation)
	}
	if row.Log.Problem != "" {
		fmt.Println("    problem:", row.Log.Problem)
	}
}

// buildRivals builds what the systems need.
func (w *workshop) buildRivals(ctx context.Context, plan *compare.Plan, systems []string) error {
	if err := w.build(ctx, run.Default()); err != nil {
		return err
	}
	plan.Coordd, plan.Rivals = w.built[variant{}].coordd, filepath.Join(w.folder, "rivals")
	programs := map[string]string{plan.Rivals: "."}
	if plan.Etcd == "" && slices.Contains(systems, "etcd") {
		plan.Etcd = filepath.Join(w.folder, "etcd")
		programs[plan.Etcd] = "./etcdserver"
	}
	for path, folder := range programs {
		build := exec.CommandContext(ctx, "go", "build", "-C", "test/jepsen-lite/rivals", "-o", path, folder)
		build.Dir = w.repository
		if output, err := build.CombinedOutput(); err != nil {
			return fmt.Errorf("build the rivals' programs: %w\n%s", err, output)
		}
	}
	return nil
}

// buildClocks builds what lets wall clocks jump.
func (w *workshop) buildClocks(ctx context.Context, plan *compare.Plan) error {
	bent := run.Default()
	bent.Failpoints = true
	if err := w.build(ctx, bent); err != nil {
		return err
	}
	plan.CoorddFailpoints = w.built[variant{failpoints: true}].coordd
	var err error
	plan.WallClock, err = wallclock.Build(ctx, w.folder)
	if errors.Is(err, wallclock.ErrCannot) {
		plan.NoWallClock, err = err.Error(), nil
	}
	return err
}

func (w *workshop) commit(ctx context.Context) string { return commitOf(ctx, w.repository) }

// measureRecovery prints the pauses and, if a folder is given, writes the page with their plot.
func measureRecovery(ctx context.Context, plan compare.Plan, systems []string, commit, docs string) error {
	var all []compare.Pauses
	for _, how := range compare.Losses {
		for _, name := range systems {
			pauses, err := compare.Recovery(ctx, plan, name, how)
			if err != nil {
				return err
			}
			fmt.Printf("%-8s %-5s median %v, longest %v\n", name, how, pauses.Quantile(50).Round(time.Millisecond), pauses.Quantile(100).Round(time.Millisecond))
			all = append(all, pauses)
		}
	}
	fmt.Println()
	if err := compare.RecoveryTable(os.Stdout, all); err != nil || docs == "" {
		return err
	}
	return writeRecovery(docs, plan, commit, all)
}

// writeRecovery writes the page and its plot.
func writeRecovery(folder string, plan compare.Plan, commit string, all []compare.Pauses) error {
	var plot, page strings.Builder
	if err := compare.Plot(&plot, all); err != nil {
		return err
	}
	fmt.Fprintf(&page, recoveryHead, plan.Rounds, time.Now().UTC().Format("2 January 2006"), commit, runtime.NumCPU(), plan.Rounds)
	if err := compare.RecoveryTable(&page, all); err != nil {
		return err
	}
	page.WriteString(recoveryFoot)
	if err := errors.Join(os.WriteFile(filepath.Join(folder, "recovery.svg"), []byte(plot.String()), 0o644), os.WriteFile(filepath.Join(folder, "recovery.md"), []byte(page.String()), 0o644)); err != nil {
		return err
	}
	index := filepath.Join(folder, "README.md")
	if !exists(index) {
		return nil
	}
	return document.Replace(index, recoveryBegin, recoveryEnd, "\n[recovery.md](recovery.md) has how long a lost leader stops everybody, beside etcd.\n")
}

// The lines of a folder's README.md between which the link to the page stands.
const (
	recoveryBegin = "<!-- recovery: written by jepsen-lite compare --recovery --docs -->"
	recoveryEnd   = "<!-- end of recovery -->"
)

const recoveryHead = `# How long a lost leader stops everybody

Three nodes of coordd and three members of etcd, one system after the other on the same machine, each with the settings it has by default. Clients take and release locks all the time, each through the
system's own Go client. The leader is lost %d times in each way, and comes back in between. What is measured is the time from the loss to the end of the first acquire that was begun after it and
succeeded, whoever asked.

- **none**: the control. Nothing happens; so long it takes anyway until somebody has a lock.
- **kill**: the leader's process gets SIGKILL. The others' connections break at once.
- **cut**: the leader's links to the others carry nothing any more. Nobody is told.

Measured on %s at commit %s, on %d processors, by

    go run ./test/jepsen-lite compare --recovery --rounds %d --docs docs

![which part of the pauses is no longer than so many milliseconds](recovery.svg)

`

const recoveryFoot = `
With a cut, clients that are connected to the old leader wait until they give up on it; those of other nodes go on earlier, and the first counts. Both systems choose the time after which followers stand for
election at random, so single pauses differ; read the distribution, not the extremes.

Clients give up on an answer after 200 ms and ask anew, which decides what is seen of etcd: a node of coordd sends what it had forwarded again, under the number that it had, to the next leader; a member of etcd
does not, and tells its client so after 7 s (5 s and two election timeouts). Whoever is ready to wait for that waits longer than this page shows.
`
