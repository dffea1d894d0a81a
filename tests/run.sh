#!/usr/bin/env bash
# The browser tests: the served demo in real Chromiums, and a native program that talks to one. Wants the binaries (DUOLOGUE_BIN and
# DUOLOGUE_NATIVE_PEER, or those of cargo build), node, chromium.
# The Rust half of tests/ runs with all others: cargo nextest run -p duologue-tests.
set -euo pipefail
cd "$(dirname "$0")/browser"

[ -n "${DUOLOGUE_BIN:-}" ] || (cd ../.. && cargo build -q --locked --bin duologue)
[ -n "${DUOLOGUE_NATIVE_PEER:-}" ] || (cd ../.. && cargo build -q --locked -p duologue-native-peer)
npm ci --silent --no-audit --no-fund
# The SDK is packed and compiled as a stranger would.
[ -d ../../web/node_modules ] || (cd ../../web && npm ci --silent --no-audit --no-fund)
# One file after the other: each has two browsers, and a machine has two cores.
exec node --test --test-concurrency=1 "$@"
