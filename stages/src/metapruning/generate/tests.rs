use dfdx::prelude::{Cpu, NoneTape};

use super::super::net::{Family, Net};
use super::*;
use crate::kit::backend::Taped;
use crate::kit::testing::{Inputs, close};

/// A generator of the pointwise convolution of a block, for at most 3 × 4 channels.
fn generator(inputs: &mut Inputs) -> Generator {
    let net = Net::new(Family::Flat, 1, [3, 8, 8], 10);
    let conv = Conv { hidden: 5, ..net.blocks[1].convs[1].clone() };
    let mut widths = net.widths(&net.full());
    (widths[conv.input], widths[conv.output]) = (4, 3);
    let mut root = inputs.params.root();
    Generator::new(root.at("conv"), &conv, &widths).unwrap()
}

/// Weights worked out from the layers' numbers, one by one.
#[test]
fn weights_are_those_of_two_layers() {
    let mut inputs = Inputs::new(3);
    let generator = generator(&mut inputs);
    let params = &inputs.params;
    let numbers = |name: &str| params.numbers(&format!("conv.{name}")).unwrap();
    let (a, bias) = (numbers("hidden.weight"), numbers("hidden.bias"));
    let (b, beta) = (numbers("output.weight"), numbers("output.bias"));
    let e = [0.4, 0.7];
    let h: Vec<f32> = (0..5).map(|i| (a[2 * i] * e[0] + a[2 * i + 1] * e[1] + bias[i]).max(0.0)).collect();
    let whole: Vec<f32> =
        (0..12).map(|r| (0..5).map(|j| b[5 * r + j] * h[j]).sum::<f32>() + beta[r]).collect();
    let pass = Pass::eval(params);
    let found = generator.weights::<Cpu, NoneTape>(&pass, &e, 3, 4).unwrap();
    close(&Cpu::view(&found), &whole, 1e-6);
    // A crop has the first filters, and of each the first channels.
    let crop = generator.weights::<Cpu, NoneTape>(&pass, &e, 2, 3).unwrap();
    let first: Vec<f32> = whole[..8].chunks_exact(4).flat_map(|row| row[..3].to_vec()).collect();
    close(&Cpu::view(&crop), &first, 1e-6);
}

/// Invariant 5: gradients of A, a, B and β are those of finite differences, and 0 outside the crop.
#[test]
fn gradients_are_those_of_finite_differences() {
    let mut inputs = Inputs::new(3);
    let generator = generator(&mut inputs);
    let f = |params: &Params| {
        generator.weights::<Cpu, Taped<Cpu>>(&Pass::eval(params), &[0.4, 0.7], 2, 3).unwrap()
    };
    inputs.check(f);
    let (_, slopes) = inputs.slopes(&f);
    let (b, beta) = (&slopes[2], &slopes[3]);
    for (row, slope) in beta.iter().enumerate() {
        let inside = row / 4 < 2 && row % 4 < 3;
        assert_eq!(*slope != 0.0, inside, "row {row}");
        assert_eq!(b[5 * row..5 * row + 5].iter().any(|x| *x != 0.0), inside, "row {row}");
    }
}

type Params = crate::kit::params::Params<Cpu>;
