#!/usr/bin/env python3
"""What runpipe itself costs, beside make and ninja.

    cargo build --release
    python3 core/cli/benches/overhead.py                       # sizes 10, 1,000, 10,000
    python3 core/cli/benches/overhead.py --sizes 100000        # minutes

Three questions, each asked of all tools in turn within one round, so that a noisy machine is noisy for all of them:

- nothing changed: N stages whose results are all there, as a fan-out and as a chain;
- cold, stages of our own: N of `data.constant` (fan-out) or `data.take` (chain) into an empty store;
- cold, commands: N of `cat` run by a shell, beside the floor, a loop that only starts them and waits.

Figures are CPU time (user and system, with all children), the least of the rounds: on a shared machine wall time says
little. Files are made in memory if that can be had, so that the disk's own cost is not the tools'; `--folder` names another
place. Without make or ninja their columns stay empty.
"""

import argparse
import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

COMMAND = "cat {input} > {output}"
SHAPES = ("fan-out", "chain")



def measure(words, folder, env=None):
    """CPU seconds of a command with its children, and its own peak memory in MB."""
    with open(os.path.join(folder, "log"), "wb") as log:
        child = subprocess.Popen(words, cwd=folder, env=env, stdout=log, stderr=log)
        _, status, usage = os.wait4(child.pid, 0)
        child.returncode = os.waitstatus_to_exitcode(status)
    if child.returncode != 0:
        sys.exit(f"{words} ended with {child.returncode}:\n{Path(folder, 'log').read_text()[-2000:]}")
    return usage.ru_utime + usage.ru_stime, usage.ru_maxrss / 1024


class Runpipe:
    """`runpipe run`, over a store in the folder."""

    def __init__(self, binary, kind):
        self.name, self.binary, self.kind = "runpipe", binary, kind

    def write(self, folder, shape, n):
        # No two stages are the same computation: one that is would be found and not run.
        head = 'x0 = data.constant(text = "zero")\n'
        call = ""
        if self.kind == "command":
            head += (
                "stage copy(from: text) -> text {\n    param i: int\n"
                '    run "cat {from}/text.txt > {out}/text.txt"\n}\n'
            )
            call = "copy({0}, i = {1})"
        elif shape == "chain":
            head = "corpus = maner.language(train = 10)\nx0 = corpus.train\n"
            call = "data.take({0}, n = 1, seed = {1})"
        if shape == "chain":
            body = "".join(f"x{i} = {call.format(f'x{i - 1}', i)}\n" for i in range(1, n))
        else:
            call = call.format("x0", "i") or 'data.constant(text = "{i}")'
            body = f"for i in 1..{n} {{\n    x = {call}\n}}\n"
        Path(folder, "bench.pipe").write_text(head + body)

    def words(self):
        return [self.binary, "run", "bench.pipe", "--cache", "store", "--jobs", "2"]


class Files:
    """A tool that compares the times of files."""

    def write(self, folder, shape, n):
        Path(folder, "x0").write_text("zero\n")
        pairs = [(f"x{i - 1}" if shape == "chain" else "x0", f"x{i}") for i in range(1, n)]
        self.write_rules(folder, pairs)


class Make(Files):
    def __init__(self, binary):
        self.name, self.binary = "make", binary

    def write_rules(self, folder, pairs):
        outputs = " ".join(output for _, output in pairs)
        rules = "".join(f"{o}: {i}\n\t{COMMAND.format(input=i, output=o)}\n" for i, o in pairs)
        Path(folder, "Makefile").write_text(f".SUFFIXES:\nMAKEFLAGS += -r\nall: {outputs}\n{rules}")

    def words(self):
        return [self.binary, "-s", "-j2", "all"]


class Ninja(Files):
    def __init__(self, binary):
        self.name, self.binary = "ninja", binary

    def write_rules(self, folder, pairs):
        rule = f"rule copy\n  command = {COMMAND.format(input='$in', output='$out')}\n"
        rules = "".join(f"build {o}: copy {i}\n" for i, o in pairs)
        Path(folder, "build.ninja").write_text(rule + rules)

    def words(self):
        return [self.binary, "-j2", "--quiet"]


FLOOR = """
import os, sys
os.chdir(sys.argv[1])
environment = {"PATH": os.environ["PATH"]}
for i in range(1, int(sys.argv[2])):
    words = ["sh", "-c", "cat x0 > x%d" % i]
    os.waitpid(os.posix_spawn("/bin/sh", words, environment), 0)
"""


class Floor(Files):
    """A loop that starts the same commands and waits for each."""

    name = "floor"

    def write_rules(self, folder, pairs):
        Path(folder, "floor.py").write_text(FLOOR)
        self.count = len(pairs) + 1

    def words(self):
        return [sys.executable, "-S", "-E", "floor.py", ".", str(self.count)]


def rounds(args, tools, shape, n, repeat, warm):
    """The least CPU time and the peak memory of each tool."""
    best = {}
    # Nothing is removed before the end: for some seconds ext4 is slow to make files where many were removed.
    top = tempfile.mkdtemp(dir=args.folder)
    for number in range(repeat):
        for tool in tools:
            folder = os.path.join(top, tool.name if warm else f"{tool.name}-{number}")
            if not os.path.exists(folder):
                os.mkdir(folder)
                tool.write(folder, shape, n)
                for _ in range(2 if warm else 0):
                    # The second time writes what the first could not know, such as the record of a run that found all.
                    measure(tool.words(), folder)
            cpu, memory = measure(tool.words(), folder)
            least, most = best.get(tool.name, (cpu, memory))
            best[tool.name] = (min(least, cpu), max(most, memory))
    return best


def number(value):
    return f"{value:.0f}" if value >= 100 else f"{value:.1f}" if value >= 1 else f"{value:.2f}"


def table(head, rows):
    lines = ["| " + " | ".join(head) + " |", "|" + "|".join("---" if i == 0 else "--:" for i in range(len(head))) + "|"]
    lines += ["| " + " | ".join(row) + " |" for row in rows]
    return "\n".join(lines) + "\n"


def no_op(args, make, ninja):
    rows = []
    for shape in SHAPES:
        for n in args.sizes:
            tools = [Runpipe(args.runpipe, "builtin")]
            # Their first, real run costs two milliseconds a file: at 100,000 that is minutes.
            tools += [tool for tool in (make, ninja) if tool and n <= args.peers_up_to]
            best = rounds(args, tools, shape, n, args.repeat, warm=True)
            ms = {name: cpu * 1e3 for name, (cpu, _) in best.items()}
            cells = [number(ms[name]) if name in ms else "" for name in ("runpipe", "make", "ninja")]
            ratios = [f"{ms['runpipe'] / ms[name]:.1f} ×" if name in ms else "" for name in ("make", "ninja")]
            rows.append([f"{shape}, {n:,}", *cells, *ratios, number(best["runpipe"][1])])
            print(".", end="", file=sys.stderr, flush=True)
    head = ["nothing changed", "runpipe, ms", "make, ms", "ninja, ms", "to make", "to ninja", "runpipe, MB"]
    return table(head, rows)


def cold_builtin(args):
    rows = []
    for shape in SHAPES:
        for n in args.sizes:
            best = rounds(args, [Runpipe(args.runpipe, "builtin")], shape, n, max(1, args.repeat // 2), warm=False)
            cpu, memory = best["runpipe"]
            rows.append([f"{shape}, {n:,}", number(cpu * 1e3), number(cpu * 1e6 / n), number(memory)])
            print(".", end="", file=sys.stderr, flush=True)
    return table(["cold, stages of our own", "CPU ms", "µs a stage", "MB"], rows)


def cold_command(args, make, ninja):
    rows = []
    for shape in SHAPES:
        for n in (n for n in args.sizes if n <= args.peers_up_to):
            tools = [tool for tool in (Runpipe(args.runpipe, "command"), make, ninja, Floor()) if tool]
            best = rounds(args, tools, shape, n, max(1, args.repeat // 2), warm=False)
            each = {name: cpu * 1e3 / n for name, (cpu, _) in best.items()}
            cells = [number(each[name]) if name in each else "" for name in ("runpipe", "make", "ninja", "floor")]
            rows.append([f"{shape}, {n:,}", *cells, number(each["runpipe"] - each["floor"])])
            print(".", end="", file=sys.stderr, flush=True)
    return table(["cold, commands, ms a stage", "runpipe", "make", "ninja", "floor", "runpipe over the floor"], rows)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    root = Path(__file__).resolve().parents[3]
    parser.add_argument("--runpipe", default=str(root / "target/release/runpipe"), help="the binary")
    parser.add_argument("--make", default=shutil.which("make"))
    parser.add_argument("--ninja", default=shutil.which("ninja"))
    parser.add_argument("--sizes", default="10,1000,10000", help="numbers of stages")
    parser.add_argument("--repeat", type=int, default=5, help="rounds; the least counts")
    parser.add_argument("--peers-up-to", type=int, default=10_000, help="larger sizes are run by runpipe alone")
    parser.add_argument("--folder", default="/dev/shm" if os.path.isdir("/dev/shm") else None, help="where files are made")
    parser.add_argument("--only", choices=["no-op", "builtin", "command"], action="append")
    args = parser.parse_args()
    args.sizes = [int(n) for n in args.sizes.split(",")]
    args.runpipe = os.path.abspath(args.runpipe)
    top = tempfile.TemporaryDirectory(prefix="overhead-", dir=args.folder)
    args.folder = top.name
    only = args.only or ["no-op", "builtin", "command"]
    make = Make(args.make) if args.make else None
    ninja = Ninja(args.ninja) if args.ninja else None
    parts = {
        "no-op": lambda: no_op(args, make, ninja),
        "builtin": lambda: cold_builtin(args),
        "command": lambda: cold_command(args, make, ninja),
    }
    for name in only:
        text = parts[name]()
        print(file=sys.stderr)
        print(text)


if __name__ == "__main__":
    main()
