"""The net of `san.rs`."""

import torch
from torch import nn
from torch.nn import functional as F
from torch.nn.utils.rnn import pad_sequence

from train import sgd, train

BATCH, REGIONS, FEATURES, WORDS, EMBEDDING = 16, 196, 512, 1000, 500
WIDTH, HIDDEN, ANSWERS = 640, 512, 430


class Layer(nn.Module):
    def __init__(self):
        super().__init__()
        self.image, self.query = nn.Linear(WIDTH, HIDDEN), nn.Linear(WIDTH, HIDDEN)
        self.score = nn.Linear(HIDDEN, 1)

    def forward(self, v, u):
        hidden = torch.tanh(self.image(v) + self.query(u)[:, None])
        p = self.score(hidden)[..., 0].softmax(1)
        return (p[:, None] @ v)[:, 0] + u


class San(nn.Module):
    def __init__(self):
        super().__init__()
        self.word = nn.Embedding(WORDS, EMBEDDING)
        self.windows = nn.ModuleList(nn.Conv1d(EMBEDDING, o, c) for c, o in [(1, 128), (2, 256), (3, 256)])
        self.image = nn.Linear(FEATURES, WIDTH)
        self.layers = nn.ModuleList([Layer(), Layer()])
        self.head = nn.Linear(WIDTH, ANSWERS)

    def forward(self, features, words, lengths):
        x = self.word(words).transpose(1, 2)
        parts = []
        for window in self.windows:
            y = window(x)
            # Windows that lie wholly inside their question.
            outside = torch.arange(y.shape[2]) > lengths[:, None] - window.kernel_size[0]
            parts.append(torch.tanh(y.masked_fill(outside[:, None], float("-inf")).amax(2)))
        u = torch.cat(parts, 1)
        v = torch.tanh(self.image(features))
        for layer in self.layers:
            u = layer(v, u)
        return self.head(F.dropout(u, 0.5, self.training))


def san():
    torch.manual_seed(0)
    model = San()
    lengths = [6 + i * 5 % 7 for i in range(BATCH)]
    words = pad_sequence(list((torch.arange(sum(lengths)) * 37 % WORDS).split(lengths)), batch_first=True)
    labels = torch.arange(BATCH) * 29 % ANSWERS
    count = BATCH * REGIONS * FEATURES
    features = (torch.arange(count) * 7919 % 1000 / 1000).view(BATCH, REGIONS, FEATURES)
    lengths = torch.tensor(lengths)
    return train(model, sgd(model), lambda: F.cross_entropy(model(features, words, lengths), labels))
