"""The nets of `conv.rs`, for `step.py`."""

import torch
from torch import nn
from torch.nn import functional as F


def conv(inputs, outputs, kernel, stride=1, groups=1):
    return nn.Conv2d(inputs, outputs, kernel, stride, kernel // 2, groups=groups, bias=False)


def normed(inputs, outputs, kernel, stride=1, groups=1, relu=True):
    layers = [conv(inputs, outputs, kernel, stride, groups), nn.BatchNorm2d(outputs)]
    return nn.Sequential(*layers, *([nn.ReLU(inplace=True)] if relu else []))


def mobile_net(width):
    plan = [(64, 1), (128, 2), (128, 1), (256, 2), (256, 1), (512, 2)]
    plan += [(512, 1)] * 5 + [(1024, 2), (1024, 1)]
    inputs = int(32 * width)
    layers = [normed(3, inputs, 3)]
    for outputs, stride in plan:
        outputs = int(outputs * width)
        layers += [normed(inputs, inputs, 3, stride, inputs), normed(inputs, outputs, 1)]
        inputs = outputs
    return nn.Sequential(*layers, nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(inputs, 10))


class Ghost(nn.Module):
    def __init__(self, inputs, outputs, relu):
        super().__init__()
        self.relu = relu
        self.primary = normed(inputs, outputs, 1, relu=relu)
        self.cheap = normed(outputs, outputs, 3, groups=outputs, relu=False)
        self.fusion = nn.BatchNorm2d(outputs)

    def forward(self, x):
        x = self.primary(x)
        y = self.cheap(x) + self.fusion(x)
        return F.relu(y, inplace=True) if self.relu else y


class SqueezeExcite(nn.Module):
    def __init__(self, channels, reduced):
        super().__init__()
        self.reduce, self.expand = nn.Conv2d(channels, reduced, 1), nn.Conv2d(reduced, channels, 1)

    def forward(self, x):
        gate = F.adaptive_avg_pool2d(x, 1)
        return x * F.hardsigmoid(self.expand(F.relu(self.reduce(gate), inplace=True)))


class Bottleneck(nn.Module):
    def __init__(self, inputs, kernel, stride, middle, outputs, reduced):
        super().__init__()
        layers = [Ghost(inputs, middle, True)]
        if stride > 1:
            layers.append(normed(middle, middle, kernel, stride, middle, relu=False))
        if reduced:
            layers.append(SqueezeExcite(middle, reduced))
        self.layers = nn.Sequential(*layers, Ghost(middle, outputs, False))
        self.shortcut = nn.Sequential()
        if inputs != outputs or stride > 1:
            self.shortcut = nn.Sequential(
                normed(inputs, inputs, kernel, stride, inputs, relu=False),
                normed(inputs, outputs, 1, relu=False),
            )

    def forward(self, x):
        return self.layers(x) + self.shortcut(x)


def rep_ghost():
    blocks = [
        (3, 1, 4, 8, 0), (3, 2, 12, 12, 0), (3, 1, 20, 12, 0), (5, 2, 20, 20, 8),
        (5, 1, 32, 20, 8), (3, 2, 60, 40, 0), (3, 1, 52, 40, 0), (3, 1, 60, 40, 0),
        (3, 1, 60, 40, 0), (3, 1, 120, 56, 32), (3, 1, 168, 56, 44), (5, 2, 168, 80, 44),
        (5, 1, 240, 80, 0), (5, 1, 240, 80, 60), (5, 1, 240, 80, 0), (5, 1, 240, 80, 60),
    ]  # fmt: skip
    layers, inputs = [normed(3, 8, 3, 2)], 8
    for block in blocks:
        layers.append(Bottleneck(inputs, *block))
        inputs = block[3]
    layers += [normed(inputs, 480, 1), nn.AdaptiveAvgPool2d(1), nn.Flatten()]
    return nn.Sequential(*layers, nn.Linear(480, 1280), nn.ReLU(inplace=True), nn.Linear(1280, 10))


class Block(nn.Module):
    def __init__(self, inputs, outputs):
        super().__init__()
        stride = outputs // inputs
        self.norm0, self.norm1 = nn.BatchNorm2d(inputs), nn.BatchNorm2d(outputs)
        self.conv0, self.conv1 = conv(inputs, outputs, 3, stride), conv(outputs, outputs, 3)
        self.shortcut = conv(inputs, outputs, 1, stride) if stride > 1 else None

    def forward(self, x):
        y = F.relu(self.norm0(x), inplace=True)
        kept = self.shortcut(y) if self.shortcut else x
        return self.conv1(F.relu(self.norm1(self.conv0(y)), inplace=True)) + kept


def pre_act_res_net():
    layers, inputs = [conv(3, 64, 3)], 64
    for outputs in (64, 64, 128, 128, 256, 256, 512, 512):
        layers.append(Block(inputs, outputs))
        inputs = outputs
    layers += [nn.BatchNorm2d(512), nn.ReLU(inplace=True), nn.AdaptiveAvgPool2d(1), nn.Flatten()]
    return nn.Sequential(*layers, nn.Linear(512, 10))


def classify(batch, size, model):
    """A step of SGD on a batch of noise."""
    x, classes = torch.randn(batch, 3, size, size), torch.randint(10, (batch,))
    optimizer = torch.optim.SGD(model.parameters(), lr=1e-4, momentum=0.9, weight_decay=5e-4)
    model.train()

    def step():
        loss = F.cross_entropy(model(x), classes)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()

    return step
