//! Differentiable functions, one a file: forward and backward over plain slices, one tape entry each.

pub mod act;
pub mod add;
pub mod add_each;
pub mod add_norm;
pub mod attention;
pub mod batch_norm;
pub mod columns;
pub mod combine;
pub mod concat;
pub mod conv;
pub mod conv_norm;
pub mod cross_attention;
pub mod cross_entropy;
pub mod dropout;
pub mod linear;
pub mod lstm;
pub mod matmul;
pub mod mean;
pub mod mul;
pub mod pool;
pub mod rows;
pub mod scale;
pub mod softmax;
pub mod text_conv;
pub mod windows;
