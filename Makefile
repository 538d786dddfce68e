# Two commands do all: `make demo` and `make test`. Each sets up what it needs first (Debian; root or sudo).
SHELL := /bin/bash
export PATH := $(CURDIR)/target/tools/bin:$(PATH)

.PHONY: all build ui ui-check e2e-ui release demo demo-check test e2e lint fmt check-generated layers fuzz fuzz-all simulate bench ci clean help

all: build

help: ## Lists the targets.
	@grep -hE '^[a-z0-9-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 18

build: ## Builds everything for development.
	scripts/setup build
	cargo build --workspace --locked

# What the pages are made of. The binary embeds ui/dist; without it, it is built all the same and says how to get the pages.
UI_SOURCES := $(shell find ui/src ui/public ui/index.html ui/package-lock.json ui/vite.config.ts -type f 2>/dev/null)
ifdef WITHOUT_UI
PAGES :=
else
PAGES := $(if $(UI_SOURCES),ui/dist/index.html)
endif

ui: $(PAGES) ## Builds the web pages into ui/dist. Fetches Node when there is none.

ui/node_modules/.package-lock.json: ui/package-lock.json
	scripts/setup ui
	cd ui && npm ci --no-audit --no-fund

ui/dist/index.html: ui/node_modules/.package-lock.json $(UI_SOURCES)
	scripts/setup ui
	cd ui && npm run build
	touch $@ crates/ui/build.rs

ui-check: ui/node_modules/.package-lock.json ## Types, lints and tests of the web pages, without a browser.
	cd ui && npm run check

e2e-ui: $(PAGES) ## Every page in Debian's chromium, against the real program. Pictures of them: target/e2e-ui.
	scripts/setup ui
	scripts/setup browser
	cargo test --workspace --locked --no-run
	cd ui && THANOS=$(CURDIR)/target/debug/thanos npm run e2e

release: $(PAGES) ## Builds the binary for use, pages and all (WITHOUT_UI=1: without): target/release/thanos.
	scripts/setup build
	cargo build --release --locked -p thanos

demo: $(PAGES) ## Brings up the lab on loopback: 3 Prometheus, sidecars, a bucket with a week of history, store, querier.
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

# Coverage instrumentation by rustc itself, so that libFuzzer works on the stable toolchain.
FUZZ_FLAGS := -Cpasses=sancov-module -Cllvm-args=-sanitizer-coverage-level=4 \
  -Cllvm-args=-sanitizer-coverage-inline-8bit-counters -Cllvm-args=-sanitizer-coverage-pc-table \
  -Cllvm-args=-sanitizer-coverage-trace-compares -Cdebug-assertions -Ccodegen-units=1
FUZZ_HOST := $(shell rustc -vV 2>/dev/null | sed -n 's/^host: //p')

fuzz: ## libFuzzer over TARGET (default: chunk) for FUZZ_SECONDS (default: 60).
	scripts/setup fuzz
	RUSTFLAGS="$(FUZZ_FLAGS)" cargo build --release --locked -p fuzz --features libfuzzer --target $(FUZZ_HOST) --target-dir target/fuzz
	mkdir -p target/fuzz/corpus/$(or $(TARGET),chunk)
	FUZZ_TARGET=$(or $(TARGET),chunk) target/fuzz/$(FUZZ_HOST)/release/fuzz target/fuzz/corpus/$(or $(TARGET),chunk) \
	  -max_total_time=$(or $(FUZZ_SECONDS),60) -rss_limit_mb=2048 -artifact_prefix=target/fuzz/

fuzz-all: ## Every target over FUZZ_ITERS (default: 1,000,000) mutated seeds.
	FUZZ_ITERS=$${FUZZ_ITERS:-1000000} cargo test --release --locked -p fuzz

simulate: ## The compactor under SIMULATION_SEEDS (default: 5,000) simulated months, and a failure of every single call.
	SIMULATION_SEEDS=$${SIMULATION_SEEDS:-5000} FAULT_STRIDE=1 cargo test --locked -p compact --test it

bench: ## Micro-benchmarks.
	cargo bench --workspace --locked

ci: ## What .ci/run does.
	.ci/run

clean:
	cargo clean
