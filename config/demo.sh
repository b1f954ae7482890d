#!/usr/bin/env bash
# `make demo`: builds everything, starts a node on its embedded store, lets about 300 people walk through Manhattan, and
# prints the one address to open. Ctrl-C ends all of it.
set -euo pipefail
cd "$(dirname "$0")/.."

walkers=${WALKERS:-300}
listen=${LISTEN:-127.0.0.1:8080}
data=${DATA:-demo-data}

cargo build --release --locked --workspace
bin=${CARGO_TARGET_DIR:-target}/release

log=$(mktemp)
server= crowd=
finish() {
    trap - EXIT INT TERM
    [ -n "$crowd" ] && kill -TERM "$crowd" 2>/dev/null && wait "$crowd" 2>/dev/null
    [ -n "$server" ] && kill -TERM "$server" 2>/dev/null && wait "$server" 2>/dev/null
    rm -f "$log"
    exit "${1:-0}"
}
trap 'finish 0' INT TERM
trap 'finish $?' EXIT

mkdir -p -m 700 "$data"
"$bin/letshang" user add demo --admin --data "$data" --config config/demo.toml >/dev/null 2>&1 || true
# In a process group of their own, so that Ctrl-C reaches this script first and the walkers can still sign off.
set -m
"$bin/letshang" serve --config config/demo.toml --data "$data" --listen "$listen" >"$log" 2>&1 &
server=$!
set +m
for _ in $(seq 100); do
    grep -q '^listening on ' "$log" && break
    kill -0 "$server" 2>/dev/null || { cat "$log" >&2; exit 1; }
    sleep 0.1
done
url=$(sed -n 's/^listening on //p' "$log" | head -n 1)
[ -n "$url" ] || { cat "$log" >&2; exit 1; }

LETSHANG_TOKEN=$("$bin/letshang" token demo --device walkers --data "$data" --config config/demo.toml)
export LETSHANG_TOKEN
set -m
"$bin/walkers" --url "$url" --users "$walkers" --rate 0.5 --friends 8 --radius 250 --lively --forever >/dev/null 2>>"$log" &
crowd=$!
set +m

printf '\n  LetsHang is running with %s people walking through Manhattan.\n\n  Open  %s\n\n  Ctrl-C ends it.\n\n' "$walkers" "$url"
wait "$server" || { cat "$log" >&2; exit 1; }
