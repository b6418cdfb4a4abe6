# Almoner's commands. `make` lists them; the two to know are `make demo` and `make test`.

.NOTPARALLEL:
.PHONY: help demo test ui build package bench soak fmt lint deny e2e clean
.DEFAULT_GOAL := help

SHELL := /bin/sh
# Arguments for the demo: make demo ARGS="--port 8080 --seed 7"
ARGS ?=
TARGET := $(or $(CARGO_TARGET_DIR),target)
export PATH := $(abspath $(TARGET))/tools/bin:$(PATH)

help: ## this list
	@awk -F ':.*## ' '/^[a-z0-9]+:.*## / { printf "  make %-7s %s\n", $$1, $$2 }' Makefile
	@scripts/need.sh rust node

demo: ## build and start a whole appliance with a simulated charity (ARGS="--port 8080 --seed 7")
	@scripts/need.sh rust node
	@scripts/ui.sh
	cargo build --locked --bin almoner
	@$(TARGET)/debug/almoner demo $(ARGS)

test: ## everything that must hold; installs what it needs (Chromium, npm packages, cargo-deny)
	@scripts/test.sh

ui: ## build the UI if a source is newer than ui/build
	@scripts/need.sh node
	@scripts/ui.sh

build: ## the release binary, with the UI inside: target/release/almoner
	@scripts/need.sh rust node
	@scripts/ui.sh
	cargo build --locked --release --bin almoner

package: build ## the .deb, the tarball, the bill of materials and the checksums: target/package
	packaging/deb.sh $(TARGET)/release/almoner $(TARGET)/package

fmt: ## format Rust and UI
	cargo fmt
	@if [ -f ui/package.json ]; then scripts/npm.sh ui && cd ui && npm run --silent format; fi

lint: ## clippy, and the UI's types and lints
	@scripts/need.sh rust lints
	cargo clippy --locked --all-targets -- -D warnings
	@if [ -f ui/package.json ]; then scripts/npm.sh ui && cd ui && npm run --silent check && npm run --silent lint; fi

deny: ## licences, sources and bans of all crates
	@scripts/need.sh rust deny
	cargo deny --locked check --hide-inclusion-graph bans licenses sources

e2e: ## the browser tests alone, against the dev binary
	@scripts/need.sh rust node browser
	@scripts/ui.sh
	cargo build --locked --bin almoner
	@scripts/npm.sh tests/e2e
	cd tests/e2e && ALMONER_BIN="$(abspath $(TARGET))/debug/almoner" npm test

bench: ## the benchmarks, then beside SQLite, PostgreSQL, bare redb and PocketBase (installs them; wants a quiet machine)
	@scripts/need.sh rust
	@echo "load average: $$(cut -d ' ' -f 1-3 /proc/loadavg 2>/dev/null || uptime)"
	cargo bench --locked
	@scripts/peers.sh all
	@scripts/need.sh node browser
	@scripts/npm.sh tests/e2e
	cd tests/e2e && ALMONER_BIN="$(abspath $(TARGET))/release/almoner" node bars.mjs

soak: ## what takes more than two minutes (LIVES=10000 seeded lives; release build); writes its figure down
	@scripts/need.sh rust
	LIVES=$(LIVES) scripts/soak.sh

clean: ## remove what was built (npm packages stay)
	cargo clean
	rm -rf ui/build ui/.svelte-kit ui/node_modules/.almoner-built tests/e2e/out
