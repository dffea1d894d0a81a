#!/usr/bin/env bash
# Foreign clients: aioquic, a QUIC library of others, speaks `duologue/1` by the protocol's page. Wants the binary (DUOLOGUE_BIN, or
# that of cargo build) and python3 with venv; takes aioquic from PyPI. Without these it says so and ends with 77.
set -euo pipefail
cd "$(dirname "$0")"

if [ -z "${DUOLOGUE_BIN:-}" ]; then
    (cd ../.. && cargo build -q --locked --bin duologue)
    DUOLOGUE_BIN="$(cd ../.. && pwd)/target/debug/duologue"
fi
export DUOLOGUE_BIN
place="$(mktemp -d)"
trap 'rm -rf "$place"' EXIT
if ! { python3 -m venv "$place" && "$place/bin/pip" install -q 'aioquic==1.*'; }; then
    echo "NOT RUN: no python3 with venv, or aioquic is not to be had" >&2
    exit 77
fi
"$place/bin/python" meet.py
