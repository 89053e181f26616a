package main

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/rogpeppe/go-internal/testscript"

	"github.com/coordd/coordd/cmd/coordd/internal/endpoint"
	"github.com/coordd/coordd/internal/freeport"
)

// TestMain lets the scripts run this test binary as the command coordd.
func TestMain(m *testing.M) {
	testscript.Main(m, map[string]func(){
		"coordd":  main,
		"httpget": httpGet,
	})
}

// TestScripts runs testdata/script: each file is a session at a shell, with the files it needs.
func TestScripts(t *testing.T) {
	testscript.Run(t, testscript.Params{
		Dir:                 filepath.Join("testdata", "script"),
		RequireExplicitExec: true,
		RequireUniqueNames:  true,
		Cmds: map[string]func(ts *testscript.TestScript, neg bool, arguments []string){
			"cluster":  startCluster,
			"shutdown": stopCluster,
			"occupy":   occupy,
			"exitcode": expectExitCode,
			"larger":   expectLarger,
			"freeport": freePort,
			"await":    await,
			"relay":    startRelay,
			"cut":      cutRelay,
			"certificates": func(ts *testscript.TestScript, _ bool, _ []string) {
				ts.Check(writeCertificates(ts.MkAbs(".")))
			},
		},
	})
}

// cluster is a `coordd dev` that runs in the test's own process.
type cluster struct {
	cancel context.CancelFunc
	done   chan int
	stderr *strings.Builder
}

// clusters holds the one cluster of each running script. Scripts run in parallel, each with its own key.
var clusters = map[*testscript.TestScript]*cluster{}
var clustersGate = make(chan struct{}, 1)

func withClusters(act func()) {
	clustersGate <- struct{}{}
	defer func() { <-clustersGate }()
	act()
}

// startCluster is the script command `cluster [flags of dev]`. It sets COORDD_ENDPOINTS, and REDIS, HTTP and the like for each node, as in REDIS1.
func startCluster(ts *testscript.TestScript, neg bool, arguments []string) {
	if neg {
		ts.Fatalf("cluster cannot be expected to fail; use exec coordd dev")
	}
	c, ready, err := startCoorddDev(ts.Getenv, arguments...)
	ts.Check(err)
	withClusters(func() { clusters[ts] = c })
	ts.Defer(func() { c.end() })
	var endpoints []string
	for i, node := range ready.Nodes {
		endpoints = append(endpoints, node.Redis)
		ts.Setenv(fmt.Sprintf("REDIS%d", i+1), node.Redis)
		ts.Setenv(fmt.Sprintf("HTTP%d", i+1), node.HTTP)
		ts.Setenv(fmt.Sprintf("PEER%d", i+1), node.Peer)
	}
	ts.Setenv("COORDD_ENDPOINTS", strings.Join(endpoints, ","))
}

// devReady is what `coordd dev --json` tells when the cluster is ready.
type devReady struct {
	Nodes []struct {
		Redis string `json:"redis_address"`
		HTTP  string `json:"http_address"`
		Peer  string `json:"peer_address"`
	} `json:"nodes"`
}

// startCoorddDev runs `coordd dev` on free ports and waits until it is ready.
func startCoorddDev(getenv func(string) string, arguments ...string) (*cluster, devReady, error) {
	ctx, cancel := context.WithCancel(context.Background())
	read, write := io.Pipe()
	c := &cluster{cancel: cancel, done: make(chan int, 1), stderr: &strings.Builder{}}
	full := append([]string{"dev", "--json", "--redis-port", "0", "--http-port", "0", "--peer-port", "0", "--gossip-port", "0"}, arguments...)
	go func() {
		code := run(ctx, full, strings.NewReader(""), write, c.stderr, getenv)
		write.Close()
		c.done <- code
	}()
	var ready devReady
	line, err := bufio.NewReader(read).ReadString('\n')
	if err != nil {
		return nil, ready, fmt.Errorf("the cluster did not get ready: exit code %d, %s", c.end(), c.stderr)
	}
	go io.Copy(io.Discard, read)
	return c, ready, json.Unmarshal([]byte(line), &ready)
}

// end stops the cluster and gives its exit code; a second call gives it again.
func (c *cluster) end() int {
	c.cancel()
	select {
	case code := <-c.done:
		c.done <- code
		return code
	case <-time.After(2 * stopTimeout):
		return -1
	}
}

// stopCluster is the script command `shutdown`: it stops the cluster as Ctrl-C would, and fails unless that went well.
func stopCluster(ts *testscript.TestScript, _ bool, _ []string) {
	var c *cluster
	withClusters(func() { c = clusters[ts] })
	if c == nil {
		ts.Fatalf("there is no cluster to stop")
	}
	if code := c.end(); code != exitOK {
		ts.Fatalf("the cluster stopped with exit code %d: %s", code, c.stderr)
	}
}

// occupy is the script command `occupy VARIABLE`: it listens on a free port until the script ends and puts the number into the variable.
func occupy(ts *testscript.TestScript, _ bool, arguments []string) {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	ts.Check(err)
	ts.Defer(func() { listener.Close() })
	_, port, err := net.SplitHostPort(listener.Addr().String())
	ts.Check(err)
	ts.Setenv(arguments[0], port)
}

// expectExitCode is the script command `exitcode N coordd …`: it runs the command line like exec, and fails unless it ends with that code.
func expectExitCode(ts *testscript.TestScript, neg bool, arguments []string) {
	if neg || len(arguments) < 2 {
		ts.Fatalf("usage: exitcode N coordd …")
	}
	err := ts.Exec(arguments[1], arguments[2:]...)
	code := 0
	if exit, ok := errors.AsType[*exec.ExitError](err); ok {
		code = exit.ExitCode()
	} else if err != nil {
		ts.Fatalf("%v", err)
	}
	if fmt.Sprint(code) != arguments[0] {
		ts.Fatalf("exit code %d, want %s", code, arguments[0])
	}
}

// expectLarger is the script command `larger FILE1 FILE2`: the number in the first file must exceed that in the second.
func expectLarger(ts *testscript.TestScript, _ bool, arguments []string) {
	numbers := make([]uint64, 2)
	for i, file := range arguments {
		number, err := strconv.ParseUint(strings.TrimSpace(ts.ReadFile(file)), 10, 64)
		ts.Check(err)
		numbers[i] = number
	}
	if numbers[0] <= numbers[1] {
		ts.Fatalf("%d is not larger than %d", numbers[0], numbers[1])
	}
}

// freePort is the script command `freeport VARIABLE`: it puts the number of a port that is free now into the variable.
func freePort(ts *testscript.TestScript, _ bool, arguments []string) {
	address, err := freeport.Address()
	ts.Check(err)
	_, port, err := net.SplitHostPort(address)
	ts.Check(err)
	ts.Setenv(arguments[0], port)
}

// await is the script command `await PROGRAM …`: it runs the program again and again until it succeeds.
func await(ts *testscript.TestScript, _ bool, arguments []string) {
	var err error
	for deadline := time.Now().Add(20 * time.Second); time.Now().Before(deadline); time.Sleep(50 * time.Millisecond) {
		if err = ts.Exec(arguments[0], arguments[1:]...); err == nil {
			return
		}
	}
	ts.Fatalf("%s did not succeed: %v", arguments[0], err)
}

// httpGet is the program `httpget URL`: it writes the status line and the body, and trusts the authority in ca.pem, if there is one. It fails when
// the answer is that the server is not ready.
func httpGet() {
	code, err := httpGetTo(os.Stdout, os.Args[1])
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		code = exitFailure
	}
	os.Exit(code)
}

func httpGetTo(out io.Writer, url string) (code int, err error) {
	client := http.Client{}
	if _, err := os.Stat("ca.pem"); err == nil {
		config, err := endpoint.ClientTLS("ca.pem", "", "")
		if err != nil {
			return exitFailure, err
		}
		client.Transport = &http.Transport{TLSClientConfig: config}
	}
	response, err := client.Get(url)
	if err != nil {
		return exitFailure, err
	}
	defer response.Body.Close()
	fmt.Fprintln(out, response.Status)
	if _, err := io.Copy(out, response.Body); err != nil {
		return exitFailure, err
	}
	if response.StatusCode == http.StatusServiceUnavailable {
		return exitFailure, nil
	}
	return exitOK, nil
}
