#!/usr/bin/env bash
# `make test`: every test, the browser's and Redis' too, and a summary at the end.
set -uo pipefail
cd "$(dirname "$0")/.."

names=() results=()
failed=0
logs=$(mktemp -d)
trap 'rm -rf "$logs"' EXIT
run() {
    local name=$1 log=$logs/${#names[@]}
    shift
    printf '\n== %s\n' "$name"
    local began=$SECONDS
    if "$@" 2>&1 | tee "$log"; then results+=("passed in $((SECONDS - began)) s"); else results+=("FAILED"); failed=1; fi
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

# Who sees only the end of this should see why.
for index in "${!names[@]}"; do
    if [ "${results[$index]}" = FAILED ]; then
        printf '\n== %s failed; its end, and what it said of failures:\n' "${names[$index]}"
        grep -nE '^(error|test .* FAILED|FAIL|thread .* panicked)|No space left' "$logs/$index" | tail -n 25
        tail -n 25 "$logs/$index"
    fi
done
df -h . | tail -n 1 | awk '{ print "\ndisk: " $4 " free" }'

printf '\n== summary\n'
for index in "${!names[@]}"; do printf '%-34s %s\n' "${names[$index]}" "${results[$index]}"; done
[ ${#names[@]} -eq 4 ] || { echo "not everything was run"; failed=1; }
exit "$failed"
