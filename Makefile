# Every target is one line of shell or a script of scripts/, so that nothing here
# needs make. `make` alone lists them.

SHELL := bash
GOLANGCI := go tool -modfile=tools.mod golangci-lint

# Packages and further `go test` arguments, as in: make test PKG=./session ARGS='-run Theft -v'
PKG ?= ./...
ARGS ?=
# Time for each fuzz target.
FUZZTIME ?= 20s
# Runs of each benchmark; benchstat wants several.
COUNT ?= 6

export PKG FUZZTIME

.DEFAULT_GOAL := help

.PHONY: help
help: ## list the targets
	@grep -hE '^[a-z0-9-]+:.*## ' $(MAKEFILE_LIST) | sort | awk -F':.*## ' '{ printf "  %-12s %s\n", $$1, $$2 }'
	@echo
	@echo 'Variables: PKG=./session/... ARGS="-run Theft -v" FUZZTIME=20s COUNT=6'
	@echo 'Databases: SESSIONKIT_TEST_MYSQL_DSN, SESSIONKIT_TEST_POSTGRES_DSN; without them private servers are started.'

.PHONY: test
test: ## all tests with -race, against real databases
	@scripts/test.sh $(ARGS)

.PHONY: model
model: ## check every state of a session, 89 million of them, in full
	SESSIONKIT_MODEL=full go test -count=1 -run 'TestStateMachineModel|TestModelFindsDeliberateBugs' -v -timeout 40m ./internal/lineage

.PHONY: e2e
e2e: ## front ends of every generation in Chromium, cookie and header mode, one origin and two
	@scripts/e2e.sh $(ARGS)

.PHONY: vet
vet: ## go vet, the tests with a build tag too
	go vet -tags e2e,faults,cluster,sqlite $(PKG)

.PHONY: lint
lint: ## golangci-lint, the order of the packages, shellcheck
	@scripts/lint.sh

.PHONY: fmt
fmt: ## format all Go files
	$(GOLANGCI) fmt ./...

.PHONY: fix-check
fix-check: ## fail when go fix has something to modernise
	go fix -diff $(PKG)

.PHONY: mod-check
mod-check: ## fail when go.mod or go.sum is not tidy
	go mod tidy -diff

.PHONY: fuzz
fuzz: ## fuzz every target for FUZZTIME
	@scripts/fuzz.sh $(ARGS)

.PHONY: bench
bench: ## benchmarks COUNT times into bench.txt, summed up by benchstat
	@set -o pipefail; scripts/with-db.sh go test -run='^$$' -bench=. -benchmem -count=$(COUNT) $(PKG) $(ARGS) | tee bench.txt
	@go tool -modfile=tools.mod benchstat bench.txt

.PHONY: bench-peers
bench-peers: ## this kit beside other session libraries; ARGS='-out docs/bench' keeps the figures
	@scripts/bench-peers.sh $(ARGS)

.PHONY: bench-scale
bench-scale: ## cost by the size of the table, up to 10 M sessions; ARGS='-out docs/bench' keeps the figures
	@scripts/bench-scale.sh $(ARGS)

.PHONY: bench-soak
bench-soak: ## five minutes of load, after which the heap must be as it was
	@SESSIONKIT_SOAK=5m scripts/with-db.sh go test -count=1 -run='^TestHeapStaysFlat$$' -v -timeout=20m ./bench

.PHONY: bench-check
bench-check: ## vet and test the comparison and the scale run, which are modules of their own
	@for m in bench/*/go.mod; do go -C $${m%/*} mod tidy -diff && go -C $${m%/*} vet ./... || exit 1; done
	@scripts/with-db.sh go test -C bench/scale ./...
	@go test -C bench/peers ./...

.PHONY: example
example: ## run the example program, as in: make example ARGS='-addr 127.0.0.1:8080'
	@go run -tags nomsgpack ./example $(ARGS)

.PHONY: faults
faults: ## break database, network and application under load: twenty minutes and the histories; ARGS=quick for six
	@scripts/faults.sh $(ARGS)

.PHONY: cluster
cluster: ## the same on Galera and on Group Replication, whose nodes are killed; ARGS=galera or group
	@scripts/cluster.sh $(ARGS)

.PHONY: soak
soak: ## HOURS of load with one fault after the other, each five minutes
	@scripts/soak.sh $(HOURS)

.PHONY: ci
ci: ## what CI runs
	@.ci/run
