#!/usr/bin/env bash
# Makes sure that the named tools are there: installs what can be installed, and says exactly what is missing otherwise.
set -euo pipefail

as_root() {
    if [ "$(id -u)" = 0 ]; then "$@"; elif command -v sudo >/dev/null; then sudo -n "$@"; else return 1; fi
}

apt_updated=
apt_install() {
    command -v apt-get >/dev/null || return 1
    if [ -z "$apt_updated" ]; then
        as_root apt-get update -qq >/dev/null 2>&1 || return 1
        apt_updated=yes
    fi
    as_root env DEBIAN_FRONTEND=noninteractive apt-get install -y -qq "$@" >/dev/null 2>&1
}

missing=()
for tool in "$@"; do
    case "$tool" in
    redis-server)
        command -v redis-server >/dev/null || { echo "installing redis-server"; apt_install redis-server; } ||
            missing+=("redis-server (Debian: apt-get install redis-server)") ;;
    chromium)
        command -v chromium >/dev/null || { echo "installing chromium"; apt_install chromium fonts-dejavu-core; } ||
            missing+=("chromium (Debian: apt-get install chromium fonts-dejavu-core)") ;;
    node)
        command -v npm >/dev/null || missing+=("Node.js 20 or newer with npm") ;;
    cargo-deny)
        command -v cargo-deny >/dev/null || { echo "installing cargo-deny"; cargo install --quiet --locked cargo-deny; } ||
            missing+=("cargo-deny (cargo install --locked cargo-deny)") ;;
    esac
done

if [ ${#missing[@]} -gt 0 ]; then
    printf 'missing: %s\n' "${missing[@]}" >&2
    exit 1
fi
