# What one can do here. "make" alone lists it.
SHELL := bash
.SHELLFLAGS := -euo pipefail -c
.ONESHELL:
.DELETE_ON_ERROR:
.DEFAULT_GOAL := help
MAKEFLAGS += --warn-undefined-variables --no-builtin-rules

# How long each fuzz target runs with "make fuzz".
FUZZ_TIME ?= 5m
# Flags for compat (kill-leader), differential, failover and bench, as in: make bench ARGS="--clients 64"
ARGS ?=

.PHONY: help
help: ## list the targets
	@grep -hE '^[a-z]+: .*##' $(MAKEFILE_LIST) | sed -E 's/^([a-z]+): .*## (.*)/  make \1\t\2/' | expand -t 24

.PHONY: build
build: ## build bin/coordd, static and reproducible
	CGO_ENABLED=0 go build -trimpath -o bin/coordd ./cmd/coordd

.PHONY: test
test: ## run all tests of this module
	go test ./...

.PHONY: race
race: ## run the short tests under the race detector
	go test -race -short ./...

.PHONY: fuzz
fuzz: ## run every fuzz target for FUZZ_TIME (5m)
	FUZZ_TIME=$(FUZZ_TIME) .ci/fuzz

.PHONY: soak
soak: ## run the property tests with new examples, many of them: ARGS="-rapid.checks=20000"
	go test -timeout 60m $$(grep -rl --include='*_test.go' internal/rapidseed . | xargs -n1 dirname | grep -v rapidseed | sort -u) -rapid.seed=0 $(or $(ARGS),-rapid.checks=3000)

.PHONY: lint
lint: ## vet, gofmt and the rules of internal/tidy
	.ci/run vet format lint modules

.PHONY: compat
compat: ## run foreign Redis lock clients against three nodes, then while leaders are killed
	go run -C test/compat . clients
	go run -C test/compat . kill-leader $(ARGS)

.PHONY: guard
guard: ## run late holders against guards on real databases
	go test -C test/guard ./...
	go run -C test/guard . scenarios
	go run -C test/guard . crash $(ARGS)

.PHONY: sim
sim: ## play whole clusters through seeds, as in: make sim ARGS="--seeds 10000"
	go run ./test/jepsen-lite/sim $(ARGS)

.PHONY: spec
spec: ## search the model of leases and tokens with spin
	go test -count=1 -v ./spec -search

.PHONY: differential
differential: ## compare random command sequences byte for byte with redis-server
	go run -C test/compat . differential $(ARGS)

.PHONY: failover
failover: ## measure how long clients pause when the leader dies
	go run -C test/compat . failover $(ARGS)

.PHONY: jepsen
jepsen: ## run real processes while links are cut and processes are killed, and judge; about ten minutes
	go run ./test/jepsen-lite suite pr $(ARGS)

.PHONY: mutants
mutants: ## plant bugs one after the other, and demand that each is found
	go run ./test/jepsen-lite mutants $(ARGS)

.PHONY: rules
rules: ## take out each rule against a safety case, and demand that its test fails: make rules ARGS="--only S7"
	go run ./test/rules $(ARGS)

.PHONY: workers
workers: ## twenty worker processes share a pool while they and the leader are killed
	go run ./test/jepsen-lite pools $(ARGS)

.PHONY: bench
bench: ## measure acquire and release beside raft alone and beside Redlock
	go run -C bench . $(ARGS)

.PHONY: dev
dev: ## start three nodes in one process on loopback
	go run ./cmd/coordd dev

.PHONY: embedded
embedded: ## run the program that embeds three nodes
	go run -C examples/embedded .

.PHONY: pools
pools: ## run the programs that share work out among workers
	go run -C examples/sharded-counter .
	go run -C examples/sticky-proxy .
