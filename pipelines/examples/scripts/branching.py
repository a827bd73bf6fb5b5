"""Parses sentences into right-branching trees: a stand-in for any parser that runs as a command."""

import json
import pathlib
import sys


def tree(words):
    """The tree of a sentence in brackets."""
    escaped = [w.replace("(", "-LRB-").replace(")", "-RRB-") for w in words]
    if not escaped:
        return "()"
    inner = f"(X {escaped[-1]})"
    for word in reversed(escaped[:-1]):
        inner = f"(NP (X {word}) {inner})"
    return f"(ROOT {inner})"


source, out = sys.argv[1], pathlib.Path(sys.argv[2])
lines = pathlib.Path(source).read_text(encoding="utf-8").splitlines()
out.mkdir(parents=True, exist_ok=True)
trees = "".join(tree(line.split()) + "\n" for line in lines)
(out / "trees.mrg").write_text(trees, encoding="utf-8")
(out / "metrics.json").write_text(json.dumps({"sentences": len(lines)}), encoding="utf-8")
