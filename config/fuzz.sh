#!/usr/bin/env bash
# `make fuzz`: searches for inputs that break what fuzz/src says must hold. SECONDS_EACH a target (default 60), all targets or
# those named. Starts from fuzz/seeds and fuzz/findings; what it learns stays in fuzz/corpus. Skips where nightly Rust or
# cargo-fuzz is absent. A finding fails the run: keep the input in fuzz/findings/TARGET/ (`cargo +nightly fuzz tmin`).
set -euo pipefail
cd "$(dirname "$0")/.."
seconds=${SECONDS_EACH:-60}

if ! cargo +nightly --version >/dev/null 2>&1; then
    echo "skipped: fuzzing needs the nightly toolchain (rustup toolchain install nightly)"
    exit 0
fi
if ! cargo fuzz --version >/dev/null 2>&1; then
    echo "skipped: fuzzing needs cargo-fuzz (cargo install --locked cargo-fuzz)"
    exit 0
fi

targets=("$@")
[ ${#targets[@]} -gt 0 ] || mapfile -t targets < <(cd fuzz/fuzz_targets && printf '%s\n' *.rs | sed 's/\.rs$//')

# The sanitizer's builds are kept apart from everybody else's; the versions are the program's.
export CARGO_TARGET_DIR=${CARGO_TARGET_DIR:-$PWD/target}/fuzz
[ fuzz/Cargo.lock -nt Cargo.lock ] || cp Cargo.lock fuzz/Cargo.lock
nice -n 15 cargo +nightly fuzz build
host=$(rustc -vV | sed -n 's/^host: //p')

failed=0
declare -a table
for target in "${targets[@]}"; do
    printf '\n== %s, %s s\n' "$target" "$seconds"
    mkdir -p "fuzz/corpus/$target" "fuzz/artifacts/$target"
    from=("fuzz/corpus/$target" "fuzz/seeds/$target")
    [ ! -d "fuzz/findings/$target" ] || from+=("fuzz/findings/$target")
    log=fuzz/artifacts/$target.log
    result=no
    # Memory: 64 MiB at once is far more than any of these inputs may cost.
    nice -n 19 "$CARGO_TARGET_DIR/$host/release/$target" "${from[@]}" -artifact_prefix="fuzz/artifacts/$target/" \
        -max_total_time="$seconds" -rss_limit_mb=2048 -malloc_limit_mb=64 -timeout=10 \
        -dict="fuzz/dictionaries/$target.dict" -print_final_stats=1 >"$log" 2>&1 ||
        { result=YES; failed=1; tail -n 60 "$log"; }
    stat() { sed -n "s/^stat::$1: *//p" "$log" | tail -n 1; }
    covered=$(grep -o 'cov: [0-9]*' "$log" | tail -n 1 | cut -d' ' -f2 || true)
    table+=("$(printf '%-16s %14s %10s %8s %6s %8s' "$target" "$(stat number_of_executed_units)" \
        "$(stat average_exec_per_sec)" "${covered:-?}" "$(stat peak_rss_mb)" "$result")")
done

printf '\n%-16s %14s %10s %8s %6s %8s\n' target executions a-second covered MiB finding
printf '%s\n' "${table[@]}"
exit "$failed"
