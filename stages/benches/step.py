"""The PyTorch twins of `step.rs`: the same models, sizes and batches, in eager mode; `compare.py` runs both.

    python stages/benches/step.py CASE
"""

import json
import sys
import time
from pathlib import Path

import torch

sys.path.insert(0, str(Path(__file__).parent / "step"))
import conv  # noqa: E402
import encoder  # noqa: E402
import experts  # noqa: E402
import recurrent  # noqa: E402
import san  # noqa: E402


def product():
    a, b, c = torch.ones(1024, 1024), torch.full((1024, 1024), 0.5), torch.zeros(1024, 1024)
    return lambda: torch.matmul(a, b, out=c)


CASES = {
    "matmul 1024": product,
    "encoder 2×64": lambda: encoder.masked(2, 64, 4, 256, 1500, 64, 32),
    "encoder 4×128": lambda: encoder.masked(4, 128, 4, 512, 4000, 16, 64),
    "encoder 4×256": lambda: encoder.masked(4, 256, 4, 1024, 4000, 16, 64),
    "bilstm 128": lambda: recurrent.classifier(64, 128),
    "seq2seq 128": lambda: recurrent.seq2seq(32, 128),
    "seq2seq 512": lambda: recurrent.seq2seq(64, 512),
    "mobilenet 0.5": lambda: conv.classify(64, 32, conv.mobile_net(0.5)),
    "mobilenet 1.0": lambda: conv.classify(64, 32, conv.mobile_net(1.0)),
    "repghost 0.5": lambda: conv.classify(32, 64, conv.rep_ghost()),
    "preactresnet 18": lambda: conv.classify(64, 32, conv.pre_act_res_net()),
    "san 2×512": san.san,
    "experts 8×128": experts.language_model,
}


def memory(name):
    for line in Path("/proc/self/status").read_text().splitlines():
        if line.startswith(name):
            return int(line.split()[1]) / 1024
    return 0.0


def main():
    # A first product loads the libraries: what they take is no part of a step.
    (torch.ones(64, 64) @ torch.ones(64, 64)).sum()
    before = memory("VmRSS")
    step = CASES[sys.argv[1]]()
    for _ in range(2):
        step()
    print("ready", flush=True)
    for line in sys.stdin:
        wall = cpu = float("inf")
        for _ in range(int(line)):
            w, c = time.perf_counter(), time.process_time()
            step()
            wall, cpu = min(wall, time.perf_counter() - w), min(cpu, time.process_time() - c)
        mib = memory("VmHWM") - before
        print(json.dumps({"wall": wall * 1e3, "cpu": cpu * 1e3, "mib": mib}), flush=True)


main()
