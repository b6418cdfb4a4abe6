#!/bin/sh
# Asks the API for what its own document allows and for what it does not, 5,000 times and more, from a seed: no 5xx, no
# status or media type that the document does not name, and every gift that was taken in is there.
#   CASES=5000 scripts/schema.sh [SEED]
set -eu
cd "$(dirname "$0")/.."

target=${CARGO_TARGET_DIR:-target}
case $target in /*) ;; *) target=$PWD/$target ;; esac
SCHEMATHESIS=4.32.5
python=$target/tools/schemathesis/bin/python
if ! "$python" -c "import importlib.metadata as m; raise SystemExit(m.version('schemathesis') != '$SCHEMATHESIS')" 2>/dev/null; then
    echo "installing schemathesis $SCHEMATHESIS into $target/tools/schemathesis"
    python3 -m venv "$target/tools/schemathesis"
    "$python" -m pip install --quiet "schemathesis==$SCHEMATHESIS"
fi
cargo build --locked --quiet --bin almoner
ALMONER_BIN=$target/debug/almoner CASES=${CASES:-5000} SEED=${1:-1} "$python" scripts/schema.py
