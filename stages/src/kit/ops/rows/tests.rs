use dfdx::prelude::{Cpu, NoneTape};

use super::*;
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
