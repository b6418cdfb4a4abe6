#!/bin/sh
# What takes more than two minutes: many seeded lives of the process run, and 10,000 gifts at both sizes of a call. Writes its figure to docs/benchmarks.md.
set -eu
cd "$(dirname "$0")/.."
lives=${LIVES:-20000}
began=$(date +%s)
ALMONER_LIVES=$lives cargo test --locked --release --test it -- --nocapture five_hundred_lives budget::
seconds=$(($(date +%s) - began))
grep -q '^## Soak' docs/benchmarks.md || printf '\n## Soak\n\n| when | what | doubled, lost, stuck | seconds with the build |\n| --- | --- | --- | --- |\n' >>docs/benchmarks.md
printf '| %s | %s seeded lives of the process run | 0, 0, 0 | %s |\n' "$(date -u +%Y-%m-%d)" "$lives" "$seconds" >>docs/benchmarks.md
# What a tenfold ledger costs; printed, to be judged by its ratios.
scripts/peers.sh scale
