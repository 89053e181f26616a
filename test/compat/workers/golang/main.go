package main

import (
	"context"
	"flag"
	"fmt"
	"os"
	"strings"
	"time"
)

func main() {
	client := flag.String("client", "", "which client to run")
	address := flag.String("address", "", "the address to give to it; coordd's own takes several, separated by commas")
	mode := flag.String("mode", "scenario", "scenario or campaign")
	names := flag.String("names", "", "the names of the locks, separated by commas")
	duration := flag.Duration("duration", 10*time.Second, "how long a campaign goes on")
	ttl := flag.Duration("ttl", 3*time.Second, "the time to live to ask for in a campaign, where the client has no default")
	loops := flag.Int("loops", 2, "how many loops of a campaign run at once")
	fence := flag.Bool("fence", true, "read fencing tokens (a redis-server has none)")
	flag.Parse()
	if err := run(*client, *address, *mode, strings.Split(*names, ","), *duration, *ttl, *loops, *fence); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

func run(name, address, mode string, names []string, duration, ttl time.Duration, loops int, fence bool) error {
	client, err := newClient(name, address)
	if err != nil {
		return err
	}
	defer client.Close()
	if mode == "campaign" {
		c := &campaign{client: client, names: names, ttl: ttl, fence: fence, until: time.Now().Add(duration)}
		c.run(context.Background(), loops)
		return nil
	}
	second, err := newClient(name, address)
	if err != nil {
		return err
	}
	defer second.Close()
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	s := &scenario{first: client, second: second, name: names[0], fence: fence}
	if !s.run(ctx) {
		return fmt.Errorf("the scenario of %s failed", name)
	}
	return nil
}
