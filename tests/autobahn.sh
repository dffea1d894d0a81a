#!/usr/bin/env bash
# Autobahn|Testsuite against the WebSocket carrier: the core cases (1 to 7 and 10) and the deflate cases (12 and 13). No case may fail.
#
#   tests/autobahn.sh          the core, and of the deflate cases the small messages
#   tests/autobahn.sh --all    all of them: some minutes more
#
# The suite runs on Python 2.7 only: that of pyenv or of the system. Without one this says so and is no failure. The suite itself is
# installed into target/autobahn, once. Reports are in target/autobahn/reports.
set -euo pipefail
cd "$(dirname "$0")/.."
here="$PWD/target/autobahn"

skip() { printf '\n!! AUTOBAHN WAS NOT RUN: %s\n\n' "$*"; exit 0; }

python=""
for candidate in "$(pyenv root 2>/dev/null || true)"/versions/2.7.*/bin/python2.7 "$(command -v python2.7 || true)"; do
    if [ -x "$candidate" ] && "$candidate" -c 'import zlib, ssl' 2>/dev/null; then python="$candidate"; break; fi
done
[ -n "$python" ] || skip "there is no Python 2.7 here (pyenv install 2.7.18, or Debian's python2.7)"
# A folder with namespaces in it, which a path alone does not make known.
lib="import site; site.addsitedir('$here/lib')"
if ! "$python" -c "$lib; import zope.interface, autobahntestsuite.wstest" >/dev/null 2>&1; then
    "$python" -m pip install --disable-pip-version-check -q --target "$here/lib" autobahntestsuite==0.8.2 2>"$here.log" \
        || skip "the suite could not be installed: $(tail -1 "$here.log")"
fi

# A thousand messages a case: of 16 to 4,096 bytes by default, to 128 KiB with --all.
deflate=$(for group in 12.{1..5} 13.{1..7}; do for case in 1 3 5; do printf '"%s.%s", ' "$group" "$case"; done; done)
[ "${1:-}" != --all ] || deflate='"12.*", "13.*", '

cargo build -q --locked --release -p duologue-transport-ws --example echo
mkdir -p "$here"
ready="$here/listening"
: >"$ready"
target/release/examples/echo 127.0.0.1:0 >"$ready" &
server=$!
trap 'kill "$server" 2>/dev/null || true' EXIT
for _ in $(seq 100); do [ -s "$ready" ] && break; sleep 0.05; done
address=$(sed 's/listening on //' "$ready")

cat >"$here/cases.json" <<JSON
{
  "outdir": "$here/reports",
  "servers": [{"agent": "duologue", "url": "ws://$address"}],
  "cases": ["1.*", "2.*", "3.*", "4.*", "5.*", "6.*", "7.*", $deflate "10.*"],
  "exclude-cases": [],
  "exclude-agent-cases": {}
}
JSON
rm -rf "$here/reports"
"$python" -c "$lib; import sys; from autobahntestsuite.wstest import run; sys.argv[0] = 'wstest'; sys.exit(run())" \
    --mode fuzzingclient --spec "$here/cases.json" >"$here/suite.log" 2>&1 || { tail -20 "$here/suite.log"; exit 1; }

"$python" - "$here/reports/index.json" <<'PY'
import collections, json, sys
cases = json.load(open(sys.argv[1]))["duologue"]
told = collections.Counter((case["behavior"], case["behaviorClose"]) for case in cases.values())
for (behavior, close), count in sorted(told.items()):
    print("%5d  %s, close %s" % (count, behavior, close))
good = ("OK", "NON-STRICT", "INFORMATIONAL")
bad = sorted(name for name, case in cases.items() if case["behavior"] not in good or case["behaviorClose"] not in good)
print("autobahn: %d cases, %d failed %s" % (len(cases), len(bad), " ".join(bad)))
sys.exit(1 if bad or len(cases) < 247 else 0)
PY
