#!/bin/sh
# Builds the UI into ui/build when a source is newer than the last build. The binary embeds that
# folder when it is compiled, so this comes before cargo. `--force` builds in any case.
set -eu
cd "$(dirname "$0")/.."

if [ ! -f ui/package.json ]; then
    echo "ui: skipped: not there"
    exit 0
fi

stamp=ui/node_modules/.almoner-built
newer() {
    find ui \( -name node_modules -o -path ui/build -o -path ui/.svelte-kit \) -prune -o \
        ! -path ui -newer "$stamp" -print | head -n 1
}

if [ "${1:-}" != --force ] && [ -d ui/build ] && [ -f "$stamp" ] && [ -z "$(newer)" ]; then
    echo "ui: ui/build is up to date"
    exit 0
fi
scripts/npm.sh ui
started=$(mktemp)
(cd ui && npm run --silent build </dev/null)
# The stamp bears the time the build began: what was saved meanwhile is newer, and is built next time.
touch -r "$started" "$stamp"
rm -f "$started"
# Cargo watches the files that were embedded, not those that are new: have that source compiled again.
grep -rl --include='*.rs' 'derive(.*Embed' src 2>/dev/null | while read -r source; do
    touch "$source"
done
