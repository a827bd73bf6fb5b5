"""What the twins share: a step of training."""

import torch
from torch import nn


def train(model, optimizer, loss):
    model.train()

    def step():
        value = loss()
        optimizer.zero_grad()
        value.backward()
        nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        optimizer.step()

    return step


def adam_w(model):
    return torch.optim.AdamW(model.parameters(), lr=1e-4, weight_decay=0.01)


def adam(model):
    return torch.optim.Adam(model.parameters(), lr=1e-4)


def sgd(model):
    return torch.optim.SGD(model.parameters(), lr=1e-4, momentum=0.9)
