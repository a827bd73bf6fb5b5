//! Layers: handles into parameters, and a forward pass over ops. Sizes are known at run time.

pub mod batch_norm;
pub mod conv;
pub mod conv_norm;
pub mod encoder;
pub mod experts;
pub mod linear;
pub mod norm;
pub mod recurrent;
pub mod squeeze;
pub mod text_conv;
