//! Nets whose widths can be chosen: their blocks, convolutions and the genes that say how wide each is.
//!
//! A *wire* is a count of channels that several convolutions share: what one writes and the next reads, or what all
//! blocks joined by shortcuts write. A gene is the place of a wire's width in the [`grid`].

use runpipe_base::choice;

use super::grid;
use crate::kit::ops::act::Act;

choice! {
    /// A family of nets.
    pub enum Family {
        /// MobileNet V1.
        MobilenetV1 = "mobilenet_v1",
        /// MobileNet V1 for pictures of 32×32: the stem and the last block do not halve them.
        MobilenetV1Small = "mobilenet_v1_small",
        /// MobileNet V2 with 1.4 times its usual widths.
        MobilenetV2 = "mobilenet_v2",
        /// ResNet-50.
        Resnet50 = "resnet50",
        /// Five blocks like those of MobileNet V1, of 8, 16, 32, 32, 64 and 64 channels.
        Doubling = "doubling",
        /// The same with 32 channels everywhere: too wide where it is costly.
        Flat = "flat",
    }
}

/// Channels that a gene chooses, or that are fixed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Wire {
    /// Its full width.
    pub base: usize,
    /// The gene that chooses its width; none: it is always full.
    pub gene: Option<usize>,
}

impl Wire {
    /// Its place in the grid.
    fn place(&self, gene: &[u8]) -> u8 {
        self.gene.map_or(grid::FULL, |index| gene[index])
    }
}

/// A convolution without bias, with a batch norm and an activation behind it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Conv {
    /// Name of its parameters.
    pub name: String,
    /// The wire that it reads.
    pub input: usize,
    /// The wire that it writes.
    pub output: usize,
    /// Height and width of its filters; zeros around the maps keep their size.
    pub kernel: usize,
    /// Numbers from one window to the next.
    pub stride: usize,
    /// Whether each channel has a filter of its own.
    pub depthwise: bool,
    /// What follows its norm.
    pub act: Act,
    /// The wires whose scales its weights are generated from, in order.
    pub seen: Vec<usize>,
    /// Hidden numbers of the layers that generate its weights.
    pub hidden: usize,
    /// The wire whose place in the grid picks its norm.
    pub bank: usize,
}

/// What is added to a block's output.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Shortcut {
    /// Nothing.
    None,
    /// The block's input.
    Identity,
    /// A convolution of the block's input.
    Conv(Conv),
}

/// Convolutions one after the other, and what is added to them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Block {
    /// The convolutions.
    pub convs: Vec<Conv>,
    /// What is added to the last one's output.
    pub shortcut: Shortcut,
    /// What follows the sum.
    pub act: Act,
    /// Whether the largest of every 3×3 numbers, two apart, goes on.
    pub pool: bool,
}

impl Block {
    fn plain(convs: Vec<Conv>) -> Self {
        Self { convs, shortcut: Shortcut::None, act: Act::Identity, pool: false }
    }

    /// Its convolutions with the one on the shortcut, which comes last.
    pub fn all(&self) -> impl Iterator<Item = &Conv> {
        let side = if let Shortcut::Conv(conv) = &self.shortcut { Some(conv) } else { None };
        self.convs.iter().chain(side)
    }
}

/// A net of one family for pictures of one size.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Net {
    /// The family.
    pub family: Family,
    /// Channels, height and width of a picture.
    pub picture: [usize; 3],
    /// Classes.
    pub classes: usize,
    /// Channels that genes choose or that are fixed; the first is the picture.
    pub wires: Vec<Wire>,
    /// The blocks. The mean of each map of the last one goes to a linear classifier.
    pub blocks: Vec<Block>,
    /// How many genes there are.
    pub genes: usize,
}

/// Places in the grid, one a gene.
pub type Gene = Vec<u8>;

impl Net {
    /// The net of a family, its widths multiplied by `times`.
    pub fn new(family: Family, times: usize, picture: [usize; 3], classes: usize) -> Self {
        let mut build = Build::new(picture[0], times);
        match family {
            Family::MobilenetV1 => build.mobilenet_v1(&V1, 2),
            Family::MobilenetV1Small => build
                .mobilenet_v1(&V1.map(|(width, stride)| (width, if width == 1024 { 1 } else { stride })), 1),
            Family::MobilenetV2 => build.mobilenet_v2(),
            Family::Resnet50 => build.resnet_50(),
            Family::Doubling => build.mobilenet_v1(&[(8, 1), (16, 1), (32, 2), (32, 1), (64, 2), (64, 1)], 1),
            Family::Flat => build.mobilenet_v1(&[(32, 1), (32, 1), (32, 2), (32, 1), (32, 2), (32, 1)], 1),
        }
        Self { family, picture, classes, wires: build.wires, blocks: build.blocks, genes: build.genes }
    }

    /// The gene of the whole net.
    pub fn full(&self) -> Gene {
        vec![grid::FULL; self.genes]
    }

    /// The width of every wire.
    ///
    /// # Panics
    /// When the gene is not one of this net's.
    pub fn widths(&self, gene: &[u8]) -> Vec<usize> {
        assert_eq!(gene.len(), self.genes, "places in the grid");
        self.wires.iter().map(|wire| grid::width(wire.base, wire.place(gene))).collect()
    }

    /// Every wire's place in the grid.
    pub fn places(&self, gene: &[u8]) -> Vec<u8> {
        self.wires.iter().map(|wire| wire.place(gene)).collect()
    }

    /// Widths that are all scaled alike: ⌊base · ratio⌋, at least 1. With `last` the features stay whole.
    pub fn uniform(&self, ratio: f64, last: bool) -> Vec<usize> {
        let scaled = |base: usize| ((base as f64 * ratio + 1e-9).floor() as usize).max(1);
        let mut widths: Vec<usize> = self.wires.iter().map(|wire| scaled(wire.base)).collect();
        widths[0] = self.wires[0].base;
        if last {
            widths[self.features()] = self.wires[self.features()].base;
        }
        widths
    }

    /// The wire that the classifier reads.
    pub fn features(&self) -> usize {
        let last = self.blocks.last().and_then(|block| block.convs.last());
        last.expect("a net has a convolution").output
    }

    /// All convolutions in order.
    pub fn convs(&self) -> impl Iterator<Item = &Conv> {
        self.blocks.iter().flat_map(Block::all)
    }

    /// A name for a wire: that of the first convolution that writes it.
    pub fn wire_name(&self, wire: usize) -> String {
        let writer = self.convs().find(|conv| conv.output == wire && !conv.depthwise);
        writer.map_or_else(|| "picture".to_owned(), |conv| conv.name.clone())
    }
}

/// Widths and strides of MobileNet V1: the stem, then thirteen blocks.
const V1: [(usize, usize); 14] = [
    (32, 2),
    (64, 1),
    (128, 2),
    (128, 1),
    (256, 2),
    (256, 1),
    (512, 2),
    (512, 1),
    (512, 1),
    (512, 1),
    (512, 1),
    (512, 1),
    (1024, 2),
    (1024, 1),
];

/// Stages of MobileNet V2: expansion, width, blocks and the first one's stride.
const V2: [(usize, usize, usize, usize); 7] = [
    (1, 22, 1, 1),
    (6, 33, 2, 2),
    (6, 44, 3, 2),
    (6, 88, 4, 2),
    (6, 132, 3, 1),
    (6, 224, 3, 2),
    (6, 448, 1, 1),
];

/// Stages of ResNet-50: width, blocks and the first one's stride.
const R50: [(usize, usize, usize); 4] = [(256, 3, 1), (512, 4, 2), (1024, 6, 2), (2048, 3, 2)];

/// A net while it is put together.
struct Build {
    times: usize,
    wires: Vec<Wire>,
    blocks: Vec<Block>,
    genes: usize,
}

impl Build {
    fn new(channels: usize, times: usize) -> Self {
        let picture = Wire { base: channels, gene: None };
        Self { times, wires: vec![picture], blocks: Vec::new(), genes: 0 }
    }

    fn fixed(&mut self, width: usize) -> usize {
        self.wires.push(Wire { base: width * self.times, gene: None });
        self.wires.len() - 1
    }

    fn free(&mut self, width: usize) -> usize {
        let wire = self.fixed(width);
        self.wires[wire].gene = Some(self.genes);
        self.genes += 1;
        wire
    }

    /// The stem and blocks of a depthwise and a pointwise convolution; only the last width is fixed.
    fn mobilenet_v1(&mut self, layers: &[(usize, usize)], stem_stride: usize) {
        let mut from = self.free(layers[0].0);
        let stem = conv("stem", [0, from], 3, stem_stride).act(Act::Relu).seen(&[from], 32);
        self.blocks.push(Block::plain(vec![stem]));
        for (i, (width, stride)) in layers.iter().enumerate().skip(1) {
            let to = if i + 1 == layers.len() { self.fixed(*width) } else { self.free(*width) };
            let depthwise = conv(&format!("block{i}.depthwise"), [from, from], 3, *stride).depthwise();
            let pointwise = conv(&format!("block{i}.pointwise"), [from, to], 1, 1);
            let both = [depthwise, pointwise].map(|conv| conv.act(Act::Relu).seen(&[from, to], 32));
            self.blocks.push(Block::plain(both.to_vec()));
            from = to;
        }
    }

    /// Output genes first, one a stage, then one for the middle of each bottleneck.
    fn mobilenet_v2(&mut self) {
        let mut from = self.free(44);
        let stem = conv("stem", [0, from], 3, 2).act(Act::Relu6).seen(&[from], 32);
        self.blocks.push(Block::plain(vec![stem]));
        let outputs: Vec<usize> = V2.iter().map(|(_, width, ..)| self.free(*width)).collect();
        let mut number = 0;
        let mut base = 44;
        for ((expansion, width, blocks, stride), to) in V2.into_iter().zip(outputs) {
            for i in 0..blocks {
                number += 1;
                let middle = self.free(expansion * base);
                let stride = if i == 0 { stride } else { 1 };
                let convs = [
                    conv(&format!("block{number}.expand"), [from, middle], 1, 1).act(Act::Relu6),
                    conv(&format!("block{number}.depthwise"), [middle, middle], 3, stride)
                        .depthwise()
                        .act(Act::Relu6),
                    conv(&format!("block{number}.project"), [middle, to], 1, 1),
                ];
                let convs = convs.map(|conv| conv.seen(&[middle, from, to], 64)).to_vec();
                let shortcut = if base == width { Shortcut::Identity } else { Shortcut::None };
                self.blocks.push(Block { shortcut, ..Block::plain(convs) });
                (from, base) = (to, width);
            }
        }
        let to = self.fixed(1280);
        let mut last = conv("last", [from, to], 1, 1).act(Act::Relu6).seen(&[from], 32);
        last.bank = from;
        self.blocks.push(Block::plain(vec![last]));
    }

    /// Genes of the stem and of three stages' outputs, then one for the middle of each bottleneck.
    fn resnet_50(&mut self) {
        let mut from = self.free(64);
        let stem = conv("stem", [0, from], 7, 2).act(Act::Relu).seen(&[from], 32);
        self.blocks.push(Block { pool: true, ..Block::plain(vec![stem]) });
        let mut outputs: Vec<usize> = R50[..3].iter().map(|(width, ..)| self.free(*width)).collect();
        outputs.push(self.fixed(R50[3].0));
        let mut number = 0;
        for ((width, blocks, stride), to) in R50.into_iter().zip(outputs) {
            for i in 0..blocks {
                number += 1;
                let middle = self.free(width / 4);
                let stride = if i == 0 { stride } else { 1 };
                let seen = |conv: Conv| conv.seen(&[middle, from, to], 32);
                let convs = vec![
                    seen(conv(&format!("block{number}.reduce"), [from, middle], 1, 1).act(Act::Relu)),
                    seen(conv(&format!("block{number}.middle"), [middle, middle], 3, stride).act(Act::Relu)),
                    seen(conv(&format!("block{number}.expand"), [middle, to], 1, 1)),
                ];
                let shortcut = if i == 0 {
                    Shortcut::Conv(seen(conv(&format!("block{number}.shortcut"), [from, to], 1, stride)))
                } else {
                    Shortcut::Identity
                };
                self.blocks.push(Block { convs, shortcut, act: Act::Relu, pool: false });
                from = to;
            }
        }
    }
}

fn conv(name: &str, [input, output]: [usize; 2], kernel: usize, stride: usize) -> Conv {
    Conv {
        name: name.to_owned(),
        input,
        output,
        kernel,
        stride,
        depthwise: false,
        act: Act::Identity,
        seen: Vec::new(),
        hidden: 0,
        bank: output,
    }
}

impl Conv {
    fn depthwise(self) -> Self {
        Self { depthwise: true, ..self }
    }

    fn act(self, act: Act) -> Self {
        Self { act, ..self }
    }

    fn seen(self, wires: &[usize], hidden: usize) -> Self {
        Self { seen: wires.to_vec(), hidden, ..self }
    }

    /// The shape of its weights, `[O, I / groups, K, K]`, for these widths of the wires.
    pub fn shape(&self, widths: &[usize]) -> [usize; 4] {
        let inputs = if self.depthwise { 1 } else { widths[self.input] };
        [widths[self.output], inputs, self.kernel, self.kernel]
    }

    /// Height and width of its maps, of the maps that it reads.
    pub fn maps(&self, size: [usize; 2]) -> [usize; 2] {
        // Padding of ⌊K/2⌋: windows start at every stride-th number.
        size.map(|n| (n - 1) / self.stride + 1)
    }
}

#[cfg(test)]
pub(crate) mod tests;
