# The commands of the README. `make` alone lists them.
SHELL := /bin/bash
.DEFAULT_GOAL := help
.PHONY: help demo run test lint bench fuzz tools clean

help: ## List these commands
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 12

demo: ## A node with about 300 simulated walkers in Manhattan; prints one address to open
	@config/demo.sh

run: ## The server alone, on its own folder (data/)
	cargo run --release --locked -- serve

test: tools-test ## Everything: Rust, dashboard, Redis, Chromium
	@config/test.sh

lint: tools-lint ## Formatting, clippy, licences
	cargo fmt --all --check
	cargo clippy --locked --workspace --all-targets -- -D warnings
	cargo deny check bans licenses sources
	cd web && npm run --silent check

bench: ## The spatial core beside its yardsticks
	cargo bench --locked --bench spatial

fuzz: ## Searches for inputs that break a promise: a minute a target (SECONDS_EACH=600, TARGETS="gpx config")
	@config/fuzz.sh $(TARGETS)

.PHONY: tools-test tools-lint
tools-test:
	@config/tools.sh redis-server chromium node

tools-lint:
	@config/tools.sh cargo-deny node
	@cd web && { [ -d node_modules ] || npm ci --ignore-scripts --no-audit --no-fund; }
