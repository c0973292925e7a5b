# `make help` lists what there is. Each target calls one script or one cargo command.
SHELL := /bin/bash
.SHELLFLAGS := -euo pipefail -c
.DEFAULT_GOAL := help
MAKEFLAGS += --no-print-directory
# One selection and one profile for all: the images need the release build anyway, and each dependency is compiled once.
CARGO_FLAGS := --workspace --locked --release
.PHONY: help prerequisites build cluster cluster-down cluster-status images generate verify lint unit set-up e2e \
	fuzz independent test demo demo-down bench bench-autoscaler

help: ## Show this list
	@awk -F ':.*## ' '/^[a-z0-9-]+:.*## / { printf "  %-16s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)
	@echo
	@echo "Where KUBECONFIG names a cluster that answers, set-up, e2e, test, demo and bench use it instead of making one."
	@echo "MILLRACE_IMAGES=registry.example.com/ is put before the images' names there; without it they must be loaded already."

prerequisites: ## Install the Debian packages that are missing (as root)
	@e2e/prerequisites

build: prerequisites ## Compile everything
	cargo build $(CARGO_FLAGS) --all-targets

cluster: prerequisites ## Start the local Kubernetes of three nodes (as root)
	@e2e/cluster/cluster up

cluster-down: ## Take the local Kubernetes away
	@e2e/cluster/cluster down

cluster-status: ## Show the local Kubernetes
	@e2e/cluster/cluster status

images: prerequisites ## Build the images
	@e2e/images build

generate: prerequisites ## Write the generated files anew: CRDs and API reference
	cargo run --quiet --locked --release -p millrace-crds --bin crdgen
	cargo run --quiet --locked --release -p millrace-crds --bin docgen

verify: prerequisites ## Check that the generated files are up to date
	cargo test $(CARGO_FLAGS) --test drift

lint: prerequisites ## Check formatting, clippy, shell scripts and the chart
	cargo fmt --all --check
	cargo clippy $(CARGO_FLAGS) --all-targets -- -D warnings
	cargo clippy $(CARGO_FLAGS) --test suite -- -D warnings
	@e2e/lint-shell
	@charts/millrace/tests/lint

unit: prerequisites ## Run every test that needs no cluster
	cargo test $(CARGO_FLAGS)

fuzz: prerequisites ## Give 200,000 each of hostile headers, bookmarks, schema texts, registry answers and admission reviews (PROPTEST_CASES)
	PROPTEST_CASES="$${PROPTEST_CASES:-200000}" cargo test $(CARGO_FLAGS) -- hostile

set-up: prerequisites ## Bring up the cluster, the images and the operator
	@e2e/set-up

e2e: set-up ## Run the end-to-end suite on the real cluster
	@e2e/suite

independent: lint unit verify

test: prerequisites ## Everything that can fail: lint, unit, verify, e2e
	@$(MAKE) -j2 set-up independent
	@$(MAKE) e2e

demo: prerequisites ## Stream 336,776 real flights through a cluster of your own and show what happened
	@e2e/demo

demo-down: ## Take away all that the demo brought
	@e2e/take-down

bench: set-up ## Measure start-up, memory, the lag scan, the autoscaler, redrives and ten thousand Topics against floors and goals
	@e2e/bench

bench-autoscaler: prerequisites ## Compare the autoscaler with KEDA in a simulated consumer group, on a dozen loads; needs no cluster
	docs/examples/flights/fetch-data target/flights-data
	cargo run --locked --release -p millrace-simulator -- --flights target/flights-data/flights.csv.gz
