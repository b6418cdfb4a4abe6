#!/bin/sh
# Links files of labelled people with Almoner and with Splink, one after the other, and prints their figures side by side.
# Splink is installed into an environment of its own under target; nothing of it ships.
#   scripts/match_peers.sh FILE.CSV ..        (columns entity_id, and household_id where there is one)
set -eu
cd "$(dirname "$0")/.."

target=${CARGO_TARGET_DIR:-target}
case $target in /*) ;; *) target=$PWD/$target ;; esac
SPLINK=5.0.0
python=$target/tools/splink/bin/python

[ $# -gt 0 ] || { echo "usage: scripts/match_peers.sh FILE.CSV .." >&2; exit 2; }
scripts/need.sh rust
if ! "$python" -c "import splink; raise SystemExit(splink.__version__ != '$SPLINK')" 2>/dev/null; then
    echo "installing Splink $SPLINK into $target/tools/splink"
    python3 -m venv "$target/tools/splink"
    "$python" -m pip install --quiet "splink==$SPLINK" pandas
fi
cargo build --locked --release --quiet --bin almoner
echo "load average: $(cut -d ' ' -f 1-3 /proc/loadavg)"
for file in "$@"; do
    echo "$file"
    printf 'almoner '
    "$target/release/almoner" match evaluate "$file" --entity entity_id --json
    "$target/release/almoner" match "$file" --out "$target/match_pairs.csv"
    "$python" scripts/match_peers.py --households "$file" "$target/match_pairs.csv"
    printf 'splink  '
    "$python" scripts/match_peers.py "$file"
done
