"""Ops on images."""

import torch
from case import case, keep, normal, single
from torch import nn
from torch.nn import functional as F


def convolutions():
    # Images, channels, height, width, filters, kernel, stride, padding, dilation, groups.
    cases = {
        "plain": (2, 3, 5, 7, 4, 3, 1, 1, 1, 1),
        "point": (3, 5, 4, 4, 9, 1, 1, 0, 1, 1),
        "point_strided": (2, 4, 5, 5, 3, 1, 2, 0, 1, 1),
        "strided": (2, 3, 8, 7, 5, 3, 2, 1, 1, 1),
        "wide": (1, 2, 9, 11, 3, 5, 1, 2, 1, 1),
        "dilated": (1, 2, 9, 9, 3, 3, 1, 2, 2, 1),
        "grouped": (2, 6, 5, 5, 4, 3, 1, 1, 1, 2),
        "depthwise": (2, 5, 6, 7, 5, 3, 1, 1, 1, 5),
        "depthwise_strided": (2, 4, 9, 8, 4, 5, 2, 2, 1, 4),
        "one": (1, 1, 1, 1, 1, 3, 1, 1, 1, 1),
    }
    for name, (b, i, h, w, o, k, stride, padding, dilation, groups) in cases.items():
        given = dict(x=normal(b, i, h, w), w=normal(o, i // groups, k, k), b=normal(o))
        case(name, given, lambda x, w, b: F.conv2d(x, w, b, stride, padding, dilation, groups))
        keep(name, {"geometry": torch.tensor([o, stride, padding, dilation, groups])})
    # The first filters and channels of larger weights.
    given = dict(x=normal(2, 3, 5, 5), w=normal(6, 5, 3, 3), b=normal(6))
    case("cropped", given, lambda x, w, b: F.conv2d(x, w[:4, :3], b[:4], 1, 1))
    keep("cropped", {"geometry": torch.tensor([4, 1, 1, 1, 1])})
    given = dict(x=normal(2, 3, 5, 5), w=normal(6, 1, 3, 3), b=normal(6))
    case("depthwise_cropped", given, lambda x, w, b: F.conv2d(x, w[:3], b[:3], 2, 1, 1, 3))
    keep("depthwise_cropped", {"geometry": torch.tensor([3, 2, 1, 1, 3])})
    # So many channels that there is another way; scaled so that all sums are of about one.
    given = dict(x=single(0.2 * normal(1, 32, 5, 6)), w=single(0.06 * normal(32, 32, 3, 3)), b=normal(32))
    case("many", given, lambda x, w, b: F.conv2d(x, w, b, 1, 1))
    keep("many", {"geometry": torch.tensor([32, 1, 1, 1, 1])})


def norms():
    def given(channels=3, spare=0):
        affine = dict(gain=normal(channels + spare), shift=normal(channels + spare))
        return dict(x=2 * normal(4, channels, 3, 5) + 1, residual=normal(4, channels, 3, 5), **affine)

    def norm(x, gain, shift, mean=None, variance=None):
        c = x.shape[1]
        if mean is None:
            return F.batch_norm(x, None, None, gain[:c], shift[:c], True)
        return F.batch_norm(x, mean[:c], variance[:c], gain[:c], shift[:c], False)

    case("batch", given(), lambda x, residual, gain, shift: F.silu(norm(x, gain, shift) + residual))
    case("cropped", given(3, 2), lambda x, residual, gain, shift: norm(x, gain, shift) + residual)
    given_by = given(3, 1) | dict(mean=normal(4), variance=normal(4).square() + 0.5)
    case(
        "given",
        given_by,
        lambda x, residual, gain, shift, mean, variance: F.relu(norm(x, gain, shift, mean, variance) + residual),
        constant=("mean", "variance"),
    )
    # Running statistics after two batches.
    layer = nn.BatchNorm2d(3)
    batches = [normal(4, 3, 2, 2), normal(4, 3, 2, 2) + 1]
    for batch in batches:
        layer(batch)
    keep("running", {"x": torch.cat(batches), "mean": layer.running_mean, "variance": layer.running_var})


def pooling():
    for name, kernel, stride, padding, dilation in [("two", 2, 2, 0, 1), ("three", 3, 2, 1, 1), ("dilated", 3, 1, 1, 2)]:
        largest = lambda x: F.max_pool2d(x, kernel, stride, padding, dilation)
        case(f"max_{name}", dict(x=normal(2, 3, 7, 9)), largest)
        keep(f"max_{name}", {"geometry": torch.tensor([kernel, stride, padding, dilation])})
        if dilation == 1:
            case(f"average_{name}", dict(x=normal(2, 3, 7, 9)), lambda x: F.avg_pool2d(x, kernel, stride, padding))
            keep(f"average_{name}", {"geometry": torch.tensor([kernel, stride, padding, dilation])})
    case("global", dict(x=normal(2, 3, 5, 4)), lambda x: x.mean((2, 3)))


def channels():
    case("scale", dict(x=normal(2, 3, 4, 5), s=normal(2, 3)), lambda x, s: x * s[..., None, None])
    case("concat", dict(a=normal(2, 3, 2, 2), b=normal(2, 1, 2, 2)), lambda a, b: torch.cat([a, b], 1))
    case("add", dict(a=normal(2, 3, 2, 2), b=normal(2, 3, 2, 2)), lambda a, b: F.hardswish(a + b))
    case("relu6", dict(x=4 * normal(2, 2, 3, 3)), lambda x: F.relu6(x))


def conv_norms():
    """A convolution and the norm behind it; the plain one without a residual."""
    # Images, channels, height, width, filters, stride, groups, and spare filters and channels of the weights.
    cases = {
        "plain": (2, 3, 5, 6, 4, 1, 1, 0),
        "strided": (2, 3, 7, 6, 5, 2, 1, 0),
        "grouped": (2, 4, 5, 5, 6, 1, 2, 0),
        "cropped": (2, 3, 5, 5, 4, 1, 1, 2),
        "depthwise": (2, 4, 6, 5, 4, 1, 4, 0),
        "depthwise_strided": (2, 4, 7, 8, 4, 2, 4, 1),
    }
    for name, (b, i, h, w, o, stride, groups, spare) in cases.items():
        depth = i // groups

        def f(x, w, gain, shift, residual=0.0):
            z = F.conv2d(x, w[:o, :depth], None, stride, 1, 1, groups)
            return F.silu(F.batch_norm(z, None, None, gain[:o], shift[:o], True) + residual)

        kernel = normal(o + spare, depth + (spare if groups == 1 else 0), 3, 3)
        given = dict(x=normal(b, i, h, w), w=kernel, gain=normal(o + spare), shift=normal(o + spare))
        if name != "plain":
            given["residual"] = normal(b, o, -(-h // stride), -(-w // stride))
        case(name, given, f)
        keep(name, {"geometry": torch.tensor([o, stride, 1, 1, groups])})
