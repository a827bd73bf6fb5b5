//! Convolutional nets, as plain compositions of the kit's layers.

use dfdx::prelude::{Cpu, WithEmptyTape};
use runpipe_stages::kit::backend::{Backend, Images, Matrix, Result, Taped};
use runpipe_stages::kit::nn::batch_norm::BatchNorm2d;
use runpipe_stages::kit::nn::conv::Conv2d;
use runpipe_stages::kit::nn::conv_norm::ConvNorm;
use runpipe_stages::kit::nn::linear::Linear;
use runpipe_stages::kit::nn::squeeze::SqueezeExcite;
use runpipe_stages::kit::ops::act::Act;
use runpipe_stages::kit::ops::add::add;
use runpipe_stages::kit::ops::conv::Geometry;
use runpipe_stages::kit::ops::cross_entropy::cross_entropy;
use runpipe_stages::kit::ops::pool::global_average;
use runpipe_stages::kit::optim::OptimizerConfig;
use runpipe_stages::kit::params::{Init, Pass, Scope};
use runpipe_stages::kit::rng::Stream;

use crate::{Step, train};

type Maps = Images<Cpu, Taped<Cpu>>;
type Logits = Matrix<Cpu, Taped<Cpu>>;

/// MobileNet V1 of some width on 64 images of 32×32.
pub(crate) fn mobile_net(width: f64, million: f64) -> (Step, f64) {
    (classify(64, 32, move |at| MobileNet::new(at, width), MobileNet::forward), million)
}

/// RepGhost 0.5x on 32 images of 64×64.
pub(crate) fn rep_ghost() -> (Step, f64) {
    (classify(32, 64, RepGhost::new, RepGhost::forward), 786.0)
}

/// PreActResNet-18 on 64 images of 32×32.
pub(crate) fn pre_act_res_net() -> (Step, f64) {
    (classify(64, 32, PreActResNet::new, PreActResNet::forward), 213_282.0)
}

/// A step of SGD on a batch of noise.
fn classify<M: 'static>(
    batch: usize,
    size: usize,
    build: impl FnOnce(Scope<'_, Cpu>) -> Result<M>,
    forward: impl Fn(&M, &Pass<'_, Cpu>, &Images<Cpu>) -> Result<Logits> + 'static,
) -> Step {
    let mut stream = Stream::new(0, "images");
    let x = (0..batch * 3 * size * size).map(|_| stream.normal() as f32).collect();
    let x: Images<Cpu> = Cpu::default().tensor_of(x, (batch, 3, size, size)).expect("memory");
    let classes: Vec<u32> = (0..batch).map(|_| stream.below(10) as u32).collect();
    train(OptimizerConfig::sgd(0.9, false, 5e-4), build, move |model, pass| {
        cross_entropy(forward(model, pass, &x)?, &classes, 0.0)
    })
}

/// A depthwise convolution with a norm.
fn depthwise(at: Scope<'_, Cpu>, channels: usize, kernel: usize, stride: usize) -> Result<ConvNorm> {
    ConvNorm::new(at, (channels, channels), kernel, Geometry::same(kernel).stride(stride).groups(channels))
}

/// A convolution of single numbers with a norm.
fn pointwise(at: Scope<'_, Cpu>, inputs: usize, outputs: usize) -> Result<ConvNorm> {
    ConvNorm::new(at, (inputs, outputs), 1, Geometry::default())
}

/// MobileNet V1 with a stem of stride 1, for images of 32×32.
struct MobileNet {
    stem: ConvNorm,
    blocks: Vec<(ConvNorm, ConvNorm)>,
    head: Linear,
}

impl MobileNet {
    fn new(mut at: Scope<'_, Cpu>, width: f64) -> Result<Self> {
        let scaled = |channels: usize| (channels as f64 * width) as usize;
        let stem = ConvNorm::new(at.at("stem"), (3, scaled(32)), 3, Geometry::same(3))?;
        let (mut inputs, mut blocks) = (scaled(32), Vec::new());
        let plan = [(64, 1), (128, 2), (128, 1), (256, 2), (256, 1), (512, 2)].into_iter();
        let plan = plan.chain([(512, 1); 5]).chain([(1024, 2), (1024, 1)]);
        for (i, (outputs, stride)) in plan.enumerate() {
            let outputs = scaled(outputs);
            let first = depthwise(at.at(format!("{i}.depthwise")), inputs, 3, stride)?;
            blocks.push((first, pointwise(at.at(format!("{i}.pointwise")), inputs, outputs)?));
            inputs = outputs;
        }
        Ok(Self { stem, blocks, head: Linear::new(at.at("head"), inputs, 10, Init::fan_in(inputs))? })
    }
}

impl MobileNet {
    fn forward(&self, pass: &Pass<'_, Cpu>, x: &Images<Cpu>) -> Result<Logits> {
        let x = self.stem.of_data(pass, x, Act::Relu)?;
        let x = self.blocks.iter().try_fold(x, |x, (depthwise, pointwise)| {
            pointwise.forward(pass, depthwise.forward(pass, x, Act::Relu)?, Act::Relu)
        })?;
        self.head.forward(pass, global_average(x)?, Act::Identity)
    }
}

/// A RepGhost module in its training form.
struct Ghost {
    primary: ConvNorm,
    cheap: ConvNorm,
    fusion: BatchNorm2d,
    act: Act,
}

impl Ghost {
    fn new(mut at: Scope<'_, Cpu>, inputs: usize, outputs: usize, act: Act) -> Result<Self> {
        Ok(Self {
            primary: pointwise(at.at("primary"), inputs, outputs)?,
            cheap: depthwise(at.at("cheap"), outputs, 3, 1)?,
            fusion: BatchNorm2d::new(at.at("fusion"), outputs)?,
            act,
        })
    }

    fn forward(&self, pass: &Pass<'_, Cpu>, x: Maps) -> Result<Maps> {
        let x = self.primary.forward(pass, x, self.act)?;
        let fused = self.fusion.forward(pass, x.with_empty_tape(), Act::Identity)?;
        self.cheap.onto(pass, x, fused, self.act)
    }
}

/// A RepGhost bottleneck.
struct Bottleneck {
    first: Ghost,
    strided: Option<ConvNorm>,
    squeeze: Option<SqueezeExcite>,
    second: Ghost,
    shortcut: Option<(ConvNorm, ConvNorm)>,
}

impl Bottleneck {
    fn new(
        mut at: Scope<'_, Cpu>,
        inputs: usize,
        [kernel, stride, middle, outputs, reduced]: [usize; 5],
    ) -> Result<Self> {
        let squeeze = |at| SqueezeExcite::new(at, middle, reduced, Act::HardSigmoid);
        let first = Ghost::new(at.at("first"), inputs, middle, Act::Relu)?;
        let strided =
            (stride > 1).then(|| depthwise(at.at("strided"), middle, kernel, stride)).transpose()?;
        let squeeze = (reduced > 0).then(|| squeeze(at.at("squeeze"))).transpose()?;
        let second = Ghost::new(at.at("second"), middle, outputs, Act::Identity)?;
        let shortcut = if inputs == outputs && stride == 1 {
            None
        } else {
            let first = depthwise(at.at("shortcut.0"), inputs, kernel, stride)?;
            Some((first, pointwise(at.at("shortcut.1"), inputs, outputs)?))
        };
        Ok(Self { first, strided, squeeze, second, shortcut })
    }

    fn forward(&self, pass: &Pass<'_, Cpu>, x: Maps) -> Result<Maps> {
        let shortcut = match &self.shortcut {
            None => x.with_empty_tape(),
            Some((depthwise, pointwise)) => {
                let x = depthwise.forward(pass, x.with_empty_tape(), Act::Identity)?;
                pointwise.forward(pass, x, Act::Identity)?
            }
        };
        let mut x = self.first.forward(pass, x)?;
        if let Some(strided) = &self.strided {
            x = strided.forward(pass, x, Act::Identity)?;
        }
        if let Some(squeeze) = &self.squeeze {
            x = squeeze.forward(pass, x)?;
        }
        add(self.second.forward(pass, x)?, shortcut, Act::Identity)
    }
}

/// RepGhost 0.5x.
struct RepGhost {
    stem: ConvNorm,
    blocks: Vec<Bottleneck>,
    last: ConvNorm,
    wide: Linear,
    head: Linear,
}

impl RepGhost {
    fn new(mut at: Scope<'_, Cpu>) -> Result<Self> {
        /// Kernel, stride, middle channels, channels, and channels squeezed to.
        const BLOCKS: [[usize; 5]; 16] = [
            [3, 1, 4, 8, 0],
            [3, 2, 12, 12, 0],
            [3, 1, 20, 12, 0],
            [5, 2, 20, 20, 8],
            [5, 1, 32, 20, 8],
            [3, 2, 60, 40, 0],
            [3, 1, 52, 40, 0],
            [3, 1, 60, 40, 0],
            [3, 1, 60, 40, 0],
            [3, 1, 120, 56, 32],
            [3, 1, 168, 56, 44],
            [5, 2, 168, 80, 44],
            [5, 1, 240, 80, 0],
            [5, 1, 240, 80, 60],
            [5, 1, 240, 80, 0],
            [5, 1, 240, 80, 60],
        ];
        let stem = ConvNorm::new(at.at("stem"), (3, 8), 3, Geometry::same(3).stride(2))?;
        let (mut inputs, mut blocks) = (8, Vec::new());
        for (i, block) in BLOCKS.into_iter().enumerate() {
            blocks.push(Bottleneck::new(at.at(i), inputs, block)?);
            inputs = block[3];
        }
        let last = pointwise(at.at("last"), inputs, 480)?;
        let wide = Linear::new(at.at("wide"), 480, 1280, Init::fan_in(480))?;
        let head = Linear::new(at.at("head"), 1280, 10, Init::fan_in(1280))?;
        Ok(Self { stem, blocks, last, wide, head })
    }
}

impl RepGhost {
    fn forward(&self, pass: &Pass<'_, Cpu>, x: &Images<Cpu>) -> Result<Logits> {
        let x = self.stem.of_data(pass, x, Act::Relu)?;
        let x = self.blocks.iter().try_fold(x, |x, block| block.forward(pass, x))?;
        let x = global_average(self.last.forward(pass, x, Act::Relu)?)?;
        let x = self.wide.forward(pass, x, Act::Relu)?;
        self.head.forward(pass, x, Act::Identity)
    }
}

/// A block of a pre-activation ResNet.
struct Block {
    norm: BatchNorm2d,
    first: ConvNorm,
    second: Conv2d,
    shortcut: Option<Conv2d>,
}

/// PreActResNet-18 for images of 32×32.
struct PreActResNet {
    stem: Conv2d,
    blocks: Vec<Block>,
    norm: BatchNorm2d,
    head: Linear,
}

impl PreActResNet {
    fn new(mut at: Scope<'_, Cpu>) -> Result<Self> {
        let same = Geometry::same(3);
        let stem = Conv2d::new(at.at("stem"), (3, 64), 3, same)?;
        let (mut inputs, mut blocks) = (64, Vec::new());
        for (i, outputs) in [64, 64, 128, 128, 256, 256, 512, 512].into_iter().enumerate() {
            let mut at = at.at(i);
            let stride = outputs / inputs;
            let wide = Geometry::default().stride(stride);
            let shortcut = |at| Conv2d::new(at, (inputs, outputs), 1, wide);
            blocks.push(Block {
                norm: BatchNorm2d::new(at.at("norm"), inputs)?,
                first: ConvNorm::new(at.at("first"), (inputs, outputs), 3, same.stride(stride))?,
                second: Conv2d::new(at.at("second"), (outputs, outputs), 3, same)?,
                shortcut: (stride > 1).then(|| shortcut(at.at("shortcut"))).transpose()?,
            });
            inputs = outputs;
        }
        let norm = BatchNorm2d::new(at.at("norm"), inputs)?;
        Ok(Self { stem, blocks, norm, head: Linear::new(at.at("head"), inputs, 10, Init::fan_in(inputs))? })
    }
}

impl PreActResNet {
    fn forward(&self, pass: &Pass<'_, Cpu>, x: &Images<Cpu>) -> Result<Logits> {
        let mut x = self.stem.of_data(pass, x)?;
        for Block { norm, first, second, shortcut } in &self.blocks {
            let input = x.with_empty_tape();
            let y = norm.forward(pass, x, Act::Relu)?;
            let kept = match shortcut {
                None => input,
                Some(shortcut) => shortcut.forward(pass, y.with_empty_tape())?,
            };
            let y = first.forward(pass, y, Act::Relu)?;
            x = add(second.forward(pass, y)?, kept, Act::Identity)?;
        }
        let x = self.norm.forward(pass, x, Act::Relu)?;
        self.head.forward(pass, global_average(x)?, Act::Identity)
    }
}
