#!/usr/bin/env bash
# What the simulator is asked on every change. Wants the command built with the profile `sim`.
#
# Seeds begin at 1, so that every run asks the same; DUOLOGUE_FROM and DUOLOGUE_SEEDS ask others, and more of them.
set -euo pipefail
cd "$(dirname "$0")/.."
sim=target/sim/duologue-sim

first=${DUOLOGUE_FROM:-1}
echo "-- swarm from seed $first"
"$sim" swarm --seeds "${DUOLOGUE_SEEDS:-300}" --from "$first"
echo "-- each twice"
"$sim" swarm --seeds 40 --from "$first" --twice

echo "-- one digest in debug, sim and wasm32"
digest() { sed -n 's/^digest *//p'; }
run=(run --users 200 --minutes 10 --seed 7)
cargo build -q --locked -p duologue-sim
rustup target add wasm32-wasip1 >/dev/null 2>&1 || true
cargo build -q --locked --profile sim -p duologue-sim --target wasm32-wasip1
a=$("$sim" "${run[@]}" | digest)
b=$(target/debug/duologue-sim "${run[@]}" | digest)
c=$(node --no-warnings sim/wasi.mjs target/wasm32-wasip1/sim/duologue-sim.wasm "${run[@]}" | digest)
echo "sim $a, debug $b, wasm32 $c"
[ -n "$a" ] && [ "$a" = "$b" ] && [ "$a" = "$c" ] || { echo "the digests differ"; exit 67; }

echo "-- a planted bug, which must be found"
"$sim" mutants --only anyone-may-accept
