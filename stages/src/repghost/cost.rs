//! What a net costs: numbers and multiply-adds, in the form that is trained and in both that are used.

use runpipe_base::StageError;

use super::design::{Block, Design, Family};

/// Numbers and operations of a form.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Count {
    /// Numbers that are trained: weights, biases, gains and shifts.
    pub params: u64,
    /// Operations as the authors' code counts them: multiply-adds, and one a number for a convolution's bias.
    pub counted: u64,
}

/// What a net costs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Cost {
    /// Multiply-adds for one picture, without biases: the same in every form.
    pub macs: u64,
    /// The form that is trained.
    pub trained: Count,
    /// RepGhost's modules fused, other norms as they are: the authors' conversion.
    pub deployed: Count,
    /// Every norm folded into the convolution before it.
    pub folded: Count,
}

/// Counts as layers go by, on pictures of a changing size.
struct Tally {
    size: [usize; 2],
    cost: Cost,
}

/// What becomes of the norm behind a convolution.
#[derive(Clone, Copy, PartialEq)]
enum Norm {
    /// It stays until every norm is folded.
    Stays,
    /// It is fused with its module.
    Fused,
}

impl Tally {
    /// A convolution without bias from `inputs` channels of each group to `outputs`, with a norm.
    fn conv(&mut self, inputs: usize, outputs: usize, kernel: usize, norm: Norm) {
        let (weights, channels) = ((inputs * outputs * kernel * kernel) as u64, outputs as u64);
        let pixels = self.pixels();
        self.add(weights, weights * pixels);
        let fused = norm == Norm::Fused;
        self.cost.trained.params += 2 * channels;
        self.cost.deployed.params += if fused { channels } else { 2 * channels };
        self.cost.deployed.counted += if fused { channels * pixels } else { 0 };
        self.cost.folded.params += channels;
        self.cost.folded.counted += channels * pixels;
    }

    /// A layer with bias on a single pixel.
    fn biased(&mut self, inputs: usize, outputs: usize, is_conv: bool) {
        self.add((inputs * outputs) as u64, (inputs * outputs) as u64);
        for count in [&mut self.cost.trained, &mut self.cost.deployed, &mut self.cost.folded] {
            count.params += outputs as u64;
            // The authors' counter charges the bias of a convolution and not that of a linear layer.
            count.counted += if is_conv { outputs as u64 } else { 0 };
        }
    }

    fn add(&mut self, weights: u64, macs: u64) {
        self.cost.macs += macs;
        for count in [&mut self.cost.trained, &mut self.cost.deployed, &mut self.cost.folded] {
            count.params += weights;
            count.counted += macs;
        }
    }

    fn pixels(&self) -> u64 {
        (self.size[0] * self.size[1]) as u64
    }

    /// A filter of each channel, of odd side and padded so that stride 1 keeps the size.
    fn depthwise(&mut self, channels: usize, kernel: usize, stride: usize, norm: Norm) {
        self.size = self.size.map(|side| side.div_ceil(stride));
        self.conv(1, channels, kernel, norm);
    }

    /// A module that makes `outputs` channels.
    fn module(
        &mut self,
        design: &Design,
        family: Family,
        inputs: usize,
        outputs: usize,
    ) -> Result<(), StageError> {
        if family == Family::Ghost {
            self.conv(inputs, outputs / 2, 1, Norm::Stays);
            self.depthwise(outputs / 2, 3, 1, Norm::Stays);
            return Ok(());
        }
        self.conv(inputs, outputs, 1, Norm::Stays);
        let branch = design.branch()?;
        // A module without a branch is not converted.
        let fused = branch.normed() || branch.plain();
        self.depthwise(outputs, 3, 1, if fused { Norm::Fused } else { Norm::Stays });
        if branch.normed() {
            self.cost.trained.params += 2 * outputs as u64;
        }
        Ok(())
    }

    fn block(&mut self, design: &Design, inputs: usize, block: &Block) -> Result<(), StageError> {
        let Block { kernel, stride, middle, outputs, reduced } = *block;
        let (family, before) = (design.family()?, self.size);
        self.module(design, family, inputs, middle)?;
        if stride > 1 {
            self.depthwise(middle, kernel, stride, Norm::Stays);
        }
        if reduced > 0 {
            self.biased(middle, reduced, true);
            self.biased(reduced, middle, true);
        }
        self.module(design, family, middle, outputs)?;
        if inputs != outputs || stride > 1 {
            self.size = before;
            self.depthwise(inputs, kernel, stride, Norm::Stays);
            self.conv(inputs, outputs, 1, Norm::Stays);
        }
        Ok(())
    }
}

/// What a net costs.
///
/// # Errors
/// [`StageError::Input`] when its words are none.
///
/// # Source
/// The authors' counter: convolutions H·W·O·(I/groups·k² + bias), linear layers I·O, all else nothing.
pub fn cost(design: &Design) -> Result<Cost, StageError> {
    let none = Count::default();
    let [channels, height, width] = design.picture;
    let size = [height, width].map(|side| side.div_ceil(design.stem_stride));
    let mut tally = Tally { size, cost: Cost { macs: 0, trained: none, deployed: none, folded: none } };
    tally.conv(channels, design.stem, 3, Norm::Stays);
    let mut inputs = design.stem;
    for block in &design.blocks {
        tally.block(design, inputs, block)?;
        inputs = block.outputs;
    }
    tally.conv(inputs, design.last, 1, Norm::Stays);
    let mut features = design.last;
    if design.wide > 0 {
        tally.biased(features, design.wide, true);
        features = design.wide;
    }
    tally.biased(features, design.classes.len(), false);
    Ok(tally.cost)
}

#[cfg(test)]
mod tests;
