#!/usr/bin/env bash
# `make test`: every test, the browser's and Redis' too, and a summary at the end.
set -uo pipefail
cd "$(dirname "$0")/.."

declare -a names results
failed=0
run() {
    local name=$1
    shift
    printf '\n== %s\n' "$name"
    local began=$SECONDS
    if "$@"; then results+=("passed in $((SECONDS - began)) s"); else results+=("FAILED"); failed=1; fi
    names+=("$name")
}

web_tests() (
    cd web && { [ -d node_modules ] || npm ci --ignore-scripts --no-audit --no-fund; } && npm run --silent test
)
browser_tests() (
    release=$PWD/${CARGO_TARGET_DIR:-target}/release
    case ${CARGO_TARGET_DIR:-} in /*) release=$CARGO_TARGET_DIR/release ;; esac
    export LETSHANG_BIN=$release/letshang LETSHANG_WALKERS=$release/walkers
    cd web && npm run --silent e2e -- "$release/pictures"
)

run "dashboard" web_tests
run "server, store, load generator" cargo test --locked --workspace --no-fail-fast
run "program, optimised" cargo build --release --locked --workspace
run "browser" browser_tests

printf '\n== summary\n'
for index in "${!names[@]}"; do printf '%-34s %s\n' "${names[$index]}" "${results[$index]}"; done
exit "$failed"
