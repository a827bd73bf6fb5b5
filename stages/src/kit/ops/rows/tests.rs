use dfdx::prelude::{Cpu, NoneTape};
use proptest::prelude::*;

use super::*;
use crate::kit::ops::attention::Packed;
use crate::kit::testing::Inputs;

#[test]
fn rows_come_in_the_order_asked_for() {
    let x = Cpu::default().tensor_of(vec![1.0, 2.0, 3.0, 4.0, 5.0, 6.0], (3, 2)).unwrap();
    let y = rows::<Cpu, NoneTape>(x, &[2, 0, 2]).unwrap();
    assert_eq!(y.as_vec(), [5.0, 6.0, 1.0, 2.0, 5.0, 6.0]);
}

#[test]
fn gradients_add_up_where_a_row_came_twice() {
    let mut inputs = Inputs::new(5);
    let x = inputs.add((6, 5));
    inputs.check(|p| rows(p.get(x).retaped(), &[4, 1, 4, 4, 0]).unwrap());
    let (_, slopes) = inputs.slopes(&|p| rows(p.get(x).retaped(), &[1, 1]).unwrap());
    assert!(slopes[0][..5].iter().all(|s| *s == 0.0) && slopes[0][5..10].iter().all(|s| *s != 0.0));
}

#[test]
fn rows_go_where_they_are_sent() {
    let x = Cpu::default().tensor_of(vec![1.0, 2.0, 3.0, 4.0, 5.0, 6.0], (3, 2)).unwrap();
    let y = scatter_rows::<Cpu, NoneTape>(x, &[2, 0, 2], 4).unwrap();
    assert_eq!(y.as_vec(), [3.0, 4.0, 0.0, 0.0, 6.0, 8.0, 0.0, 0.0]);
}

#[test]
fn padding_is_undone() {
    let packed = Packed::new([2, 0, 3]);
    assert_eq!(packed.slots(), [0, 1, 6, 7, 8]);
    assert_eq!(packed.owners(), [0, 0, 2, 2, 2]);
    let x = Cpu::default().tensor_of(vec![1.0, 2.0, 3.0, 4.0, 5.0], (5, 1)).unwrap();
    let padded = scatter_rows::<Cpu, NoneTape>(x.clone(), &packed.slots(), 9).unwrap();
    assert_eq!(padded.as_vec(), [1.0, 2.0, 0.0, 0.0, 0.0, 0.0, 3.0, 4.0, 5.0]);
    assert_eq!(rows::<Cpu, NoneTape>(padded, &packed.slots()).unwrap().as_vec(), x.as_vec());
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(12))]

    #[test]
    fn gradients(places in prop::collection::vec(0u32..9, 0..30), width in 1usize..40, seed: u64) {
        let mut inputs = Inputs::new(seed);
        let (x, y) = (inputs.add((9, width)), inputs.add((places.len(), width)));
        inputs.check(|p| rows(p.get(x).retaped(), &places).unwrap());
        inputs.check(|p| scatter_rows(p.get(y).retaped(), &places, 9).unwrap());
        inputs.check(|p| concat_rows(vec![p.get(x).retaped(), p.get(y).retaped(), p.get(x).retaped()]).unwrap());
    }
}

#[test]
fn nothing_is_allowed() {
    let x: Matrix<Cpu> = Cpu::default().tensor_of(vec![], (0, 2)).unwrap();
    assert_eq!(scatter_rows::<Cpu, NoneTape>(x.clone(), &[], 2).unwrap().as_vec(), [0.0; 4]);
    assert!(Cpu::view(&concat_rows::<Cpu, NoneTape>(vec![x.clone(), x.clone()]).unwrap()).is_empty());
    assert!(Cpu::view(&rows::<Cpu, NoneTape>(x, &[]).unwrap()).is_empty());
}
