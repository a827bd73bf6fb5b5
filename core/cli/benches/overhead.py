#!/usr/bin/env python3
"""What runpipe itself costs, beside make and ninja, in one run and alternating, so that a noisy machine is noisy for all.

    cargo build --release && python3 core/cli/benches/overhead.py [--sizes 10,1000,10000] [--repeat 5]

CPU seconds (user + system of the process tree, as the kernel counts them), the least of the repeats; peak memory of the
largest process. A tool that is not installed is left out. `floor` is a loop that starts the same commands and does nothing else.

  no-op    everything was made before; nothing is to be done
  cold     command stages: every node runs `sh -c` with shell built-ins
  built-in cold, with a stage inside the program (make and ninja have none)
"""
import argparse
import os
import resource
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

ROOT = Path(__file__).resolve().parents[3]
RUNPIPE = ROOT / "target" / "release" / "runpipe"


def measure(command, folder):
    """CPU seconds and peak resident MB of one run of `command`."""
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    read, write = os.pipe()
    pid = os.fork()
    if pid == 0:  # A child that waits itself, so that peak memory is this command's and not the largest so far.
        try:
            os.chdir(folder)
            devnull = os.open(os.devnull, os.O_RDWR)
            for fd in (0, 1):
                os.dup2(devnull, fd)
            os.dup2(os.open("stderr.log", os.O_WRONLY | os.O_CREAT | os.O_TRUNC), 2)
            status = subprocess.call(command)
            peak = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss
            os.write(write, f"{status} {peak}".encode())
        finally:
            os._exit(0)
    os.close(write)
    status, peak = (int(x) for x in os.read(read, 100).split())
    os.close(read)
    os.waitpid(pid, 0)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    if status != 0:
        sys.exit(f"{command} failed in {folder}:\n{(Path(folder) / 'stderr.log').read_text()[-2000:]}")
    cpu = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    return cpu, peak / 1024


# Each generator writes a folder with N nodes after one another (chain) or side by side (fan-out).

def runpipe_command(folder, n, chain):
    lines = ["stage step(before: any) -> text {", '    run "echo x > {out}/text.txt"', "}", 'n0 = data.constant(text = "x")']
    if chain:
        lines += [f"n{i} = n{i - 1} -> step()" for i in range(1, n)]
    else:
        lines += ["stage leaf(before: any) -> text {", "    param i: int", '    run "echo {i} > {out}/text.txt"', "}"]
        lines += [f"for i in 1..{n} {{", "    leaf_i = n0 -> leaf(i = i)", "}"]
    (folder / "bench.pipe").write_text("\n".join(lines) + "\n")


def runpipe_builtin(folder, n, chain):
    if chain:
        lines = ['n0 = data.constant(text = "x")'] + [f"n{i} = data.concat(n{i - 1})" for i in range(1, n)]
    else:
        lines = [f"for i in 0..{n} {{", '    leaf = data.constant(text = "{i}")', "}"]
    (folder / "bench.pipe").write_text("\n".join(lines) + "\n")


def makefile(folder, n, chain):
    lines = [f"all: n{n - 1}" if chain else "all: " + " ".join(f"n{i}" for i in range(n)), "n0:", "\t@echo x > n0"]
    for i in range(1, n):
        lines += [f"n{i}: n{i - 1 if chain else 0}", f"\t@sh -c 'echo x > n{i}'"]
    (folder / "Makefile").write_text("\n".join(lines) + "\n")


def ninjafile(folder, n, chain):
    lines = ["rule r", "  command = echo x > $out", "build n0: r"]
    lines += [f"build n{i}: r n{i - 1 if chain else 0}" for i in range(1, n)]
    (folder / "build.ninja").write_text("\n".join(lines) + "\n")


FLOOR = "import subprocess,sys\nfor i in range(int(sys.argv[1])): subprocess.run(['sh','-c','echo x > n'+str(i)])"


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--sizes", default="10,1000,10000")
    parser.add_argument("--cold", default="100,1000", help="sizes of the cold runs")
    parser.add_argument("--repeat", type=int, default=5)
    options = parser.parse_args()
    run = [str(RUNPIPE), "run", "bench.pipe", "--cache", "store"]
    tools = {"runpipe": (runpipe_command, run), "make": (makefile, ["make", "-s"]), "ninja": (ninjafile, ["ninja", "--quiet"])}
    tools = {name: tool for name, tool in tools.items() if name == "runpipe" or shutil.which(tool[1][0])}
    if not RUNPIPE.exists():
        sys.exit("build it first: cargo build --release")

    print("| what | shape | N | tool | CPU s | CPU ms a node | ratio to runpipe | peak MB |")
    print("|---|---|---:|---|---:|---:|---:|---:|")

    def show(what, shape, n, results):
        base = results["runpipe"][0]
        for name, (cpu, peak) in results.items():
            print(f"| {what} | {shape} | {n} | {name} | {cpu:.3f} | {cpu / n * 1e3:.3f} | {cpu / base:.2f} | {peak:.0f} |", flush=True)

    with tempfile.TemporaryDirectory() as top:
        for shape, chain in (("chain", True), ("fan-out", False)):
            for n in (int(x) for x in options.cold.split(",")):
                results = {}
                for _ in range(min(options.repeat, 3)):
                    for name, (generate, command) in tools.items():
                        folder = Path(tempfile.mkdtemp(dir=top))
                        generate(folder, n, chain)
                        results[name] = min(results.get(name, (9e9, 0)), measure(command, folder))
                    folder = Path(tempfile.mkdtemp(dir=top))
                    floor = measure([sys.executable, "-c", FLOOR, str(n)], folder)
                    results["floor"] = min(results.get("floor", (9e9, 0)), floor)
                    folder = Path(tempfile.mkdtemp(dir=top))
                    runpipe_builtin(folder, n, chain)
                    results["runpipe built-in"] = min(results.get("runpipe built-in", (9e9, 0)), measure(run, folder))
                show("cold", shape, n, results)
            for n in (int(x) for x in options.sizes.split(",")):
                folders = {}
                for name, (generate, command) in tools.items():
                    folder = folders[name] = Path(tempfile.mkdtemp(dir=top))
                    # The no-op does not care what made the nodes; built-in stages make them sooner.
                    (runpipe_builtin if name == "runpipe" else generate)(folder, n, chain)
                    if name == "runpipe":
                        measure(command, folder)
                    elif name == "make":
                        stamp(folder, n)
                    else:
                        measure(command, folder)
                results = {}
                for _ in range(options.repeat):
                    for name, (_, command) in tools.items():
                        results[name] = min(results.get(name, (9e9, 0)), measure(command, folders[name]))
                show("no-op", shape, n, results)


def stamp(folder, n):
    """Makes make's outputs, each newer than the one before."""
    for i in range(n):
        path = folder / f"n{i}"
        path.write_text("x\n")
        os.utime(path, ns=(10**18 + i * 10**6,) * 2)


if __name__ == "__main__":
    main()
