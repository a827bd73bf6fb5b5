use dfdx::prelude::{Cpu, NoneTape};
use proptest::prelude::*;

use super::*;
use crate::kit::testing::{Inputs, close, normals};

proptest! {
    #![proptest_config(ProptestConfig::with_cases(16))]

    #[test]
    fn numbers_follow_the_definition(
        lengths in prop::collection::vec((0usize..5, 0usize..6), 0..6), width in 1usize..9, wide in 1usize..5, seed: u64,
    ) {
        let (queries, keys): (Vec<_>, Vec<_>) = lengths.iter().copied().unzip();
        let (n, m) = (queries.iter().sum(), keys.iter().sum());
        let longest = keys.iter().copied().max().unwrap_or(0);
        let [q, k, v] = [n * width, m * width, m * wide].map(|count| normals(seed, count));
        let (mut p, mut y) = (vec![0.0; n * longest], vec![0.0; n * wide]);
        let (mut first, mut key) = (0, 0);
        for (queries, keys) in &lengths {
            for row in first..first + queries {
                let scores: Vec<f32> = (key..key + keys)
                    .map(|j| 0.5 * (0..width).map(|i| q[row * width + i] * k[j * width + i]).sum::<f32>())
                    .collect();
                let whole: f32 = scores.iter().map(|s| s.exp()).sum();
                for (j, score) in scores.iter().enumerate() {
                    p[row * longest + j] = score.exp() / whole;
                    for i in 0..wide {
                        y[row * wide + i] += p[row * longest + j] * v[(key + j) * wide + i];
                    }
                }
            }
            (first, key) = (first + queries, key + keys);
        }
        let device = Cpu::default();
        let (queries, keys) = (Packed::new(queries), Packed::new(keys));
        let q = device.tensor_of(q, (n, width)).unwrap();
        let k = device.tensor_of(k, (m, width)).unwrap();
        let v = device.tensor_of(v, (m, wide)).unwrap();
        let weights = attention_weights::<Cpu, NoneTape>(q, &queries, k, &keys, 0.5).unwrap();
        close(&Cpu::view(&weights), &p, 1e-5);
        close(&Cpu::view(&mix::<Cpu, NoneTape>(weights, &queries, v, &keys).unwrap()), &y, 1e-5);
    }
}

#[test]
fn gradients() {
    let mut inputs = Inputs::new(3);
    let (queries, keys) = (Packed::new([2, 1, 3]), Packed::new([3, 5, 0]));
    let (q, k, v) = (inputs.add((6, 4)), inputs.add((8, 4)), inputs.add((8, 3)));
    inputs.check(|p| {
        let weights =
            attention_weights(p.get(q).retaped(), &queries, p.get(k).retaped(), &keys, 0.7).unwrap();
        mix(weights, &queries, p.get(v).retaped(), &keys).unwrap()
    });
    inputs
        .check(|p| attention_weights(p.get(q).retaped(), &queries, p.get(k).retaped(), &keys, 1.0).unwrap());
}
