"""Estimates pi by the share of points that fall into a quarter of a circle.

usage: pi.py OUT METHOD N SEED
"""

import json
import math
import pathlib
import random
import sys


def radical_inverse(i, base):
    """The digits of i behind the point, the last one first: Halton's sequence."""
    x, place = 0.0, 1.0 / base
    while i:
        i, digit = divmod(i, base)
        x += digit * place
        place /= base
    return x


def points(method, n, rng):
    if method == "random":
        return ((rng.random(), rng.random()) for _ in range(n))
    # Moved by a random step around the square, so that seeds differ (Cranley and Patterson, 1976).
    a, b = rng.random(), rng.random()
    return (((radical_inverse(i, 2) + a) % 1, (radical_inverse(i, 3) + b) % 1) for i in range(1, n + 1))


out, method, n, seed = pathlib.Path(sys.argv[1]), sys.argv[2], int(sys.argv[3]), int(sys.argv[4])
inside = sum(x * x + y * y <= 1.0 for x, y in points(method, n, random.Random(seed)))
pi = 4.0 * inside / n
(out / "metrics.json").write_text(json.dumps({"pi": pi, "error": abs(pi - math.pi)}))
(out / "points.csv").write_text(f"method,n,seed,inside\n{method},{n},{seed},{inside}\n")
