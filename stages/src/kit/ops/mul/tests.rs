use dfdx::prelude::{Cpu, NoneTape};
use proptest::prelude::*;

use super::*;
use crate::kit::testing::Inputs;

#[test]
fn numbers_worked_by_hand() {
    let device = Cpu::default();
    let x = device.tensor_of(vec![-1.0, 2.0, 3.0, -4.0], (2, 2)).unwrap();
    let y = device.tensor_of(vec![0.5, 1.0, 2.0, 3.0], (2, 2)).unwrap();
    let a = device.tensor_of(vec![10.0, 0.0], (2,)).unwrap();
    assert_eq!(mul::<_, Cpu, NoneTape>(x.clone(), y).unwrap().as_vec(), [-0.5, 2.0, 6.0, -12.0]);
    assert_eq!(scale_rows::<Cpu, NoneTape>(x, a).unwrap().as_vec(), [-10.0, 20.0, 0.0, 0.0]);
}

#[test]
fn nothing_is_allowed() {
    let x: Matrix<Cpu> = Cpu::default().tensor_of(vec![], (0, 3)).unwrap();
    let a = Cpu::default().tensor_of(vec![], (0,)).unwrap();
    assert!(Cpu::view(&mul::<_, Cpu, NoneTape>(x.clone(), x.clone()).unwrap()).is_empty());
    assert!(Cpu::view(&scale_rows::<Cpu, NoneTape>(x, a).unwrap()).is_empty());
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(8))]

    #[test]
    fn gradients(n in 0usize..40, w in 1usize..20, seed: u64) {
        let mut inputs = Inputs::new(seed);
        let (x, y, a) = (inputs.add((n, w)), inputs.add((n, w)), inputs.add((n,)));
        inputs.check(|p| mul(p.get(x).retaped(), p.get(y).retaped()).unwrap());
        inputs.check(|p| scale_rows(p.get(x).retaped(), p.get(a).retaped()).unwrap());
    }
}
