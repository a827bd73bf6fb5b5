"""Makes `golden.jsonl`: random tags, and what seqeval 1.2.2 says of them in both modes.

Needs seqeval: python golden.py
"""

import json
import pathlib
import random
import warnings

from seqeval.metrics import f1_score, precision_score, recall_score
from seqeval.scheme import IOB2

warnings.filterwarnings("ignore")
RATES = [precision_score, recall_score, f1_score]
TAGS = ["O", "B-PER", "I-PER", "B-LOC", "I-LOC", "B-ORG", "I-ORG"]


def mode(gold, predicted, **how):
    """Precision, recall and F1: all types together, their mean, and their mean by gold entities."""
    rates = []
    for average in ["micro", "macro", "weighted"]:
        found = [rate(gold, predicted, average=average, zero_division=0, **how) for rate in RATES]
        # A mean over no types is no number; here it is 0.
        rates.append([0.0 if x != x else round(float(x), 9) for x in found])
    return rates


def case(draw):
    lengths = [draw.randint(1, 9) for _ in range(draw.randint(1, 4))]
    weights = [draw.choice([1, 4]), 1, 2, 1, 1, 1, draw.choice([0, 1])]
    tags = lambda: [draw.choices(TAGS, weights, k=n) for n in lengths]
    gold = tags()
    predicted = [[p if draw.random() < 0.4 else g for g, p in zip(*pair)] for pair in zip(gold, tags())]
    return {
        "gold": [" ".join(s) for s in gold],
        "predicted": [" ".join(s) for s in predicted],
        "lenient": mode(gold, predicted),
        "strict": mode(gold, predicted, mode="strict", scheme=IOB2),
    }


if __name__ == "__main__":
    draw = random.Random(1)
    lines = [json.dumps(case(draw)) for _ in range(200)]
    path = pathlib.Path(__file__).parent / "golden.jsonl"
    path.write_text("\n".join(lines) + "\n")
