"""Whole layers, their parameters under the kit's names."""

import torch
from case import LENGTHS, SPANS, case, keep, normal, single
from stream import Stream
from torch import nn
from torch.func import functional_call
from torch.nn import functional as F

WIDTH, HEADS, INNER, VOCABULARY, POSITIONS = 8, 2, 12, 10, 6
IDS = torch.tensor([1, 2, 3, 4, 5, 6, 7, 8, 9])

# A layer of `nn.TransformerEncoderLayer` under the kit's names.
NAMES = {
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


def transformer(count, prefix="", act="gelu", epsilon=1e-5):
    """The layers, and parameters of an encoder of them."""
    layers = [
        nn.TransformerEncoderLayer(WIDTH, HEADS, INNER, 0.0, act, epsilon, batch_first=True) for _ in range(count)
    ]
    given = {
        f"{prefix}embed.word.weight": normal(VOCABULARY, WIDTH),
        f"{prefix}embed.position.weight": normal(POSITIONS, WIDTH),
        f"{prefix}embed.norm.weight": normal(WIDTH),
        f"{prefix}embed.norm.bias": normal(WIDTH),
    }
    for i, layer in enumerate(layers):
        for theirs, value in layer.named_parameters():
            given[f"{prefix}layer.{i}.{NAMES[theirs]}"] = single(value + 0.1 * normal(*value.shape))
    return layers, given


def encode(layers, p, prefix="", epsilon=1e-5, positions=None, veiled=None):
    """Hidden states of the sequences of IDS; no row but itself sees one that is veiled."""
    if positions is None:
        positions = torch.cat([torch.arange(t) for t in LENGTHS])
    y = []
    for first, end in SPANS:
        x = F.embedding(IDS[first:end], p[f"{prefix}embed.word.weight"])
        x = x + p[f"{prefix}embed.position.weight"][positions[first:end]]
        x = F.layer_norm(x, (WIDTH,), p[f"{prefix}embed.norm.weight"], p[f"{prefix}embed.norm.bias"], epsilon)[None]
        hidden = None
        if veiled is not None:
            hidden = veiled[first:end].expand(end - first, -1) & ~torch.eye(end - first, dtype=torch.bool)
        for i, layer in enumerate(layers):
            own = {theirs: p[f"{prefix}layer.{i}.{ours}"] for theirs, ours in NAMES.items()}
            x = functional_call(layer, own, (x, hidden))
        y.append(x[0])
    return torch.cat(y)


def encoder():
    torch.manual_seed(11)
    layers, given = transformer(2)
    case("encoder", given, lambda **p: encode(layers, p))
    relu, given = transformer(2, act="relu", epsilon=1e-12)
    case("relu", given, lambda **p: encode(relu, p, epsilon=1e-12))
    layers, given = transformer(1)
    positions = torch.tensor([0, 0, 1, 5, 3, 3, 2, 0, 4])
    veiled = torch.tensor([False, True, False, False, True, False, False, True, False])
    case("veiled", given, lambda **p: encode(layers, p, positions=positions, veiled=veiled))
    _, given = transformer(2)
    case("dropout", given, dropped)
    layers, given = transformer(1, "encoder.")
    head = {
        "head.dense.weight": normal(WIDTH, WIDTH),
        "head.dense.bias": normal(WIDTH),
        "head.norm.weight": normal(WIDTH),
        "head.norm.bias": normal(WIDTH),
        "head.bias": normal(VOCABULARY),
    }
    sites = torch.tensor([1, 3, 8, 6])

    def logits(p, decoder="encoder.embed.word.weight"):
        x = encode(layers, p, "encoder.")[sites]
        x = F.gelu(F.linear(x, p["head.dense.weight"], p["head.dense.bias"]))
        x = F.layer_norm(x, (WIDTH,), p["head.norm.weight"], p["head.norm.bias"], 1e-5)
        return F.linear(x, p[decoder], p["head.bias"])

    case("masked_logits", given | head, lambda **p: logits(p))
    again = {key: value.detach().clone() for key, value in (given | head).items()}
    words = torch.tensor([7, -100, 0, 9])
    case("masked_loss", again, lambda **p: F.cross_entropy(logits(p), words))
    untied = {key: value.detach().clone() for key, value in (given | head).items()}
    untied["head.decoder.weight"] = normal(VOCABULARY, WIDTH)
    case("masked_untied", untied, lambda **p: logits(p, "head.decoder.weight"))


def dropped(**p):
    """An encoder that trains, with BERT's dropout under the kit's masks: a stream for each place that draws."""
    rate, sites = 0.2, iter(range(100))

    def mask(*shape):
        return Stream.new(5, "golden").child(next(sites)).mask(rate, *shape)

    def norm(x, name):
        return F.layer_norm(x, (WIDTH,), p[f"{name}.weight"], p[f"{name}.bias"], 1e-5)

    def linear(x, name):
        return F.linear(x, p[f"{name}.weight"], p[f"{name}.bias"])

    positions = torch.cat([torch.arange(t) for t in LENGTHS])
    x = F.embedding(IDS, p["embed.word.weight"]) + F.embedding(positions, p["embed.position.weight"])
    # The norm of the sum has a place to draw at and drops nothing.
    next(sites)
    x = norm(x, "embed.norm") * mask(9, WIDTH)
    for i in range(2):
        squares = [HEADS * t * t for t in LENGTHS]
        drawn = mask(sum(squares)).split(squares)
        qkv, mixed = linear(x, f"layer.{i}.attention.qkv"), []
        for (first, end), drawn in zip(SPANS, drawn):
            t = end - first
            q, k, v = qkv[first:end].view(t, 3, HEADS, WIDTH // HEADS).permute(1, 2, 0, 3)
            weights = (q @ k.transpose(1, 2) / (WIDTH // HEADS) ** 0.5).softmax(2) * drawn.view(HEADS, t, t)
            mixed.append((weights @ v).transpose(0, 1).reshape(t, WIDTH))
        mixed = linear(torch.cat(mixed), f"layer.{i}.attention.out")
        x = norm(x + mixed * mask(9, WIDTH), f"layer.{i}.attention.norm")
        y = linear(F.gelu(linear(x, f"layer.{i}.ffn.up")), f"layer.{i}.ffn.down")
        x = norm(x + y * mask(9, WIDTH), f"layer.{i}.ffn.norm")
    return x


def layers():
    """Layers on rows."""
    given = lambda: {"x": normal(5, 3), "weight": normal(4, 3), "bias": normal(4)}
    module = nn.Linear(3, 4)
    linear = lambda x, **p: F.gelu(functional_call(module, p, (x,)))
    case("linear", given(), linear)
    case("linear_of", given(), linear, constant=("x",))
    case("embedding", {"weight": normal(6, 3)}, lambda weight: F.embedding(torch.tensor([2, 0, 2, 5]), weight))
    norm = nn.LayerNorm(6, eps=1e-5)
    given = lambda: {"x": normal(5, 6), "weight": normal(6), "bias": normal(6)}
    case("layer_norm", given(), lambda x, **p: functional_call(norm, p, (x,)))
    mask = Stream.new(3, "golden").child(0).mask(0.4, 5, 6)
    after = lambda x, residual, **p: functional_call(norm, p, (residual + x * mask,))
    case("layer_norm_after", given() | {"residual": normal(5, 6)}, after)
    # Three experts, of which each row asks those that score highest; a module for each.
    for asked in [1, 2]:
        modules = [nn.Sequential(nn.Linear(4, 6), nn.GELU(), nn.Linear(6, 4)) for _ in range(3)]
        given = {"x": normal(7, 4), "gate.weight": normal(3, 4), "gate.bias": normal(3)}
        for e in range(3):
            given |= {f"expert.{e}.up.weight": normal(6, 4), f"expert.{e}.up.bias": normal(6)}
            given |= {f"expert.{e}.down.weight": normal(4, 6), f"expert.{e}.down.bias": normal(4)}

        def experts(x, **p):
            gates = F.linear(x, p["gate.weight"], p["gate.bias"]).softmax(1)
            gates = gates * torch.zeros_like(gates).scatter(1, gates.topk(asked, 1).indices, 1.0)
            y = 0.0
            for e, module in enumerate(modules):
                places = {"0": "up", "2": "down"}
                own = {f"{i}.{kind}": p[f"expert.{e}.{name}.{kind}"] for i, name in places.items() for kind in ["weight", "bias"]}
                y = y + gates[:, e, None] * functional_call(module, own, (x,))
            return y

        case(f"experts_{asked}", given, experts)


def sequences():
    """Layers that read sequences, which PyTorch packs too."""
    inputs, width = 4, 5
    pack = lambda x: nn.utils.rnn.pack_sequence([x[a:b] for a, b in SPANS], enforce_sorted=False)
    unpack = lambda y: torch.cat(nn.utils.rnn.unpack_sequence(y))

    def parameters(prefix):
        shapes = {"weight_ih": (4 * width, inputs), "weight_hh": (4 * width, width), "bias": (4 * width,)}
        return {f"{prefix}{name}": normal(*shape) for name, shape in shapes.items()}

    def own(p, prefix, suffix):
        # The kit has the sum of PyTorch's two biases.
        theirs = {f"weight_ih_{suffix}": p[f"{prefix}weight_ih"], f"weight_hh_{suffix}": p[f"{prefix}weight_hh"]}
        return theirs | {f"bias_ih_{suffix}": p[f"{prefix}bias"], f"bias_hh_{suffix}": torch.zeros(4 * width)}

    one, both = nn.LSTM(inputs, width), nn.LSTM(inputs, width, bidirectional=True)

    def lstm(x, h, c, **p):
        y, (h, c) = functional_call(one, own(p, "", "l0"), (pack(x), (h[None], c[None])))
        return torch.cat([unpack(y), h[0], c[0]])

    case("lstm", {"x": normal(9, inputs), "h": normal(3, width), "c": normal(3, width), **parameters("")}, lstm)

    def read(x, p):
        weights = own(p, "forward.", "l0") | own(p, "backward.", "l0_reverse")
        return functional_call(both, weights, (pack(x),))

    def rows(x, **p):
        y, (h, c) = read(x, p)
        return torch.cat([unpack(y), torch.cat([*h], 1), torch.cat([*c], 1)])

    given = lambda: {"x": normal(9, inputs), **parameters("forward."), **parameters("backward.")}
    case("bilstm", given(), rows)
    case("bilstm_summary", given(), lambda x, **p: torch.cat([*read(x, p)[1][0]], 1))

    # Windows of 1, 2 and 4 rows over sequences of 3, 1 and 5.
    filters = {1: 3, 2: 5, 4: 2}
    modules = {c: nn.Conv1d(inputs, o, c) for c, o in filters.items()}
    given = {"x": normal(9, inputs)}
    for c, o in filters.items():
        given |= {f"window.{c}.weight": normal(o, c * inputs), f"window.{c}.bias": normal(o)}

    def text_conv(x, **p):
        y = []
        for a, b in SPANS:
            parts = []
            for c, module in modules.items():
                weight = p[f"window.{c}.weight"].view(-1, c, inputs).transpose(1, 2)
                padded = F.pad(x[a:b], (0, 0, 0, max(0, c - (b - a)))).T[None]
                z = functional_call(module, {"weight": weight, "bias": p[f"window.{c}.bias"]}, (padded,))
                parts.append(torch.tanh(z).amax(2))
            y.append(torch.cat(parts, 1))
        return torch.cat(y)

    case("text_conv", given, text_conv)

    def bare(x, **p):
        y = []
        for first, end in SPANS:
            h, c = torch.zeros(width), torch.zeros(width)
            for t in range(first, end):
                i, f, g, o = (p["weight_ih"] @ x[t] + p["weight_hh"] @ h + p["bias"]).chunk(4)
                c = torch.sigmoid(f) * c + torch.sigmoid(i) * torch.tanh(g)
                h = torch.sigmoid(o) * c
                y.append(h)
        return torch.stack(y)

    case("lstm_bare", {"x": normal(9, inputs), **parameters("")}, bare)


def maps():
    """Layers on images."""
    module = nn.Conv2d(4, 6, 3, 2, 1, groups=2)
    given = {"x": normal(2, 4, 5, 6), "weight": normal(6, 2, 3, 3), "bias": normal(6)}
    case("conv", given, lambda x, **p: functional_call(module, p, (x,)))
    data = nn.Conv2d(3, 4, 3, 1, 1, bias=False)
    given = {"x": normal(2, 3, 5, 4), "weight": normal(4, 3, 3, 3)}
    case("conv_of_data", given, lambda x, **p: functional_call(data, p, (x,)), constant=("x",))

    def statistics():
        return {"running_mean": normal(3), "running_var": single(normal(3).square() + 0.5)}

    def norm(name, trains, residual, f):
        given = {"x": 2 * normal(4, 3, 2, 5) + 1, "weight": normal(3), "bias": normal(3)}
        if residual:
            given["residual"] = normal(4, 3, 2, 5)
        module, running = nn.BatchNorm2d(3).train(trains), statistics()

        def g(x, residual=0.0, **p):
            # Copies, which the module moves in place.
            moved.update({key: value.detach().clone() for key, value in running.items()})
            return f(functional_call(module, p | moved, (x,)) + residual)

        moved = {}
        case(name, given, g)
        keep(name, running)
        keep(name, {f"after.{key}": value for key, value in moved.items()})

    norm("batch_norm", True, False, F.silu)
    norm("batch_norm_onto", True, True, F.relu)
    norm("batch_norm_by", False, False, F.silu)
    norm("batch_norm_by_onto", False, True, F.relu)

    # A convolution and the norm behind it, of both kinds.
    for name, groups in [("normed", 1), ("normed_depthwise", 4)]:
        for residual in [False, True]:
            model = nn.Sequential()
            model.add_module("conv", nn.Conv2d(4, 4, 3, 2, 1, groups=groups, bias=False))
            model.add_module("norm", nn.BatchNorm2d(4))
            given = {"x": normal(2, 4, 6, 5), "conv.weight": normal(4, 4 // groups, 3, 3)}
            given |= {"norm.weight": normal(4), "norm.bias": normal(4)}
            if residual:
                given["residual"] = normal(2, 4, 3, 3)
            before = {f"norm.{key}": getattr(model.norm, key).clone() for key in ["running_mean", "running_var"]}
            whole = f"{name}_onto" if residual else name
            case(whole, given, lambda x, residual=0.0, **p: F.relu(functional_call(model, p, (x,)) + residual))
            keep(whole, before | {f"after.{key}": model.get_buffer(key) for key in before})

    for name, gate in [("sigmoid", nn.Sigmoid()), ("hard_sigmoid", nn.Hardsigmoid())]:
        pool = nn.AdaptiveAvgPool2d(1)
        layers = {"reduce": nn.Conv2d(4, 2, 1), "expand": nn.Conv2d(2, 4, 1)}
        given = {"x": normal(2, 4, 3, 5), "reduce.weight": normal(2, 4), "reduce.bias": normal(2)}
        given |= {"expand.weight": normal(4, 2), "expand.bias": normal(4)}

        def squeeze(x, **p):
            own = lambda name: {"weight": p[f"{name}.weight"][..., None, None], "bias": p[f"{name}.bias"]}
            hidden = F.relu(functional_call(layers["reduce"], own("reduce"), (pool(x),)))
            return x * gate(functional_call(layers["expand"], own("expand"), (hidden,)))

        case(f"squeeze_{name}", given, squeeze)
