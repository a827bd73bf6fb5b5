//! The kit beside PyTorch: values and gradients of every op and layer, updates and learning rates, from the files that
//! `make.py` wrote.

mod case;
mod cover;
mod images;
mod layers;
mod ops;
mod training;
