#!/bin/sh
# What takes more than two minutes: many seeded lives, and what the mirror and the posting promise at its full size. Writes
# its figure to docs/benchmarks.md.
set -eu
cd "$(dirname "$0")/.."
lives=${LIVES:-10000}
began=$(date +%s)
ALMONER_LIVES=$lives ALMONER_BARS=1 cargo test --locked --release --test it -- --nocapture many_ budget:: bars:: backup::
seconds=$(($(date +%s) - began))
grep -q '^## Soak' docs/benchmarks.md || printf '\n## Soak\n\n| when | what | doubled, lost, stuck | seconds with the build |\n| --- | --- | --- | --- |\n' >>docs/benchmarks.md
printf '| %s | %s seeded lives of the run and %s whole ones | 0, 0, 0 | %s |\n' "$(date -u +%Y-%m-%d)" "$lives" "$lives" "$seconds" >>docs/benchmarks.md
# Backups against a real S3-compatible server.
cargo build --locked --release --bin almoner
scripts/s3.sh "${CARGO_TARGET_DIR:-target}/release/almoner"
# What a tenfold ledger costs; printed, to be judged by its ratios.
scripts/peers.sh scale
# The API by its own document: 5,000 requests and more from a seed.
scripts/schema.sh
