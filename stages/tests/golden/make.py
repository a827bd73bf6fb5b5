"""Writes what `tests/golden.rs` compares the kit with: inputs, values and gradients from PyTorch, a file a family.

    python stages/tests/golden/make.py

A case's arrays are named `<case>/<array>`: the inputs by name, the output `y`, fixed weights `r` of it, and for each
input that is trained the gradient `d.<name>` of the sum of y∘r. Numbers are drawn from a seed and computed in double
precision, so that a comparison shows the kit's error alone.
"""

import json
import struct
from pathlib import Path

import torch
from torch import nn
from torch.nn import functional as F

HERE = Path(__file__).parent
torch.set_default_dtype(torch.float64)


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


def normal(*shape):
    # As the kit will read them: in single precision.
    return torch.randn(shape).to(torch.float32).double()


def case(name, given, f, constant=()):
    """Adds the case of y = f(**given)."""
    for key, value in given.items():
        value.requires_grad_(key not in constant)
    y = f(**given)
    r = normal(*y.shape)
    (y * r).sum().backward()
    slopes = {f"d.{key}": value.grad for key, value in given.items() if value.grad is not None}
    keep(name, {**given, "y": y, "r": r, **slopes})


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


def losses():
    labels = torch.tensor([3, -100, 0, 6, 3])
    for name, smoothing in [("cross_entropy", 0.0), ("cross_entropy_smooth", 0.1)]:
        case(name, dict(x=3 * normal(5, 7)), lambda x: F.cross_entropy(x, labels, label_smoothing=smoothing))
    for name, smoothing in [("soft_cross_entropy", 0.0), ("soft_cross_entropy_smooth", 0.2)]:
        q = normal(5, 7).softmax(1).to(torch.float32).double()
        f = lambda x, q: F.cross_entropy(x, q, label_smoothing=smoothing)
        case(name, dict(x=3 * normal(5, 7), q=q), f, constant=("q",))
    p = normal(5, 7).softmax(1).to(torch.float32).double()
    case("negative_log", dict(p=p), lambda p: F.nll_loss(p.log(), labels))


LENGTHS = [3, 1, 5]
SPANS = [(0, 3), (3, 4), (4, 9)]


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


def experts():
    rows = [[0, 2, 3], [1, 2], [0, 1, 2, 3]]

    def f(a, b, c, gates):
        y = torch.zeros(4, 3)
        for e, (part, at) in enumerate(zip([a, b, c], rows)):
            y = y.index_add(0, torch.tensor(at), part * gates[at, e, None])
        return y

    case("combine", dict(a=normal(3, 3), b=normal(2, 3), c=normal(4, 3), gates=normal(4, 3)), f)


def encoder():
    """Two layers of `nn.TransformerEncoderLayer` over embeddings, the parameters under the kit's names."""
    torch.manual_seed(11)
    width, heads, inner, vocabulary, positions = 8, 2, 12, 10, 6
    layers = [nn.TransformerEncoderLayer(width, heads, inner, 0.0, "gelu", 1e-5, batch_first=True) for _ in range(2)]
    given = {
        "embed.word.weight": normal(vocabulary, width),
        "embed.position.weight": normal(positions, width),
        "embed.norm.weight": normal(width),
        "embed.norm.bias": normal(width),
    }
    names = {
        "self_attn.in_proj_weight": "attention.qkv.weight",
        "self_attn.in_proj_bias": "attention.qkv.bias",
        "self_attn.out_proj.weight": "attention.out.weight",
        "self_attn.out_proj.bias": "attention.out.bias",
        "norm1.weight": "attention.norm.weight",
        "norm1.bias": "attention.norm.bias",
        "linear1.weight": "ffn.up.weight",
        "linear1.bias": "ffn.up.bias",
        "linear2.weight": "ffn.down.weight",
        "linear2.bias": "ffn.down.bias",
        "norm2.weight": "ffn.norm.weight",
        "norm2.bias": "ffn.norm.bias",
    }
    for i, layer in enumerate(layers):
        for theirs, value in layer.named_parameters():
            given[f"layer.{i}.{names[theirs]}"] = (value + 0.1 * normal(*value.shape)).detach().to(torch.float32).double()
    ids = torch.tensor([1, 2, 3, 4, 5, 6, 7, 8, 9])

    def f(**p):
        y = []
        for first, end in SPANS:
            x = F.embedding(ids[first:end], p["embed.word.weight"]) + p["embed.position.weight"][: end - first]
            x = F.layer_norm(x, (width,), p["embed.norm.weight"], p["embed.norm.bias"], 1e-5)[None]
            for i, layer in enumerate(layers):
                own = {theirs: p[f"layer.{i}.{ours}"] for theirs, ours in names.items()}
                x = torch.func.functional_call(layer, own, (x,))
            y.append(x[0])
        return torch.cat(y)

    case("encoder", given, f)


def optimisers():
    """Numbers after each of five steps on Σ (p − target)², and with the norm of the gradient clipped to 1."""
    rules = {
        "sgd": lambda p: torch.optim.SGD(p, lr=0.1, weight_decay=0.05),
        "sgd_momentum": lambda p: torch.optim.SGD(p, lr=0.1, momentum=0.9, weight_decay=0.05),
        "sgd_nesterov": lambda p: torch.optim.SGD(p, lr=0.1, momentum=0.9, nesterov=True, weight_decay=0.05),
        "adam": lambda p: torch.optim.Adam(p, lr=0.1, weight_decay=0.05),
        "adam_w": lambda p: torch.optim.AdamW(p, lr=0.1, betas=(0.9, 0.98), eps=1e-6, weight_decay=0.05),
    }
    for name, rule in rules.items():
        for clip in [False, True]:
            p, target = normal(6), normal(6)
            start = p.clone()
            p.requires_grad_(True)
            optimizer = rule([p])
            after = []
            for _ in range(5):
                optimizer.zero_grad()
                ((p - target) ** 2).sum().backward()
                if clip:
                    nn.utils.clip_grad_norm_([p], 1.0)
                optimizer.step()
                after.append(p.detach().clone())
            keep(f"optim_{name}{'_clip' if clip else ''}", {"p": start, "target": target, "after": torch.stack(after)})
    model = nn.Linear(3, 1, bias=False)
    average = torch.optim.swa_utils.AveragedModel(model, multi_avg_fn=torch.optim.swa_utils.get_ema_multi_avg_fn(0.9))
    average.update_parameters(model)
    seen, means = [model.weight.detach().clone()], []
    for _ in range(4):
        with torch.no_grad():
            model.weight.copy_(normal(1, 3))
        average.update_parameters(model)
        seen.append(model.weight.detach().clone())
        means.append(average.module.weight.detach().clone())
    keep("average", {"seen": torch.cat(seen), "means": torch.cat(means)})


def schedules():
    """The learning rate at each of 30 steps, of a peak of 1."""
    from torch.optim import lr_scheduler as lr

    def warmed(o, warmup, rest):
        up = lr.LinearLR(o, start_factor=1 / (warmup + 1), total_iters=warmup)
        return lr.SequentialLR(o, [up, rest], [warmup])

    total = 30
    rules = {
        "linear": lambda o: lr.LinearLR(o, 1.0, 0.0, total),
        "linear_warm": lambda o: warmed(o, 6, lr.LinearLR(o, 1.0, 0.0, total - 6)),
        "cosine": lambda o: lr.CosineAnnealingLR(o, total, 0.05),
        "cosine_warm": lambda o: warmed(o, 6, lr.CosineAnnealingLR(o, total - 6, 0.05)),
        "steps": lambda o: lr.MultiStepLR(o, [7, 20], 0.3),
        "cyclic": lambda o: lr.CyclicLR(o, 0.1, 1.0, step_size_up=4, cycle_momentum=False),
    }
    for name, rule in rules.items():
        optimizer = torch.optim.SGD([torch.zeros(1, requires_grad=True)], lr=1.0)
        schedule = rule(optimizer)
        rates = []
        for _ in range(total):
            rates.append(optimizer.param_groups[0]["lr"])
            optimizer.step()
            schedule.step()
        keep(f"schedule_{name}", {"rates": torch.tensor(rates)})


def write_all(parts):
    for part in parts:
        # Each part has a seed of its own: a case added to one moves no number of another.
        torch.manual_seed(sum(part.__name__.encode()))
        part()
        write(part.__name__)
        arrays.clear()


if __name__ == "__main__":
    write_all([acts, rows, losses, attention, recurrent, experts, encoder, optimisers, schedules])
