#!/usr/bin/env bash
# Runs the binary of `build.sh` on a machine without a GPU, as far as that goes.
#
#     stages/cuda/try.sh [PIPELINE …]        # those of pipelines/smoke unless given
#
# 1. Without libraries the system refuses it. 2. Beside the stub, `--device cuda` says why it cannot and ends with 2, and
# `--device auto` takes the processor. 3. Over a driver that keeps a GPU's memory in the host's (`pretend.c`), each pipeline on
# `--device cuda` makes the results, to the byte, that it makes on the processor: tensors and gradients go where they
# should, threads have their context, and nothing reads what was not written. That no real GPU has seen it stays true.
set -euo pipefail
cd "$(dirname "$0")/../.."
work=$PWD/target/cuda
runpipe=$PWD/target/release/runpipe
libraries=$work/toolkit/lib64
[ $# -gt 0 ] || set -- pipelines/smoke/*.pipe
place=$(mktemp -d)
trap 'rm -rf "$place"' EXIT

status() { # WANTED COMMAND…: the command's last lines, and whether it ended as wanted
    local wanted=$1 found=0
    shift
    "$@" >"$place/said" 2>&1 || found=$?
    tail -n 2 "$place/said"
    [ "$found" = "$wanted" ] || { echo "ended with $found, expected $wanted"; exit 1; }
}

echo "== no libraries"
status 127 env -u LD_LIBRARY_PATH "$runpipe" plan "$1"
export LD_LIBRARY_PATH=$libraries:$libraries/stubs
ldd "$runpipe" | grep -E '^\s+lib(cu|nv)'
echo "== the stub, --device cuda"
status 2 env RUNPIPE_CACHE="$place/stub" "$runpipe" run "$1" --device cuda
for pipeline; do
    echo "== $pipeline: the stub, --device auto"
    status 0 env RUNPIPE_CACHE="$place/auto" "$runpipe" run "$pipeline" --device auto --out "$place/auto.out"
    echo "== $pipeline: a driver in the host's memory, --device cuda"
    status 0 env LD_PRELOAD="$work/pretend.so" RUNPIPE_CACHE="$place/cuda" \
        "$runpipe" run "$pipeline" --device cuda --out "$place/cuda.out"
    name=$(basename "$pipeline" .pipe)
    python3 - "$place/auto.out/$name/run.json" "$place/cuda.out/$name/run.json" <<'END'
import json, sys

cpu, cuda = (json.load(open(path)) for path in sys.argv[1:])
assert (cpu["device"], cuda["device"]) == ("cpu", "cuda"), (cpu["device"], cuda["device"])
results = [{node["label"]: node["result"] for node in run["nodes"]} for run in (cpu, cuda)]
unlike = [label for label, result in results[0].items() if results[1][label] != result]
moved = sum(a["key"] != b["key"] for a, b in zip(cpu["nodes"], cuda["nodes"]))
print(f"{len(results[0])} results, {moved} of them with tensors, {len(unlike)} unlike {unlike[:5]}")
sys.exit(bool(unlike))
END
done
