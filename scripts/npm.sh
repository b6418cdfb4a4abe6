#!/bin/sh
# Installs a folder's npm packages when they are missing or older than its lock file.
#   scripts/npm.sh ui|tests/e2e
set -eu
cd "$(dirname "$0")/../$1"

installed=node_modules/.package-lock.json
if [ -f "$installed" ] && [ -z "$(find package.json package-lock.json -newer "$installed")" ]; then
    exit 0
fi
echo "$1: npm ci"
npm ci --no-audit --no-fund --loglevel=error </dev/null
touch "$installed"
