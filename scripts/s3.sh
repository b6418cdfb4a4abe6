#!/bin/sh
# Backups to a real S3-compatible server that checks every signature, on loopback: take, list, check, drill, restore; and a
# wrong key. Installs the server (moto, from PyPI) under target/tools.
#   scripts/s3.sh BINARY
set -eu
cd "$(dirname "$0")/.."
binary=${1:?which binary}
tools=${CARGO_TARGET_DIR:-target}/tools/s3
if [ ! -x "$tools/bin/moto_server" ]; then
    python3 -m venv "$tools"
    "$tools/bin/pip" install --quiet 'moto[server]==5.2.5'
fi
"$tools/bin/python" scripts/s3.py "$binary" "$tools/bin/moto_server"
