"""The kit's random streams (`stages/src/kit/rng.rs`) in plain whole numbers, and the masks of dropout drawn from them."""

import struct

import torch

WORD = 2**64 - 1
STEP = 0x9E3779B97F4A7C15


def mix(x):
    """SplitMix64 at state x + STEP."""
    z = (x + STEP) & WORD
    z = ((z ^ (z >> 30)) * 0xBF58476D1CE4E5B9) & WORD
    z = ((z ^ (z >> 27)) * 0x94D049BB133111EB) & WORD
    return z ^ (z >> 31)


class Stream:
    def __init__(self, key):
        self.key = key

    @staticmethod
    def new(seed, purpose):
        return Stream(mix(seed)).named(purpose)

    def named(self, purpose):
        text, key = purpose.encode(), self.key
        for i in range(0, len(text), 8):
            key = mix(key ^ int.from_bytes(text[i : i + 8], "little"))
        return Stream(mix(key ^ len(text)))

    def child(self, index):
        return Stream(mix(mix(self.key) ^ index))

    def at(self, index):
        return mix((self.key + index * STEP) & WORD)

    def noise(self, index):
        """32 bits an index: two rounds of multiply and fold, half the key before each."""
        key = self.at(WORD)
        x = index ^ (key & 0xFFFFFFFF)
        for half in [0, key >> 32]:
            x = (x + half) & 0xFFFFFFFF
            x ^= x >> 16
            x = (x * 0x7FEB352D) & 0xFFFFFFFF
            x ^= x >> 15
            x = (x * 0x846CA68B) & 0xFFFFFFFF
            x ^= x >> 16
        return x

    def mask(self, p, *shape):
        """What dropout with probability p multiplies the numbers of a tensor with."""
        p = struct.unpack("f", struct.pack("f", p))[0]
        count = torch.Size(shape).numel()
        kept = [0.0 if self.noise(i) < int(p * 2**32) else 1 / (1 - p) for i in range(count)]
        return torch.tensor(kept, dtype=torch.float64).view(shape)


# The numbers that the kit's own test pins, too.
pinned = Stream.new(42, "dropout")
assert [pinned.at(i) for i in range(3)] == [0x2FA70DB6109ECD2D, 0xE9F93334F7AE014B, 0xDF450D623B96DB57]
assert [pinned.noise(i) for i in [0, 1, 2**32 - 1]] == [0x3F25EB27, 0x8573EA59, 0xF954159B]
