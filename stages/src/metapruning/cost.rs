//! What a net of certain widths costs, in closed form.

use std::ops::AddAssign;

use super::net::{Block, Conv, Family, Net};

/// Work and size of a net.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, serde::Serialize, serde::Deserialize)]
pub struct Cost {
    /// Multiply-adds of convolutions and classifier for one picture.
    pub macs: u64,
    /// The same as the authors' code counts: with the classifier's bias, the inputs of norms and, in ResNet-50, of
    /// activations, and the windows of pooling.
    pub counted: u64,
    /// Numbers that are trained in the plain net.
    pub params: u64,
}

impl AddAssign for Cost {
    fn add_assign(&mut self, other: Self) {
        self.macs += other.macs;
        self.counted += other.counted;
        self.params += other.params;
    }
}

/// What the net costs when its wires have these widths.
pub fn cost(net: &Net, widths: &[usize]) -> Cost {
    let mut size = [net.picture[1], net.picture[2]];
    let mut total = Cost::default();
    let relu = net.family == Family::Resnet50;
    for block in &net.blocks {
        total += of_block(block, widths, &mut size, relu);
    }
    let (features, classes) = (widths[net.features()] as u64, net.classes as u64);
    let area = (size[0] * size[1]) as u64;
    // The mean of each map is a pooling layer of its own but in ResNet-50, where it is a function.
    let pool = if relu { 0 } else { area * features };
    total += Cost {
        macs: features * classes,
        counted: features * classes + classes + pool,
        params: features * classes + classes,
    };
    total
}

/// A block's cost; `size` becomes that of its maps.
fn of_block(block: &Block, widths: &[usize], size: &mut [usize; 2], relu: bool) -> Cost {
    let (mut total, start) = (Cost::default(), *size);
    for conv in &block.convs {
        *size = conv.maps(*size);
        total += of_conv(conv, widths, *size);
    }
    if let super::net::Shortcut::Conv(conv) = &block.shortcut {
        total += of_conv(conv, widths, conv.maps(start));
    }
    let last = block.convs.last().map_or(0, |conv| widths[conv.output]);
    if relu {
        let mut maps = start;
        for conv in &block.convs {
            maps = conv.maps(maps);
            let active = conv.act != crate::kit::ops::act::Act::Identity;
            total.counted += if active { numbers(maps, widths[conv.output]) } else { 0 };
        }
        if block.act != crate::kit::ops::act::Act::Identity {
            total.counted += numbers(*size, last);
        }
    }
    if block.pool {
        *size = size.map(|n| (n - 1) / 2 + 1);
        total.counted += 9 * numbers(*size, last);
    }
    total
}

fn of_conv(conv: &Conv, widths: &[usize], maps: [usize; 2]) -> Cost {
    let weights = conv.shape(widths).iter().product::<usize>() as u64;
    let channels = widths[conv.output] as u64;
    let macs = weights * (maps[0] * maps[1]) as u64;
    Cost { macs, counted: macs + numbers(maps, widths[conv.output]), params: weights + 2 * channels }
}

fn numbers(maps: [usize; 2], channels: usize) -> u64 {
    (maps[0] * maps[1] * channels) as u64
}

/// How many numbers of the net that generates weights are trained: two layers a convolution and the classifier.
pub fn generator_params(net: &Net) -> u64 {
    let widths = net.widths(&net.full());
    let of_conv = |conv: &Conv| {
        let (seen, hidden) = (conv.seen.len() as u64, conv.hidden as u64);
        let weights = conv.shape(&widths).iter().product::<usize>() as u64;
        (seen + 1) * hidden + (hidden + 1) * weights
    };
    let classifier = (widths[net.features()] as u64 + 1) * net.classes as u64;
    net.convs().map(of_conv).sum::<u64>() + classifier
}

#[cfg(test)]
mod tests;
