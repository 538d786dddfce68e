# Two commands do all: `make demo` and `make test`. Each sets up what it needs first (Debian; root or sudo).
SHELL := /bin/bash
export PATH := $(CURDIR)/target/tools/bin:$(PATH)

.PHONY: all build release demo demo-check test e2e lint fmt check-generated layers fuzz bench ci clean help

all: build

help: ## Lists the targets.
	@grep -hE '^[a-z0-9-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 18

build: ## Builds everything for development.
	scripts/setup build
	cargo build --workspace --locked

release: ## Builds the binary for use: target/release/thanos.
	scripts/setup build
	cargo build --release --locked -p thanos

demo: ## Brings up the lab on loopback: 3 Prometheus, sidecars, a bucket with a week of history, store, querier.
	scripts/setup demo
	cargo build --release --locked -p thanos
	deploy/demo/run

demo-check: ## The demo, asked a few questions and stopped again.
	scripts/setup demo
	cargo test --workspace --locked --no-run
	THANOS=$(CURDIR)/target/debug/thanos deploy/demo/run --check

test: ## All tests. Needs no network beyond the package registries.
	scripts/setup test
	cargo test --workspace --locked

lint: ## Lints, warnings are errors.
	cargo clippy --workspace --all-targets --locked -- -D warnings

fmt: ## Is everything formatted?
	cargo fmt --all --check

check-generated: ## Is the generated code current?
	cargo run --quiet --locked -p xtask -- codegen --check

layers: ## Do the dependencies follow the map?
	cargo run --quiet --locked -p xtask -- layers

fuzz: ## Long runs of the mutation tests (FUZZ_ITERS rounds each).
	FUZZ_ITERS=$${FUZZ_ITERS:-1000000} cargo test --workspace --locked --release fuzz

bench: ## Micro-benchmarks.
	cargo bench --workspace --locked

ci: ## What .ci/run does.
	.ci/run

clean:
	cargo clean
