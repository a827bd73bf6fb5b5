"""Ops on rows and sequences."""

import torch
from case import LENGTHS, SPANS, case, normal, single
from stream import Stream
from torch import nn
from torch.nn import functional as F


def acts():
    functions = {
        "identity": lambda x: x,
        "relu": F.relu,
        "gelu": F.gelu,
        "gelu_tanh": lambda x: F.gelu(x, approximate="tanh"),
        "silu": F.silu,
        "tanh": torch.tanh,
        "sigmoid": torch.sigmoid,
        "hard_sigmoid": F.hardsigmoid,
        "softplus": F.softplus,
    }
    for name, f in functions.items():
        case(f"linear_{name}", dict(x=2 * normal(5, 3), w=normal(4, 3), b=normal(4)), lambda x, w, b: f(F.linear(x, w, b)))
        case(f"act_{name}", dict(x=3 * normal(40)), lambda x: f(x))


def rows():
    case("softmax", dict(x=3 * normal(4, 7)), lambda x: x.softmax(1))
    case("log_softmax", dict(x=3 * normal(4, 7)), lambda x: x.log_softmax(1))
    given = dict(x=normal(5, 6), residual=normal(5, 6), gain=normal(6), shift=normal(6))
    case("add_norm", given, lambda x, residual, gain, shift: F.layer_norm(x + residual, (6,), gain, shift, 1e-5))
    ids = torch.tensor([2, 0, 2, 5, 2])
    case("embedding", dict(x=normal(6, 3)), lambda x: F.embedding(ids, x))
    case("scatter_rows", dict(x=normal(5, 3)), lambda x: torch.zeros(6, 3).index_add(0, ids, x))
    case("concat_rows", dict(a=normal(2, 3), b=normal(3, 3)), lambda a, b: torch.cat([a, b], 0))
    case("concat_columns", dict(a=normal(4, 2), b=normal(4, 3)), lambda a, b: torch.cat([a, b], 1))
    case("columns", dict(x=normal(4, 6)), lambda x: x[:, 1:4])
    case("pick", dict(x=normal(4, 6)), lambda x: x.gather(1, torch.tensor([[5], [0], [3], [3]]))[:, 0])
    case("add", dict(a=normal(3, 4), b=normal(3, 4)), lambda a, b: a + b)
    case("mul", dict(a=normal(3, 4), b=normal(3, 4)), lambda a, b: a * b)
    case("scale_rows", dict(x=normal(3, 4), a=normal(3)), lambda x, a: x * a[:, None])
    # Sequences of 3, 0, 1 and 5 rows: the second bag is empty.
    bags = torch.tensor([0, 3, 3, 4])
    case("mean", dict(x=normal(9, 3)), lambda x: F.embedding_bag(torch.arange(9), x, bags, mode="mean"))

    def windows(x):
        padded = [F.pad(x[a:b], (0, 0, 1, 1)).unfold(0, 3, 1) for a, b in SPANS]
        return torch.cat([part.transpose(1, 2).reshape(-1, 3 * x.shape[1]) for part in padded])

    case("windows", dict(x=normal(9, 3)), windows)


def losses():
    labels = torch.tensor([3, -100, 0, 6, 3])
    for name, smoothing in [("cross_entropy", 0.0), ("cross_entropy_smooth", 0.1)]:
        case(name, dict(x=3 * normal(5, 7)), lambda x: F.cross_entropy(x, labels, label_smoothing=smoothing))
    for name, smoothing in [("soft_cross_entropy", 0.0), ("soft_cross_entropy_smooth", 0.2)]:
        q = single(normal(5, 7).softmax(1))
        f = lambda x, q: F.cross_entropy(x, q, label_smoothing=smoothing)
        case(name, dict(x=3 * normal(5, 7), q=q), f, constant=("q",))
    p = single(normal(5, 7).softmax(1))
    case("negative_log", dict(p=p), lambda p: F.nll_loss(p.log(), labels))


def attention():
    heads, width = 2, 6

    def f(qkv, causal=False):
        # Padded to the longest and masked: what packed sequences must agree with.
        longest = max(LENGTHS)
        x = torch.zeros(len(LENGTHS), longest, 3 * width)
        mask = torch.zeros(len(LENGTHS), 1, 1, longest, dtype=torch.bool)
        for s, (first, end) in enumerate(SPANS):
            x = x.index_put((torch.tensor([s]), torch.arange(end - first)), qkv[first:end])
            mask[s, ..., : end - first] = True
        q, k, v = x.view(len(LENGTHS), longest, 3, heads, width // heads).permute(2, 0, 3, 1, 4)
        if causal:
            mask = mask & torch.ones(longest, longest, dtype=torch.bool).tril()
        y = F.scaled_dot_product_attention(q, k, v, attn_mask=mask)
        y = y.transpose(1, 2).reshape(len(LENGTHS), longest, width)
        return torch.cat([y[s, : end - first] for s, (first, end) in enumerate(SPANS)])

    case("attention", dict(qkv=normal(9, 3 * width)), f)
    queries = [(0, 2), (2, 3), (3, 6)]

    def pairs(q, k, v):
        y = []
        for (a, b), (c, d) in zip(queries, SPANS):
            y.append((0.5 * q[a:b] @ k[c:d].T).softmax(1) @ v[c:d])
        return torch.cat(y)

    case("causal_attention", dict(qkv=normal(9, 3 * width)), lambda qkv: f(qkv, causal=True))
    case("batched_matmul", dict(a=normal(2, 3, 4), b=normal(2, 4, 5)), lambda a, b: a @ b)
    each = torch.repeat_interleave(torch.arange(3), torch.tensor(LENGTHS))
    case("add_each", dict(x=normal(9, 4), a=normal(3, 4)), lambda x, a: torch.tanh(x + a[each]))
    case("cross_attention", dict(q=normal(6, 4), k=normal(9, 4), v=normal(9, 3)), pairs)


def recurrent():
    inputs, width = 4, 5

    def lstm(direction, start):
        def f(x, w, u, b, h=None, c=None):
            module = nn.LSTM(inputs, width, bidirectional=False)
            names = ["weight_ih_l0", "weight_hh_l0", "bias_ih_l0", "bias_hh_l0"]
            given = dict(zip(names, [w, u, b, torch.zeros(4 * width)]))
            rows, hs, cs = [], [], []
            for s, (first, end) in enumerate(SPANS):
                part = x[first:end] if direction == "forward" else x[first:end].flip(0)
                state = (h[None, s : s + 1], c[None, s : s + 1]) if start else None
                args = (part[:, None],) if state is None else (part[:, None], state)
                y, (last_h, last_c) = torch.func.functional_call(module, given, args)
                rows.append(y[:, 0] if direction == "forward" else y[:, 0].flip(0))
                hs.append(last_h[0])
                cs.append(last_c[0])
            return torch.cat([*rows, *hs, *cs])

        return f

    for direction in ["forward", "backward"]:
        given = dict(x=normal(9, inputs), w=normal(4 * width, inputs), u=normal(4 * width, width), b=normal(4 * width))
        case(f"lstm_{direction}", given, lstm(direction, False))
        given = {key: value.detach().clone() for key, value in given.items()}
        given |= dict(h=normal(3, width), c=normal(3, width))
        case(f"lstm_{direction}_start", given, lstm(direction, True))

    def text(x, w, b):
        y = []
        for first, end in SPANS:
            part = F.pad(x[first:end], (0, 0, 0, max(0, 2 - (end - first))))
            kernel = w.view(w.shape[0], 2, inputs).transpose(1, 2)
            y.append(torch.tanh(F.conv1d(part.T[None], kernel, b)).amax(2))
        return torch.cat(y)

    case("text_conv", dict(x=normal(9, inputs), w=normal(6, 2 * inputs), b=normal(6)), text)

    def bare(x, w, u, b):
        rows, hs, cs = [], [], []
        for first, end in SPANS:
            h, c = torch.zeros(width), torch.zeros(width)
            for t in reversed(range(first, end)):
                i, f, g, o = (w @ x[t] + u @ h + b).chunk(4)
                c = torch.sigmoid(f) * c + torch.sigmoid(i) * torch.tanh(g)
                h = torch.sigmoid(o) * c
                rows.append((t, h))
            hs.append(h)
            cs.append(c)
        rows = [h for _, h in sorted(rows, key=lambda row: row[0])]
        return torch.stack([*rows, *hs, *cs])

    given = dict(x=normal(9, inputs), w=normal(4 * width, inputs), u=normal(4 * width, width), b=normal(4 * width))
    case("lstm_bare", given, bare)


def experts():
    rows = [[0, 2, 3], [1, 2], [0, 1, 2, 3]]

    def f(a, b, c, gates):
        y = torch.zeros(4, 3)
        for e, (part, at) in enumerate(zip([a, b, c], rows)):
            y = y.index_add(0, torch.tensor(at), part * gates[at, e, None])
        return y

    case("combine", dict(a=normal(3, 3), b=normal(2, 3), c=normal(4, 3), gates=normal(4, 3)), f)


def dropouts():
    """Every op that drops, under the kit's masks."""
    mask = Stream.new(7, "golden").mask
    case("dropout", dict(x=normal(5, 7)), lambda x: x * mask(0.3, 5, 7))
    given = dict(x=normal(5, 6), residual=normal(5, 6), gain=normal(6), shift=normal(6))
    drop = lambda x, residual, gain, shift: F.layer_norm(residual + x * mask(0.4, 5, 6), (6,), gain, shift, 1e-5)
    case("add_norm", given, drop)
    heads, width = 2, 6

    def attention(qkv, causal=False):
        # The masks of all heads of a sequence come one after the other, then those of the next.
        drawn = mask(0.25, sum(heads * t * t for t in LENGTHS)).split([heads * t * t for t in LENGTHS])
        y = []
        for (first, end), drawn in zip(SPANS, drawn):
            t = end - first
            q, k, v = qkv[first:end].view(t, 3, heads, width // heads).permute(1, 2, 0, 3)
            scores = q @ k.transpose(1, 2) / (width // heads) ** 0.5
            if causal:
                scores = scores.masked_fill(torch.ones(t, t).triu(1).bool(), -torch.inf)
            y.append(((scores.softmax(2) * drawn.view(heads, t, t)) @ v).transpose(0, 1).reshape(t, width))
        return torch.cat(y)

    case("attention", dict(qkv=normal(9, 3 * width)), attention)
    case("causal_attention", dict(qkv=normal(9, 3 * width)), lambda qkv: attention(qkv, causal=True))


def gates():
    shift = single(-normal(5, 4).exp())
    case("temper", dict(x=normal(5, 4), s=shift), lambda x, s: (x + s) / 0.3, constant=("s",))
    case("inner", dict(x=single(normal(5, 4).softmax(1)), a=normal(5, 4)), lambda x, a: (x * a).sum(), constant=("a",))
    # A gate with a temperature and noise: what the two make of logits.
    f = lambda x, s: ((x + s) / 0.3).softmax(1)
    case("tempered_softmax", dict(x=normal(5, 4), s=normal(5, 4)), f, constant=("s",))
