"""Writes what `main.rs` compares the kit with: inputs, values and gradients from PyTorch, a file a family.

    python stages/tests/golden/make.py

A case's arrays are named `<case>/<array>`: the inputs by name, the output `y`, fixed weights `r` of it, and for each
input that is trained the gradient `d.<name>` of the sum of y∘r. Numbers are drawn from a seed and computed in double
precision, so that a comparison shows the kit's error alone. Masks of dropout are the kit's own: `stream.py` draws them.
"""

import images
import layers
import ops
import training
from case import write_all

write_all([
    ops.acts, ops.rows, ops.losses, ops.attention, ops.recurrent, ops.experts, ops.dropouts,
    ops.gates,
    images.convolutions, images.norms, images.pooling, images.channels, images.conv_norms,
    layers.encoder, layers.layers, layers.sequences, layers.maps,
    training.optimisers, training.schedules,
])  # fmt: skip
