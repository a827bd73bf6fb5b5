//! The stages: seven papers over one tensor kit.
//!
//! A folder holds the stages of one paper (or of none: `data`) and lists them in its `STAGES`; [`registry`] joins the
//! lists. The decision that shaped the crate: whatever can move a number lives here and is part of a stage's key, as
//! a digest of the source that the stage reaches ([`code`]).

pub mod data;
pub mod dtsgate;
pub mod kit;
pub mod maner;
pub mod metapruning;
pub mod repghost;
pub mod san;
pub mod treemix;
pub mod vision;

/// Digests of the source behind each folder's stages, made by the build script.
pub mod code {
    include!(concat!(env!("OUT_DIR"), "/code.rs"));
}

#[cfg(test)]
pub(crate) mod testing;

use runpipe_base::{DynStage, KindSpec, Registry};

/// Every stage and kind that a pipeline may name.
pub fn registry() -> Registry {
    let stages: Vec<&'static dyn DynStage> = [
        data::STAGES,
        dtsgate::STAGES,
        maner::STAGES,
        metapruning::STAGES,
        repghost::STAGES,
        san::STAGES,
        treemix::STAGES,
    ]
    .concat();
    let kinds: Vec<KindSpec> = [
        data::KINDS,
        dtsgate::KINDS,
        maner::KINDS,
        metapruning::KINDS,
        repghost::KINDS,
        san::KINDS,
        treemix::KINDS,
    ]
    .concat();
    Registry::new(&stages, &kinds)
}

/// What is told where a GPU is asked for and nothing is built for it.
#[doc(hidden)]
pub const NO_GPU_CODE: &str = "this build has no GPU code; build it with `--features cuda`";

/// Whether tensors can live on a GPU of this machine.
///
/// # Errors
/// Why not, in words.
pub fn cuda() -> Result<(), String> {
    #[cfg(feature = "cuda")]
    return kit::backend::cuda::count().map(drop);
    #[cfg(not(feature = "cuda"))]
    Err(NO_GPU_CODE.to_owned())
}

#[cfg(test)]
mod tests;
