use dfdx::prelude::{Cpu, NoneTape};

use super::*;
use crate::kit::params::Params;
use crate::kit::testing::{Inputs, close, normals};

#[test]
fn regions_are_the_places_of_maps() {
    let numbers: Vec<f32> = (0..12).map(|i| i as f32).collect();
    let x: Images<Cpu> = Cpu::default().tensor_of(numbers, (1, 3, 2, 2)).unwrap();
    let y = regions_of(x).unwrap();
    // Channel c at place i is 4c + i.
    assert_eq!(Cpu::view(&y).as_ref(), [0.0, 4.0, 8.0, 1.0, 5.0, 9.0, 2.0, 6.0, 10.0, 3.0, 7.0, 11.0]);
}

#[test]
fn gradients() {
    let mut given = Inputs::new(2);
    let x = given.add((2, 3, 2, 3));
    given.check(|p| regions_of(p.get(x).retaped()).unwrap());
}

#[test]
fn given_regions_are_projected_and_bounded() {
    let mut params = Params::new(&Cpu::default(), 1);
    let look = Look::Regions { grid: [2, 3], width: 4 };
    let vision = Vision::new(params.root(), look, (&[], false), 5).unwrap();
    assert_eq!((vision.grid(), vision.regions()), ([2, 3], 6));
    let numbers: Vec<f32> = normals(1, 2 * 6 * 4).iter().map(|x| 100.0 * x).collect();
    let v = vision.forward::<Cpu, NoneTape>(&Pass::eval(&params), &numbers, 2).unwrap();
    assert_eq!(*v.shape(), (12, 5));
    assert!(Cpu::view(&v).iter().all(|x| x.abs() <= 1.0));
}

/// Every convolution halves the sides, rounded up; a picture's vectors do not depend on its neighbours.
#[test]
fn pixels_become_regions() {
    let look = Look::Pixels { size: [3, 30, 20] };
    for coordinates in [false, true] {
        let mut params = Params::new(&Cpu::default(), 1);
        let vision = Vision::new(params.root(), look, (&[4, 4, 6], coordinates), 5).unwrap();
        assert_eq!(vision.grid(), [4, 3]);
        let numbers = normals(1, 2 * 3 * 600);
        let seen = |numbers: &[f32], pictures| {
            let v = vision.forward::<Cpu, NoneTape>(&Pass::eval(&params), numbers, pictures).unwrap();
            Cpu::view(&v).into_owned()
        };
        let (both, second) = (seen(&numbers, 2), seen(&numbers[1800..], 1));
        assert_eq!(both.len(), 2 * 12 * 5);
        close(&both[60..], &second, 1e-5);
    }
}

#[test]
fn pixels_know_where_they_are() {
    let placed = placed(&[9.0, 9.0, 9.0, 9.0], [1, 2, 2]);
    assert_eq!(placed, [9.0, 9.0, 9.0, 9.0, -0.5, -0.5, 0.5, 0.5, -0.5, 0.5, -0.5, 0.5]);
}

#[test]
fn pixels_want_convolutions() {
    let mut params = Params::new(&Cpu::default(), 1);
    let made = Vision::new(params.root(), Look::Pixels { size: [3, 8, 8] }, (&[], false), 5);
    let told = made.unwrap_err().to_string();
    assert_eq!(told, "expected `channels` of convolutions that make regions of pixels, found none");
}
