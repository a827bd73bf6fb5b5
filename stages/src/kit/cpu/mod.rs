//! What the fused kernels are made of: matrix products, fixed blocks, vector code.

pub mod gemm;
pub mod math;
pub mod par;
pub mod tile;
pub mod turn;
