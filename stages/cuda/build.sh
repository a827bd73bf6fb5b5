#!/usr/bin/env bash
# Builds `runpipe` with GPU code on a machine that needs neither a GPU nor an installed CUDA toolkit.
#
#     stages/cuda/build.sh [COMPUTE_CAPABILITY]        # 9.0 unless given; the binary is target/release/runpipe
#
# The toolkit comes from PyPI into target/cuda, once: compiler, headers and libraries. What belongs to the driver and not
# to the toolkit is stood in for: `nvidia-smi`, which the build asks for the GPU's kind, and `libcuda`, which the linker
# wants to see. The machine that runs the binary needs the real driver and, on its LD_LIBRARY_PATH, the toolkit's
# libraries: libcublas.so.13, libcublasLt.so.13, libcurand.so.10, libnvrtc.so.13; target/cuda/toolkit/lib64 holds them.
# Needs python3 with venv, a C compiler, cargo.
set -euo pipefail
cd "$(dirname "$0")/../.."
capability=${1:-9.0}
version=13.0
work=$PWD/target/cuda
toolkit=$work/toolkit

if [ ! -e "$work/whole" ]; then
    rm -rf "$work"
    mkdir -p "$work" "$toolkit/lib64"
    python3 -m venv "$work/venv"
    wanted=("nvidia-cublas==13.*" "nvidia-curand==10.*")
    for package in nvcc crt cccl runtime nvrtc; do wanted+=("nvidia-cuda-$package==$version.*"); done
    wanted+=("nvidia-nvvm==$version.*")
    "$work/venv/bin/pip" install --quiet --no-deps "${wanted[@]}"
    # The packages unpack into one tree below `nvidia/`; what differs from a toolkit is where its libraries are.
    tree=$(find "$work/venv" -type d -path '*/nvidia/cu13' | head -n 1)
    for part in bin include nvvm; do ln -s "$tree/$part" "$toolkit/$part"; done
    ln -s "$tree"/lib/*.a "$toolkit/lib64/"
    for library in "$tree"/lib/lib*.so.*; do
        ln -s "$library" "$toolkit/lib64/"
        ln -sf "$library" "$toolkit/lib64/$(basename "${library%%.so.*}").so"
    done
    touch "$work/whole"
fi

# A driver of empty functions, those that the bindings name.
cargo fetch --quiet
bindings=$(cargo metadata --format-version 1 --features runpipe/cuda |
    python3 -c 'import json, os, sys; print(next(os.path.dirname(p["manifest_path"]) for p in json.load(sys.stdin)["packages"] if p["name"] == "cudarc"))')
grep -rhoE 'fn cu[A-Z][A-Za-z0-9_]*' "$bindings/src/driver" | sort -u | sed 's/^fn \(.*\)$/void \1(void) {}/' >"$work/driver.c"
cc -shared -fPIC -Wl,-soname,libcuda.so.1 -o "$toolkit/lib64/libcuda.so" "$work/driver.c"
mkdir -p "$work/bin"
printf '#!/bin/sh\necho compute_cap\necho %s\n' "$capability" >"$work/bin/nvidia-smi"
chmod +x "$work/bin/nvidia-smi"

export CUDA_ROOT=$toolkit CUDA_PATH=$toolkit PATH=$work/bin:$toolkit/bin:$PATH
nvcc --version | tail -n 1
cargo build --release -p runpipe --features cuda
