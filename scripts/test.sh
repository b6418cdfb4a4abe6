#!/bin/sh
# Everything that must hold, in order, with the time each stage took; stops at the first that fails.
# The UI is built before cargo runs, since the binary embeds it: nothing is linked twice, and the
# browser tests meet the very binary that `cargo test` built its kill tests on.
set -eu
cd "$(dirname "$0")/.."

target=${CARGO_TARGET_DIR:-target}
case $target in /*) ;; *) target=$PWD/$target ;; esac
PATH=$target/tools/bin:$PATH
export PATH

began=$(date +%s)
passed=0
skipped=0

close() {
    printf '\n%s after %s s\n' "$1" "$(($(date +%s) - began))"
    printf 'stages: %s passed, %s failed, %s skipped\n' "$passed" "$2" "$skipped"
}

# stage NAME COMMAND..
stage() {
    name=$1
    shift
    from=$(date +%s)
    printf '\n==== %s\n' "$name"
    if "$@" </dev/null; then
        passed=$((passed + 1))
        printf -- '---- %s: %s s\n' "$name" "$(($(date +%s) - from))"
    else
        printf -- '---- %s: FAILED after %s s\n' "$name" "$(($(date +%s) - from))"
        close "make test failed at: $name" 1
        exit 1
    fi
}

# stage_in FOLDER NAME COMMAND..: a stage inside a folder, skipped while the folder isn't there.
stage_in() {
    folder=$1
    if [ ! -f "$folder/package.json" ]; then
        printf '\n==== %s\nskipped: not there (%s)\n' "$2" "$folder"
        skipped=$((skipped + 1))
        return
    fi
    name=$2
    shift 2
    stage "$name" inside "$folder" "$@"
}

inside() (
    cd "$1" || exit 1
    shift
    "$@"
)

tools="rust node lints deny"
[ ! -f tests/e2e/package.json ] || tools="$tools browser"
# shellcheck disable=SC2086 # a list of words
stage "tools" scripts/need.sh $tools

stage "rust: format" cargo fmt --check

stage_in ui "ui: packages" ../scripts/npm.sh ui
stage_in ui "ui: types" npm run --silent check
stage_in ui "ui: client as documented" npm run --silent api:check
stage_in ui "ui: lint" npm run --silent lint
stage_in ui "ui: format" npm run --silent format:check
stage_in ui "ui: tests" npm run --silent test
stage_in ui "ui: build" ../scripts/ui.sh

stage "rust: lints" cargo clippy --locked --all-targets -- -D warnings
stage "rust: licences, sources, bans" cargo deny --locked check --hide-inclusion-graph bans licenses sources
# Not `cargo build`: it resolves features without the dev-dependencies, and would compile things twice.
# This builds target/debug/almoner too.
stage "rust: build" cargo test --locked --no-run
stage "rust: tests" cargo test --locked
stage "package and unit" packaging/check.sh "$target/debug/almoner"

stage_in tests/e2e "browser: packages" ../../scripts/npm.sh tests/e2e
stage_in tests/e2e "browser: tests" env ALMONER_BIN="$target/debug/almoner" npm test

close "make test is green" 0
