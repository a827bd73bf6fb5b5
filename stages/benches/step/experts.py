"""The language model of `experts.rs`."""

import torch
from torch import nn
from torch.nn import functional as F

from train import adam_w, train

LAYERS, EXPERTS, WIDTH, HEADS, INNER = 4, 8, 128, 4, 512
VOCABULARY, SEQUENCES, TOKENS, DROPOUT = 1000, 16, 64, 0.1


def feed():
    return nn.Sequential(nn.Linear(WIDTH, INNER), nn.GELU(), nn.Linear(INNER, WIDTH))


class Experts(nn.Module):
    def __init__(self):
        super().__init__()
        self.gate = nn.Linear(WIDTH, EXPERTS)
        self.experts = nn.ModuleList(feed() for _ in range(EXPERTS))

    def forward(self, x):
        shape, x = x.shape, x.flatten(0, 1)
        gates = self.gate(x).softmax(1)
        best = gates.argmax(1)
        y = torch.zeros_like(x)
        for e, expert in enumerate(self.experts):
            sent = torch.nonzero(best == e)[:, 0]
            y = y.index_add(0, sent, expert(x[sent]) * gates[sent, e, None])
        return y.view(shape)


class Layer(nn.Module):
    def __init__(self, sparse):
        super().__init__()
        self.before, self.between = nn.LayerNorm(WIDTH), nn.LayerNorm(WIDTH)
        self.qkv, self.out = nn.Linear(WIDTH, 3 * WIDTH), nn.Linear(WIDTH, WIDTH)
        self.feed = Experts() if sparse else feed()

    def forward(self, x):
        b, t, w = x.shape
        q, k, v = self.qkv(self.before(x)).view(b, t, 3, HEADS, w // HEADS).permute(2, 0, 3, 1, 4)
        y = F.scaled_dot_product_attention(q, k, v, dropout_p=DROPOUT if self.training else 0.0, is_causal=True)
        x = x + F.dropout(self.out(y.transpose(1, 2).reshape(b, t, w)), DROPOUT, self.training)
        return x + F.dropout(self.feed(self.between(x)), DROPOUT, self.training)


class Model(nn.Module):
    def __init__(self):
        super().__init__()
        self.word, self.position = nn.Embedding(VOCABULARY, WIDTH), nn.Embedding(TOKENS, WIDTH)
        self.layers = nn.ModuleList(Layer(i % 2 == 1) for i in range(LAYERS))
        self.norm = nn.LayerNorm(WIDTH)
        for p in self.parameters():
            if p.dim() > 1:
                nn.init.normal_(p, std=0.02)

    def forward(self, ids):
        x = F.dropout(self.word(ids) + self.position(torch.arange(TOKENS)), DROPOUT, self.training)
        for layer in self.layers:
            x = layer(x)
        return F.linear(self.norm(x), self.word.weight)


def language_model():
    torch.manual_seed(0)
    model = Model()
    ids = torch.arange(SEQUENCES * TOKENS).view(SEQUENCES, TOKENS) * 7919 % VOCABULARY
    following = (torch.arange(SEQUENCES * TOKENS) + 1) * 7919 % VOCABULARY
    return train(model, adam_w(model), lambda: F.cross_entropy(model(ids).flatten(0, 1), following))
