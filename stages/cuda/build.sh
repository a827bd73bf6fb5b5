#!/usr/bin/env bash
# Builds `runpipe` with GPU code on a machine that needs neither a GPU nor an installed CUDA toolkit.
#
#     stages/cuda/build.sh [COMPUTE_CAPABILITY]        # 9.0 unless given; the binary is target/release/runpipe
#
# The toolkit comes from PyPI into target/cuda, once: compiler, headers and libraries. What belongs to the driver and not
# to the toolkit is stood in for: `nvidia-smi`, which the build asks for the GPU's kind, and `libcuda.so.1`, a stub that
# answers every call with an error, for the linker to see.
#
# To build: python3 with venv, a C compiler, flock, cargo; 1.2 GB in target/cuda. To run: on a machine with a GPU its driver, whose
# `libcuda.so.1` is where the system looks, and of the toolkit `libcublas.so.13` and what that needs itself, `libcublasLt.so.13`
# (`ldd` names both):
#
#     LD_LIBRARY_PATH=target/cuda/toolkit/lib64 target/release/runpipe run FILE --device cuda
#
# Without a driver the system refuses to start the binary ("error while loading shared libraries: libcuda.so.1", exit code
# 127), unless target/cuda/toolkit/lib64/stubs is on that path, too: then `--device auto` takes the processor, and
# `--device cuda` says why it cannot and ends with 2. `try.sh` shows all that, and more.
set -euo pipefail
cd "$(dirname "$0")/../.."
capability=${1:-9.0}
version=13.0
work=$PWD/target/cuda
toolkit=$work/toolkit

if [ ! -e "$work/whole" ]; then
    rm -rf "$work"
    mkdir -p "$toolkit/lib64/stubs" "$work/bin"
    python3 -m venv "$work/venv"
    wanted=("nvidia-cublas==$version.*" "nvidia-curand==10.4.0.*" "nvidia-nvvm==$version.*")
    for package in nvcc crt cccl runtime nvrtc; do wanted+=("nvidia-cuda-$package==$version.*"); done
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

# A driver of the functions that the bindings name; 34 is CUDA_ERROR_STUB_LIBRARY. And one that keeps a GPU's memory in the
# host's, for `try.sh`.
cargo fetch --quiet
bindings=$(cargo metadata --format-version 1 --features runpipe/cuda |
    python3 -c 'import json, os, sys; print(next(os.path.dirname(p["manifest_path"]) for p in json.load(sys.stdin)["packages"] if p["name"] == "cudarc"))')
{
    grep -rhoE 'fn cu[A-Z][A-Za-z0-9_]*' "$bindings/src/driver" | sort -u |
        sed -E '/ cuGetError(Name|String)$/d; s/^fn (.*)$/__attribute__((weak)) int \1(void) { return 34; }/'
    for what in Name String; do
        echo "__attribute__((weak)) int cuGetError$what(int error, const char **text) { *text = \"no driver: a stub stands in for it\"; return 0; }"
    done
} >"$work/driver.c"
stub=$toolkit/lib64/stubs/libcuda.so
cc -shared -fPIC -Wl,-soname,libcuda.so.1 -o "$stub" "$work/driver.c"
ln -sf libcuda.so "$stub.1"
cc -shared -fPIC -O2 -Wl,-soname,libcuda.so.1 -o "$work/pretend.so" stages/cuda/pretend.c "$work/driver.c"
printf '#!/bin/sh\necho compute_cap\necho %s\n' "$capability" >"$work/bin/nvidia-smi"
# The build starts the compilers of all kernels together: here as many run at once as there are cores.
printf '#!/bin/sh\nexec flock "%s/core.$(($$ %% %s))" "%s/bin/nvcc" "$@"\n' "$work" "$(nproc)" "$toolkit" >"$work/bin/nvcc"
chmod +x "$work/bin/nvidia-smi" "$work/bin/nvcc"

export CUDA_ROOT=$toolkit CUDA_PATH=$toolkit PATH=$work/bin:$toolkit/bin:$PATH
nvcc --version | tail -n 1
# The whole workspace, so that libraries are those of any other build.
cargo build --release --workspace --bin runpipe --features runpipe/cuda
