"""The encoder of `encoder.rs`."""

import torch
from torch import nn
from torch.nn import functional as F

from train import adam_w, train


class Layer(nn.Module):
    def __init__(self, width, heads, inner, p):
        super().__init__()
        self.heads, self.p = heads, p
        self.qkv, self.out = nn.Linear(width, 3 * width), nn.Linear(width, width)
        self.up, self.down = nn.Linear(width, inner), nn.Linear(inner, width)
        self.n1, self.n2 = nn.LayerNorm(width), nn.LayerNorm(width)

    def forward(self, x, mask):
        b, t, w = x.shape
        q, k, v = self.qkv(x).view(b, t, 3, self.heads, w // self.heads).permute(2, 0, 3, 1, 4)
        p = self.p if self.training else 0.0
        y = F.scaled_dot_product_attention(q, k, v, attn_mask=mask, dropout_p=p)
        y = self.out(y.transpose(1, 2).reshape(b, t, w))
        x = self.n1(x + F.dropout(y, self.p, self.training))
        y = self.down(F.gelu(self.up(x)))
        return self.n2(x + F.dropout(y, self.p, self.training))


class Masked(nn.Module):
    def __init__(self, layers, width, heads, inner, vocabulary, positions, p):
        super().__init__()
        self.p = p
        self.word, self.position = nn.Embedding(vocabulary, width), nn.Embedding(positions, width)
        self.norm = nn.LayerNorm(width)
        self.layers = nn.ModuleList(Layer(width, heads, inner, p) for _ in range(layers))
        self.dense, self.head_norm = nn.Linear(width, width), nn.LayerNorm(width)
        self.bias = nn.Parameter(torch.zeros(vocabulary))

    def forward(self, ids, mask, sites):
        x = self.norm(self.word(ids) + self.position(torch.arange(ids.shape[1])))
        x = F.dropout(x, self.p, self.training)
        for layer in self.layers:
            x = layer(x, mask)
        x = x.flatten(0, 1)[sites]
        x = self.head_norm(F.gelu(self.dense(x)))
        return F.linear(x, self.word.weight, self.bias)


def masked(layers, width, heads, inner, vocabulary, sequences, tokens):
    torch.manual_seed(0)
    model = Masked(layers, width, heads, inner, vocabulary, tokens, 0.1)
    ids = torch.randint(vocabulary, (sequences, tokens))
    sites = torch.nonzero(torch.rand(sequences * tokens) < 0.15)[:, 0]
    words = ids.flatten()[sites]
    # As a batch from a data loader: a key mask that hides padding, of which there is none here.
    mask = torch.ones(sequences, 1, 1, tokens, dtype=torch.bool)
    return train(model, adam_w(model), lambda: F.cross_entropy(model(ids, mask, sites), words))
