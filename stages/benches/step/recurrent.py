"""The recurrent models of `recurrent.rs`."""

import torch
from torch import nn
from torch.nn import functional as F
from torch.nn.utils.rnn import pack_padded_sequence, pad_packed_sequence, pad_sequence

from train import adam, train

BATCH, WORDS, ACTIONS, CLASSES = 64, 16, 9, 6
COMMANDS = [4 + i * 7 % 6 for i in range(BATCH)]
OUTPUTS = [1 + i * 13 % 33 for i in range(BATCH)]


def words(lengths, vocabulary):
    ids = torch.arange(sum(lengths)) * 31 % vocabulary
    return pad_sequence(list(ids.split(lengths)), batch_first=True)


class Classifier(nn.Module):
    def __init__(self, embedding, width):
        super().__init__()
        self.word = nn.Embedding(WORDS, embedding)
        self.lstm = nn.LSTM(embedding, width, batch_first=True, bidirectional=True)
        self.head = nn.Linear(2 * width, CLASSES)

    def forward(self, ids, lengths):
        x = F.dropout(self.word(ids), 0.5, self.training)
        packed = pack_padded_sequence(x, lengths, batch_first=True, enforce_sorted=False)
        _, (h, _) = self.lstm(packed)
        return self.head(torch.cat([h[0], h[1]], 1))


def classifier(embedding, width):
    torch.manual_seed(0)
    model = Classifier(embedding, width)
    ids, lengths = words(COMMANDS, WORDS), torch.tensor(COMMANDS)
    labels = torch.arange(BATCH) % CLASSES
    return train(model, adam(model), lambda: F.cross_entropy(model(ids, lengths), labels))


class Seq2Seq(nn.Module):
    def __init__(self, embedding, width):
        super().__init__()
        self.word, self.action = nn.Embedding(WORDS, embedding), nn.Embedding(ACTIONS, embedding)
        self.encoder = nn.LSTM(embedding, width, batch_first=True, bidirectional=True)
        self.project = nn.Linear(2 * width, width)
        self.decoder = nn.LSTM(embedding, width, batch_first=True)
        self.query = nn.Linear(width, width)
        self.head = nn.Linear(2 * width, ACTIONS)

    def forward(self, ids, lengths, before):
        x = F.dropout(self.word(ids), 0.5, self.training)
        packed = pack_padded_sequence(x, lengths, batch_first=True, enforce_sorted=False)
        rows, (h, c) = self.encoder(packed)
        keys = self.project(pad_packed_sequence(rows, batch_first=True)[0])
        y = F.dropout(self.action(before), 0.5, self.training)
        # Padded at the end: what comes after an output's last action changes nothing before it.
        rows, _ = self.decoder(y, (h.sum(0, keepdim=True), c.sum(0, keepdim=True)))
        scores = self.query(rows) @ keys.transpose(1, 2)
        hidden = torch.arange(ids.shape[1]) >= lengths[:, None]
        weights = scores.masked_fill(hidden[:, None], float("-inf")).softmax(2)
        both = F.dropout(torch.cat([rows, weights @ keys], 2), 0.5, self.training)
        return self.head(both)


def seq2seq(embedding, width):
    torch.manual_seed(0)
    model = Seq2Seq(embedding, width)
    ids, lengths = words(COMMANDS, WORDS), torch.tensor(COMMANDS)
    before = words(OUTPUTS, ACTIONS)
    after = (before + 1) % ACTIONS
    for row, length in zip(after, OUTPUTS):
        row[length:] = -100
    return train(model, adam(model), lambda: F.cross_entropy(model(ids, lengths, before).transpose(1, 2), after))
