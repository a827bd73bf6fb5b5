use dfdx::prelude::{Cpu, NoneTape};

use super::super::net::{Family, Net};
use super::super::prunenet::{Making, PruningNet};
use super::*;
use crate::kit::ops::conv::conv2d;
use crate::kit::params::Params;
use crate::kit::testing::{close, normals};

const IMAGES: usize = 8;

fn images(seed: u64) -> Images<Cpu> {
    Cpu::default().tensor_of(normals(seed, IMAGES * 3 * 64), (IMAGES, 3, 8, 8)).unwrap()
}

fn first() -> Norms {
    Norms::First { images: IMAGES, found: Vec::new() }
}

/// Invariant 4: the whole net with all but the first channels put out after each activation is the cropped net.
#[test]
fn masked_is_cropped() {
    let net = Net::new(Family::Doubling, 1, [3, 8, 8], 10);
    let mut params = Params::new(&Cpu::default(), 5);
    let layers = PruningNet::new(&mut params, &net, Making::default()).unwrap();
    let pass = Pass::eval(&params);
    let cropped = Chosen::of(&net, &[4, 11, 20, 2, 27]);
    let expected = logits(&pass, &net, &layers, &cropped, images(2), &mut first()).unwrap();

    // Weights are generated from the chosen scales, but for all channels.
    let whole = Chosen { widths: net.widths(&net.full()), places: cropped.places.clone() };
    let mut x = images(2);
    for (index, conv) in net.convs().enumerate() {
        let w = Layers::<Cpu>::weights::<NoneTape>(&layers, &pass, index, conv, &whole).unwrap();
        let geometry = Geometry::same(conv.kernel).stride(conv.stride);
        let groups = if conv.depthwise { whole.widths[conv.output] } else { 1 };
        let y = conv2d(x, &w, None, geometry.groups(groups)).unwrap();
        let norm = layers.norm(&pass, index, conv, &whole);
        let y = first().apply(index, y, None, norm, conv.act).unwrap();
        let (images, channels, height, width) = *y.shape();
        let mut numbers = Cpu::view(&y).into_owned();
        for (i, plane) in numbers.chunks_exact_mut(height * width).enumerate() {
            if i % channels >= cropped.widths[conv.output] {
                plane.fill(0.0);
            }
        }
        x = Cpu::default().tensor_of(numbers, (images, channels, height, width)).unwrap();
    }
    let masked = classify(&pass, &layers, x).unwrap();
    close(&Cpu::view(&masked), &Cpu::view(&expected), 1e-4);
}

/// Invariant 6: a factor on a convolution's weights is undone by its norm.
#[test]
fn the_scale_of_weights_does_not_matter() {
    let net = Net::new(Family::Doubling, 1, [3, 8, 8], 10);
    let at = Chosen::widths(net.uniform(0.5, true));
    let mut params = Params::new(&Cpu::default(), 5);
    let layers = super::super::plain::PlainNet::new(&mut params, &net, &at.widths).unwrap();
    // What is added to variances weighs nothing against weights of this size.
    let mut scaled = |factor: f32| {
        let names: Vec<String> = params
            .describe()
            .map(|(n, ..)| n.to_owned())
            .filter(|n| n.ends_with("depthwise.weight"))
            .collect();
        let mut bytes = crate::kit::params::load(&params.save().unwrap()).unwrap();
        for name in &names {
            bytes.get_mut(name).unwrap().1.iter_mut().for_each(|w| *w *= factor);
        }
        let saved =
            bytes.iter().map(|(name, (sizes, numbers))| (name.as_str(), sizes.clone(), numbers.clone()));
        params.load(&crate::kit::params::save(saved).unwrap()).unwrap();
        let logits = logits(&Pass::eval(&params), &net, &layers, &at, images(3), &mut first()).unwrap();
        Cpu::view(&logits).into_owned()
    };
    let once = scaled(100.0);
    close(&scaled(50.0), &once, 1e-4);
}

/// Invariants 8 and 9: statistics are mean and variance of what a norm sees, and calibrating again changes nothing.
#[test]
fn statistics_are_exact() {
    let net = Net::new(Family::Flat, 1, [3, 8, 8], 10);
    let mut params = Params::new(&Cpu::default(), 7);
    let layers = PruningNet::new(&mut params, &net, Making::default()).unwrap();
    let (pass, at) = (Pass::eval(&params), Chosen::of(&net, &[9; 5]));
    let calibrate = |mut norms: Norms| {
        let logits = logits(&pass, &net, &layers, &at, images(4), &mut norms).unwrap();
        (Cpu::view(&logits).into_owned(), norms)
    };
    let (logits, norms) = calibrate(Norms::First { images: 5, found: Vec::new() });
    let Norms::First { found, .. } = norms else { panic!("norms keep what they are") };
    assert_eq!(found.len(), net.convs().count());
    let (again, _) = calibrate(Norms::Given(found.clone()));
    assert_eq!(again, logits, "by the statistics found, the same");
    let (_, twice) = calibrate(Norms::First { images: 5, found: Vec::new() });
    assert!(matches!(twice, Norms::First { found: second, .. } if second == found));

    let stem = net.convs().next().unwrap();
    let y = convolved(&pass, 0, stem, &layers, &at, images(4)).unwrap();
    let (_, channels, height, width) = *y.shape();
    let planes = Cpu::view(&y).into_owned();
    for c in 0..channels {
        let of_channel =
            |image: usize| planes[(image * channels + c) * height * width..][..height * width].to_vec();
        let numbers: Vec<f64> = (0..5).flat_map(of_channel).map(f64::from).collect();
        let mean = numbers.iter().sum::<f64>() / numbers.len() as f64;
        let variance = numbers.iter().map(|x| (x - mean) * (x - mean)).sum::<f64>() / numbers.len() as f64;
        close(&[found[0].mean[c], found[0].variance[c]], &[mean as f32, variance as f32], 1e-5);
    }
}
