package main

import (
	"flag"
	"fmt"
	"os"
	"time"
)

func main() {
	aim := flag.Duration("aim", 0, "warn when the tests took longer; 0: never")
	flag.Parse()
	began := time.Now()
	report := newReport(os.Stdout)
	if err := report.read(os.Stdin); err != nil {
		fmt.Fprintln(os.Stderr, "testreport:", err)
		os.Exit(1)
	}
	if err := report.end(time.Since(began), *aim); err != nil {
		fmt.Fprintln(os.Stderr, "testreport:", err)
		os.Exit(1)
	}
}
