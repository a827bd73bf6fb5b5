//! `repghost.design`: a RepGhost or a Ghost net, block by block, and what it costs in each form.

use runpipe_base::{Ctx, Inputs, Kind, Output, Port, Spec, Stage, StageError, Value, View, choice, params};
use serde::{Deserialize, Serialize};

use super::PAPER;
use super::cost::cost;
use crate::code;
use crate::data::json;
use crate::data::pictures::{self, Pictures};

/// The kind of a net's design.
pub const KIND: &str = "design/ghost";
/// The file that it stands in.
pub const FILE: &str = "design.json";

choice! {
    /// How a module makes many channels of few.
    pub enum Family {
        /// Adds a normed copy of the cheap convolution's input to what it makes; both fold into one convolution.
        RepGhost = "repghost",
        /// Puts the cheap convolution's channels beside its input's.
        Ghost = "ghost",
    }
}

choice! {
    /// Which blocks a net has.
    pub enum Size {
        /// Five blocks, for pictures of 16 × 16 or so. Source: ours.
        Small = "small",
        /// The sixteen blocks of the paper.
        Paper = "paper",
    }
}

choice! {
    /// What is added to the cheap convolution of a RepGhost module.
    pub enum Branch {
        /// Its input, normed: the paper's.
        Norm = "norm",
        /// Its input as it is.
        Identity = "identity",
        /// Both.
        Both = "both",
        /// Nothing.
        None = "none",
    }
}

impl Branch {
    /// Whether a norm of the input is added.
    pub fn normed(self) -> bool {
        matches!(self, Self::Norm | Self::Both)
    }

    /// Whether the input itself is added.
    pub fn plain(self) -> bool {
        matches!(self, Self::Identity | Self::Both)
    }
}

/// A bottleneck.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Block {
    /// Side of its strided filters and of its shortcut's.
    pub kernel: usize,
    /// Its stride.
    pub stride: usize,
    /// Channels between its modules.
    pub middle: usize,
    /// Channels that it makes.
    pub outputs: usize,
    /// Channels that squeeze-and-excite goes through; 0: it has none.
    pub reduced: usize,
}

/// A net.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Design {
    /// [`Family`] by its word.
    pub family: String,
    /// [`Branch`] by its word.
    pub branch: String,
    /// Whether blocks that keep their shape add their input.
    pub shortcut: bool,
    /// Channels of the first convolution.
    pub stem: usize,
    /// Stride of the first convolution.
    pub stem_stride: usize,
    /// The bottlenecks.
    pub blocks: Vec<Block>,
    /// Channels before the mean over pixels.
    pub last: usize,
    /// Features after it; 0: none but the channels.
    pub wide: usize,
    /// Channels, height and width of a picture.
    pub picture: [usize; 3],
    /// Names of the classes.
    pub classes: Vec<String>,
}

/// A row of an architecture: kernel, stride, middle channels of RepGhost and of Ghost, channels, and whether squeezed.
type Line = (usize, usize, [usize; 2], usize, bool);

/// The paper's net and GhostNet.
///
/// Source: RepGhost, the architecture table; GhostNet, table 1.
const PAPER_BLOCKS: [Line; 16] = [
    (3, 1, [8, 16], 16, false),
    (3, 2, [24, 48], 24, false),
    (3, 1, [36, 72], 24, false),
    (5, 2, [36, 72], 40, true),
    (5, 1, [60, 120], 40, true),
    (3, 2, [120, 240], 80, false),
    (3, 1, [100, 200], 80, false),
    (3, 1, [120, 184], 80, false),
    (3, 1, [120, 184], 80, false),
    (3, 1, [240, 480], 112, true),
    (3, 1, [336, 672], 112, true),
    (5, 2, [336, 672], 160, true),
    (5, 1, [480, 960], 160, false),
    (5, 1, [480, 960], 160, true),
    (5, 1, [480, 960], 160, false),
    (5, 1, [480, 960], 160, true),
];

/// The small net. Source: ours.
const SMALL_BLOCKS: [Line; 5] = [
    (3, 1, [12, 24], 12, false),
    (3, 2, [24, 48], 20, false),
    (3, 1, [30, 60], 20, true),
    (3, 2, [60, 120], 40, true),
    (3, 1, [60, 120], 40, false),
];

/// The multiple of four next to `channels`, at least four and never less than nine tenths of it.
///
/// # Source
/// The authors' rounding, after MobileNet's.
pub fn rounded(channels: f64) -> usize {
    let near = ((channels + 2.0) as usize / 4 * 4).max(4);
    if (near as f64) < 0.9 * channels { near + 4 } else { near }
}

impl Design {
    /// A net for pictures of a size; channels of the paper's net are multiplied by `width`.
    pub fn new(family: Family, size: Size, width: f64, picture: [usize; 3], classes: Vec<String>) -> Self {
        let times = |channels: usize| match size {
            Size::Paper => rounded(channels as f64 * width),
            Size::Small => channels,
        };
        let block = |(kernel, stride, middle, outputs, squeezed): Line| {
            let middle = times(middle[usize::from(family == Family::Ghost)]);
            let reduced = if squeezed { rounded(middle as f64 * 0.25) } else { 0 };
            Block { kernel, stride, middle, outputs: times(outputs), reduced }
        };
        let (lines, stem, last, wide): (&[Line], _, _, _) = match size {
            Size::Paper => (&PAPER_BLOCKS, times(16), times(960), 1280),
            Size::Small => (&SMALL_BLOCKS, 12, 96, 0),
        };
        // A small picture would be a single pixel after five halvings.
        let stem_stride = if picture[1].min(picture[2]) >= 64 { 2 } else { 1 };
        let blocks = lines.iter().copied().map(block).collect();
        let (family, branch) = (family.as_str().to_owned(), Branch::Norm.as_str().to_owned());
        Self { family, branch, shortcut: true, stem, stem_stride, blocks, last, wide, picture, classes }
    }

    /// The family.
    ///
    /// # Errors
    /// [`StageError::Input`] when there is no such.
    pub fn family(&self) -> Result<Family, StageError> {
        word(&self.family, "a family of nets")
    }

    /// What is added in a RepGhost module.
    ///
    /// # Errors
    /// [`StageError::Input`] when there is no such.
    pub fn branch(&self) -> Result<Branch, StageError> {
        word(&self.branch, "a branch")
    }

    /// Reads the file that holds a design.
    ///
    /// # Errors
    /// [`StageError::Input`] when it is broken, or no such net can be.
    pub fn read(view: &View<'_>) -> Result<Self, StageError> {
        let design: Self = json::read(view, FILE)?;
        design.sound().map_err(|message| StageError::Input(format!("`{FILE}`: {message}")))?;
        Ok(design)
    }

    fn sound(&self) -> Result<(), String> {
        let numbers = [self.stem, self.stem_stride, self.last, self.blocks.len(), self.classes.len()];
        let of_blocks = |b: &Block| b.kernel % 2 == 1 && b.stride > 0 && b.middle > 0 && b.outputs > 0;
        if numbers.contains(&0) || self.picture.contains(&0) || !self.blocks.iter().all(of_blocks) {
            return Err("expected channels and strides above 0, and odd kernels".to_owned());
        }
        let ghost = self.family().map_err(|e| e.to_string())? == Family::Ghost;
        if ghost && self.blocks.iter().any(|b| b.middle % 2 + b.outputs % 2 > 0) {
            return Err("expected even channels: half of them are made cheaply".to_owned());
        }
        self.branch().map(drop).map_err(|e| e.to_string())
    }
}

fn word<T: runpipe_base::FromRecord>(word: &str, what: &str) -> Result<T, StageError> {
    T::from_value(&Value::Str(word.to_owned()))
        .ok_or_else(|| StageError::Input(format!("expected {what}, found `{word}`")))
}

params! {
    /// Parameters of [`Designed`].
    pub struct DesignParams {
        /// How its modules make many channels of few.
        family: Family = Family::RepGhost;
        /// Which blocks it has.
        size: Size = Size::Small;
        /// What the channels of the paper's blocks are multiplied by; the paper has 0.5, 0.58, 0.8, 1, 1.11, 1.3, 1.5 and 2.
        width: f64 = 0.5, in 0.25..=4.0;
        /// What is added to the cheap convolution of a RepGhost module.
        branch: Branch = Branch::Norm;
        /// Whether blocks that keep their shape add their input.
        shortcut: bool = true;
        /// Stride of the first convolution; none: 2 for pictures of 64 pixels a side or more, else 1.
        stem_stride: Option<usize> = None, in 1..=4;
    }
}

/// `repghost.design`: lays out a net.
pub struct Designed;

impl Stage for Designed {
    type Params = DesignParams;

    fn spec(&self) -> Spec {
        Spec::new(
            "repghost.design",
            code::REPGHOST,
            KIND,
            "Lays out a RepGhost or a Ghost net for pictures like these, and counts what it costs.",
        )
        .input(Port::one("images", pictures::KIND, "pictures such as the net reads"))
        .metric("params", "numbers that are trained")
        .metric("macs", "multiply-adds for one picture, without biases")
        .metric("params_deployed", "numbers after RepGhost's modules are fused, as the authors fuse them")
        .metric("params_folded", "numbers after every norm is folded into its convolution")
        .paper(&PAPER)
    }

    fn run(&self, p: &DesignParams, inputs: &Inputs<'_>, cx: &mut Ctx<'_>) -> Result<Output, StageError> {
        let pictures = Pictures::read(&inputs.one("images")?)?;
        let mut design = Design::new(p.family, p.size, p.width, pictures.size, pictures.classes);
        p.branch.as_str().clone_into(&mut design.branch);
        design.shortcut = p.shortcut;
        design.stem_stride = p.stem_stride.unwrap_or(design.stem_stride);
        let cost = cost(&design)?;
        cx.metric("params", cost.trained.params as f64);
        cx.metric("macs", cost.macs as f64);
        cx.metric("params_deployed", cost.deployed.params as f64);
        cx.metric("params_folded", cost.folded.params as f64);
        Ok(Output::new(Kind::of(KIND)).file(FILE, json::text(&design)?))
    }
}

#[cfg(test)]
pub(super) mod tests;
