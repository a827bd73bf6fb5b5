"""Counts the words of a text: python3 words.py TEXT OUT MOST."""

import collections
import csv
import json
import pathlib
import sys

text, out, most = sys.argv[1], pathlib.Path(sys.argv[2]), int(sys.argv[3])

counts = collections.Counter(pathlib.Path(text).read_text(encoding="utf-8").split())
# Of words that are equally common the first in the alphabet: the same table for the same text.
ranked = sorted(counts.items(), key=lambda item: (-item[1], item[0]))

with open(out / "table.csv", "w", encoding="utf-8", newline="") as file:
    rows = csv.writer(file, lineterminator="\n")
    rows.writerow(["word", "count"])
    rows.writerows(ranked[:most])

total = sum(counts.values())
metrics = {
    "words": total,
    "types": len(counts),
    "share": 100 * sum(count for _, count in ranked[:most]) / total,
}
(out / "metrics.json").write_text(json.dumps(metrics), encoding="utf-8")
