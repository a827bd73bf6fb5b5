"""Times the kit's training steps beside their PyTorch twins, in turns, and prints a table of ratios.

    cargo bench -p runpipe-stages --bench step --no-run
    python stages/benches/compare.py [--threads 2] [--rounds 12] [--steps 4] [--binary PATH] [CASE …]

Both sides of a case run as processes of their own, with the same threads, and take a few steps each in turn, so that
whatever else the machine does falls on both; of each the least time counts. Memory is what a process had at most, less
what it had before it built the model. The rate of a case's products, in processor time, is set against the largest that
either side reached in `matmul 1024`. On a machine that others use, too, processor time is the one to read: the least
wall time still holds their turns.
"""

import argparse
import json
import math
import os
import subprocess
import sys
from pathlib import Path

HERE = Path(__file__).parent


class Side:
    def __init__(self, command, threads):
        names = ["RAYON_NUM_THREADS", "OMP_NUM_THREADS", "MKL_NUM_THREADS"]
        environment = os.environ | {name: str(threads) for name in names}
        pipe = subprocess.PIPE
        self.process = subprocess.Popen(command, stdin=pipe, stdout=pipe, text=True, env=environment)
        self.best = {"wall": math.inf, "cpu": math.inf, "mib": 0.0}
        if self.process.stdout.readline().strip() != "ready":
            sys.exit(f"{command} did not get ready")

    def steps(self, count):
        self.process.stdin.write(f"{count}\n")
        self.process.stdin.flush()
        found = json.loads(self.process.stdout.readline())
        for key in ["wall", "cpu"]:
            self.best[key] = min(self.best[key], found[key])
        self.best |= {key: value for key, value in found.items() if key not in ["wall", "cpu"]}

    def close(self):
        self.process.stdin.close()
        self.process.wait()
        return self.best


def binary():
    """The bench that cargo built last."""
    found = [p for p in HERE.parents[1].glob("target/*/deps/step-*") if not p.suffix and os.access(p, os.X_OK)]
    if not found:
        sys.exit("no bench is built: run `cargo bench -p runpipe-stages --bench step --no-run`")
    return max(found, key=lambda p: p.stat().st_mtime)


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--rounds", type=int, default=12)
    parser.add_argument("--steps", type=int, default=4)
    parser.add_argument("--binary", type=Path)
    parser.add_argument("cases", nargs="*")
    a = parser.parse_args()
    step = str(a.binary or binary())
    every = subprocess.run([step, "--bench"], capture_output=True, text=True, check=True).stdout.splitlines()
    cases = [case for case in every if not a.cases or any(case.startswith(c) for c in a.cases)]
    print("| case | wall ms | PyTorch | ratio | cpu ms | PyTorch | ratio | MiB | PyTorch | GFLOP/s a core |")
    print("|---|---|---|---|---|---|---|---|---|---|", flush=True)
    ratios, peak = {"wall": [], "cpu": []}, 0.0
    for case in cases:
        ours = Side([step, "--bench", case], a.threads)
        theirs = Side([sys.executable, str(HERE / "step.py"), case], a.threads)
        for _ in range(a.rounds):
            ours.steps(a.steps)
            theirs.steps(a.steps)
        o, t = ours.close(), theirs.close()
        rate = o["million"] / o["cpu"]
        if case.startswith("matmul"):
            peak = max(rate, o["million"] / t["cpu"])
        else:
            for key in ratios:
                ratios[key].append(o[key] / t[key])
        cells = [case]
        for key in ["wall", "cpu"]:
            cells += [f"{o[key]:.2f}", f"{t[key]:.2f}", f"{o[key] / t[key]:.2f}"]
        share = f" ({100 * rate / peak:.0f} %)" if peak else ""
        cells += [f"{o['mib']:.0f}", f"{t['mib']:.0f}", f"{rate:.1f}{share}"]
        print("| " + " | ".join(cells) + " |", flush=True)
    for key, values in ratios.items():
        if values:
            mean = math.exp(sum(map(math.log, values)) / len(values))
            print(f"\n{key}: geometric mean {mean:.2f}, largest {max(values):.2f}")


main()
