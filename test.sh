#!/usr/bin/env bash
# Everything that is tested, on a fresh machine: installs what it needs (Debian packages, rustup targets, npm packages), builds, and
# runs all tests. Each runner prints its own closing line.
set -euo pipefail
cd "$(dirname "$0")"
# Property tests draw the same in every run; another number asks other questions.
export PROPTEST_RNG_SEED="${PROPTEST_RNG_SEED:-1}"

say() { printf '\n== %s\n' "$*"; }

say "what the tests need"
need=()
command -v chromium >/dev/null || need+=(chromium)
command -v firefox-esr >/dev/null || need+=(firefox-esr)
command -v turnserver >/dev/null || need+=(coturn)
command -v cc >/dev/null || need+=(build-essential)
command -v node >/dev/null || need+=(nodejs npm)
python3 -c "import ensurepip" 2>/dev/null || need+=(python3-venv)
if [ ${#need[@]} -gt 0 ]; then
    sudo=""; [ "$(id -u)" = 0 ] || sudo=sudo
    $sudo apt-get update -qq
    $sudo env DEBIAN_FRONTEND=noninteractive apt-get install -y -qq "${need[@]}" >/dev/null
fi
cargo nextest --version >/dev/null 2>&1 || cargo install --locked cargo-nextest
rustup target add wasm32-unknown-unknown x86_64-unknown-none

say "the core knows no operating system"
cargo build -q --locked -p duologue-core -p duologue-signaling -p duologue-gateway --target x86_64-unknown-none
cargo build -q --locked -p duologue-core -p duologue-signaling -p duologue-gateway -p duologue-client -p duologue-company --target wasm32-unknown-unknown

say "lints and documents"
cargo fmt --all --check
# The native peer wants a WebRTC library, which nothing else is to be built with: it has its own step.
others="--workspace --exclude duologue-native-peer"
cargo clippy -q --locked $others --all-targets -- -D warnings
RUSTDOCFLAGS="-D warnings" cargo doc -q --locked $others --no-deps

say "the web: types, unit tests, and that the embedded files are those of the sources"
(
    cd web
    npm ci --silent --no-audit --no-fund
    npm run --silent check
    npm run --silent test
    before=$(find dist -type f -print0 | sort -z | xargs -0 sha256sum)
    npm run --silent build
    after=$(find dist -type f -print0 | sort -z | xargs -0 sha256sum)
    [ "$before" = "$after" ] || { echo "web/dist is not what the sources make: run 'npm run build' in web/ and commit it"; exit 1; }
)

say "unit, story and process tests"
cargo build -q --locked --bin duologue
cargo nextest run --locked $others --no-fail-fast
cargo test -q --locked $others --doc

say "a native program with picture and sound"
cargo clippy -q --locked -p duologue-native-peer --all-targets -- -D warnings
cargo nextest run --locked -p duologue-native-peer

say "two people in front of browsers"
./tests/run.sh

say "clients of others"
./tests/foreign/run.sh || [ $? = 77 ]
./tests/autobahn.sh

say "the simulator"
cargo build -q --locked --profile sim -p duologue-sim
./sim/ci.sh
