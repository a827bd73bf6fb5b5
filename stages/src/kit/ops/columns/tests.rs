use dfdx::prelude::{Cpu, NoneTape};
use proptest::prelude::*;

use super::*;
use crate::kit::testing::Inputs;

fn matrix(numbers: Vec<f32>, shape: (usize, usize)) -> Matrix<Cpu> {
    Cpu::default().tensor_of(numbers, shape).unwrap()
}

#[test]
fn numbers_worked_by_hand() {
    let (x, y) = (matrix(vec![1.0, 2.0, 3.0, 4.0], (2, 2)), matrix(vec![5.0, 6.0], (2, 1)));
    let both = concat_columns::<Cpu, NoneTape>(vec![x, y]).unwrap();
    assert_eq!(both.as_vec(), [1.0, 2.0, 5.0, 3.0, 4.0, 6.0]);
    assert_eq!(columns::<Cpu, NoneTape>(both.clone(), 1..3).unwrap().as_vec(), [2.0, 5.0, 4.0, 6.0]);
    assert_eq!(pick::<Cpu, NoneTape>(both, &[2, 0]).unwrap().as_vec(), [5.0, 3.0]);
}

#[test]
fn nothing_is_allowed() {
    let x = matrix(vec![], (0, 3));
    let both = concat_columns::<Cpu, NoneTape>(vec![x.clone(), x.clone()]).unwrap();
    assert_eq!(*both.shape(), (0, 6));
    assert_eq!(*columns::<Cpu, NoneTape>(x.clone(), 2..2).unwrap().shape(), (0, 0));
    assert!(Cpu::view(&pick::<Cpu, NoneTape>(x, &[]).unwrap()).is_empty());
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(8))]

    #[test]
    fn gradients(n in 0usize..30, a in 1usize..9, b in 1usize..9, from in 0usize..9, seed: u64) {
        let mut inputs = Inputs::new(seed);
        let (x, y) = (inputs.add((n, a)), inputs.add((n, b)));
        let range = from.min(a + b - 1)..a + b;
        let places: Vec<u32> = (0..n).map(|row| ((row * 5) % (a + b)) as u32).collect();
        inputs.check(|p| {
            let both = concat_columns(vec![p.get(x).retaped(), p.get(y).retaped()]).unwrap();
            columns(both, range.clone()).unwrap()
        });
        inputs.check(|p| {
            let both = concat_columns(vec![p.get(x).retaped(), p.get(y).retaped()]).unwrap();
            pick(both, &places).unwrap()
        });
    }
}
