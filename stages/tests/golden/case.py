"""What the families share: cases, and the files they are written to."""

import json
import struct
from pathlib import Path

import torch

HERE = Path(__file__).parent
torch.set_default_dtype(torch.float64)

# Sequences that most cases are about, and their rows laid end to end.
LENGTHS = [3, 1, 5]
SPANS = [(0, 3), (3, 4), (4, 9)]

arrays = {}


def keep(name, given):
    """Adds a case to the family."""
    arrays.update({f"{name}/{key}": value for key, value in given.items()})


def write(name):
    """The family as a safetensors file of 32-bit floats."""
    header, body = {}, b""
    for key, value in arrays.items():
        numbers = value.detach().to(torch.float32).contiguous()
        data = struct.pack(f"<{numbers.numel()}f", *numbers.flatten().tolist())
        header[key] = {"dtype": "F32", "shape": list(numbers.shape), "data_offsets": [len(body), len(body) + len(data)]}
        body += data
    head = json.dumps(header).encode()
    head += b" " * (-len(head) % 8)
    (HERE / f"{name}.safetensors").write_bytes(struct.pack("<Q", len(head)) + head + body)


def single(x):
    """As the kit will read it: in single precision."""
    return x.detach().to(torch.float32).double()


def normal(*shape):
    return single(torch.randn(shape))


def case(name, given, f, constant=()):
    """Adds the case of y = f(**given)."""
    for key, value in given.items():
        value.requires_grad_(key not in constant)
    y = f(**given)
    r = normal(*y.shape)
    (y * r).sum().backward()
    slopes = {f"d.{key}": value.grad for key, value in given.items() if value.grad is not None}
    keep(name, {**given, "y": y, "r": r, **slopes})


def write_all(parts):
    for part in parts:
        # Each part has a seed of its own: a case added to one moves no number of another.
        torch.manual_seed(sum(part.__name__.encode()))
        part()
        write(part.__name__)
        arrays.clear()
