use dfdx::prelude::{Cpu, NoneTape};
use proptest::prelude::*;

use super::*;
use crate::kit::testing::{Inputs, close};

#[test]
fn numbers_worked_by_hand() {
    let device = Cpu::default();
    let x = device.tensor_of(vec![1.0, 2.0, 3.0, 4.0], (2, 2)).unwrap();
    let w = device.tensor_of(vec![1.0, 1.0, 1.0, -1.0, 0.0, 2.0], (3, 2)).unwrap();
    let b = device.tensor_of(vec![0.0, 0.5, -5.0], (3,)).unwrap();
    let y = linear::<Cpu, NoneTape>(x.clone(), &w, Some(&b), Act::Relu).unwrap();
    assert_eq!(y.as_vec(), [3.0, 0.0, 0.0, 7.0, 0.0, 3.0]);
    let y = linear::<Cpu, NoneTape>(x, &w, None, Act::Identity).unwrap();
    assert_eq!(y.as_vec(), [3.0, -1.0, 4.0, 7.0, -1.0, 8.0]);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(12))]

    #[test]
    fn gradients(n in 0usize..40, i in 1usize..20, o in 1usize..20, bias: bool, seed: u64) {
        for act in [Act::Identity, Act::Gelu, Act::GeluTanh, Act::Tanh] {
            let mut inputs = Inputs::new(seed);
            let (x, w, b) = (inputs.add((n, i)), inputs.add((o, i)), inputs.add((o,)));
            inputs.check(|p| {
                linear(p.get(x).retaped(), p.get(w), bias.then(|| p.get(b)), act).unwrap()
            });
        }
    }
}

#[test]
fn the_taped_pass_makes_the_numbers_of_the_untaped() {
    let mut inputs = Inputs::new(1);
    let (x, w, b) = (inputs.add((700, 33)), inputs.add((65, 33)), inputs.add((65,)));
    let p = &inputs.params;
    let untaped = linear::<Cpu, NoneTape>(p.get(x).clone(), p.get(w), Some(p.get(b)), Act::Gelu).unwrap();
    let (taped, _) =
        inputs.slopes(&|p| linear(p.get(x).retaped(), p.get(w), Some(p.get(b)), Act::Gelu).unwrap());
    close(&taped, &untaped.as_vec(), 0.0);
}

#[test]
fn rows_that_are_given_cost_no_gradient() {
    let mut inputs = Inputs::new(2);
    let (x, w, b) = (inputs.add((5, 3)), inputs.add((4, 3)), inputs.add((4,)));
    let learned =
        inputs.slopes(&|p| linear(p.get(x).retaped(), p.get(w), Some(p.get(b)), Act::Tanh).unwrap());
    let given = inputs.slopes(&|p| linear_of(p.get(x), p.get(w), Some(p.get(b)), Act::Tanh).unwrap());
    assert_eq!(learned.0, given.0);
    assert_eq!(learned.1[1..], given.1[1..]);
    close(&given.1[0], &[0.0; 15], 0.0);
}
