use dfdx::prelude::{Cpu, HasShape as _, NoneTape, Tensor};

use super::super::design::Size;
use super::*;
use crate::kit::rng::Stream;

fn scores(net: &Net, params: &Params<Cpu>, pictures: &[f32], size: [usize; 3]) -> Vec<f32> {
    let [channels, height, width] = size;
    let images = pictures.len() / (channels * height * width);
    let x = Cpu::default().tensor_of(pictures.to_vec(), (images, channels, height, width)).unwrap();
    let y: Tensor<(usize, usize), f32, Cpu, NoneTape> = net.forward(&Pass::eval(params), &x).unwrap();
    assert_eq!(y.shape().0, images);
    Cpu::view(&y).into_owned()
}

/// Invariants 10 and 16: as many scores as classes for pictures of any size, and a picture's do not depend on its neighbours.
#[test]
fn scores_are_a_pictures_own() {
    for (family, size, picture) in [
        (Family::RepGhost, Size::Paper, [3, 33, 45]),
        (Family::RepGhost, Size::Small, [1, 16, 12]),
        (Family::Ghost, Size::Small, [3, 16, 16]),
        (Family::Ghost, Size::Paper, [1, 64, 64]),
    ] {
        let classes = (0..6).map(|i| i.to_string()).collect();
        let design = Design::new(family, size, 0.5, picture, classes);
        let mut params = Params::new(&Cpu::default(), 1);
        let net = Net::new(&mut params, &design, Form::Trained).unwrap();
        let mut stream = Stream::new(1, "pictures");
        let area = picture.iter().product::<usize>();
        let pictures: Vec<f32> = (0..3 * area).map(|_| stream.normal() as f32).collect();
        let all = scores(&net, &params, &pictures, picture);
        assert_eq!(all.len(), 3 * 6);
        for (alone, together) in pictures.chunks(area).zip(all.chunks(6)) {
            for (a, b) in scores(&net, &params, alone, picture).iter().zip(together) {
                assert!((a - b).abs() <= 1e-6 * b.abs().max(1.0), "{family:?} {size:?}: {a}, {b}");
            }
        }
    }
}

/// A block without its shortcut loses nothing but the sum.
#[test]
fn shortcuts_can_be_left_out() {
    let classes: Vec<String> = (0..6).map(|i| i.to_string()).collect();
    let design = Design::new(Family::RepGhost, Size::Small, 1.0, [3, 16, 16], classes);
    let without = Design { shortcut: false, ..design.clone() };
    let nets = [design, without].map(|design| {
        let mut params = Params::new(&Cpu::default(), 1);
        let net = Net::new(&mut params, &design, Form::Trained).unwrap();
        let mut stream = Stream::new(1, "pictures");
        let pictures: Vec<f32> = (0..3 * 256).map(|_| stream.normal() as f32).collect();
        (params.count(), scores(&net, &params, &pictures, design.picture))
    });
    assert_eq!(nets[0].0, nets[1].0, "as many numbers");
    assert_ne!(nets[0].1, nets[1].1);
}

/// All norms are found, whatever the family.
#[test]
fn norms_are_found() {
    for family in [Family::RepGhost, Family::Ghost] {
        let classes = (0..6).map(|i| i.to_string()).collect();
        let design = Design::new(family, Size::Paper, 0.5, [3, 32, 32], classes);
        let mut params = Params::new(&Cpu::default(), 1);
        let mut net = Net::new(&mut params, &design, Form::Trained).unwrap();
        let expected = params.describe().filter(|(name, ..)| name.ends_with("running_mean")).count();
        assert_eq!(net.norms().len(), expected, "{family:?}");
    }
}
