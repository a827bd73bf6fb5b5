use super::super::grid;
use super::super::net::Gene;
use super::super::net::tests::{ALL, v2_gene};
use super::*;
use crate::kit::rng::Stream;

fn net(family: Family) -> Net {
    Net::new(family, 1, [3, 224, 224], 1000)
}

fn of(family: Family, gene: &[u8]) -> Cost {
    let net = net(family);
    cost(&net, &net.widths(gene))
}

fn costs(macs: u64, counted: u64, params: u64) -> Cost {
    Cost { macs, counted, params }
}

#[test]
fn mobilenet_v1_costs_what_is_published() {
    let net = net(Family::MobilenetV1);
    assert_eq!(of(Family::MobilenetV1, &net.full()), costs(568_740_352, 573_834_216, 4_231_976));
    let uniform = |ratio, last| cost(&net, &net.uniform(ratio, last));
    let all = [0.75, 0.5, 0.25].map(|ratio| uniform(ratio, false));
    assert_eq!(all.map(|c| c.macs), [325_400_448, 149_497_088, 41_030_272]);
    assert_eq!(all.map(|c| c.params), [2_585_560, 1_331_592, 470_072]);
    let last = [0.75, 0.5, 0.25].map(|ratio| uniform(ratio, true));
    assert_eq!(
        last,
        [
            costs(335_290_240, 339_135_976, 3_038_680),
            costs(162_854_144, 165_451_752, 2_106_760),
            costs(51_432_064, 52_781_544, 1_436_216)
        ]
    );
}

#[test]
fn the_published_mobilenet_v1_vector_costs_what_is_published() {
    let gene = [28, 18, 10, 23, 23, 22, 22, 13, 17, 28, 17, 25, 29];
    let net = net(Family::MobilenetV1);
    let widths = net.widths(&gene);
    assert_eq!(widths[1..], [30, 40, 51, 101, 202, 194, 389, 250, 312, 481, 312, 435, 993, 1024]);
    assert_eq!(cost(&net, &widths), costs(313_208_831, 316_800_208, 3_280_476));
}

#[test]
fn mobilenet_v2_costs_what_is_published() {
    let full = net(Family::MobilenetV2).full();
    assert_eq!(of(Family::MobilenetV2, &full), costs(569_521_240, 579_303_816, 5_313_198));
    let first = v2_gene(
        [14, 12, 11, 11, 8, 8, 8, 7, 7, 7, 7, 8, 8, 8, 14, 14, 14, 8],
        [6, 5, 2, 15, 7, 17, 14, 5, 11, 12, 12, 11, 6, 16, 14, 13, 14],
    );
    assert_eq!(of(Family::MobilenetV2, &first), costs(104_870_557, 108_404_800, 2_230_199));
    // A number that the authors' own counter printed.
    let second = v2_gene(
        [18, 23, 18, 18, 28, 28, 28, 27, 27, 27, 27, 2, 2, 2, 12, 12, 12, 15],
        [4, 12, 25, 23, 20, 14, 24, 8, 19, 26, 2, 10, 24, 16, 6, 26, 10],
    );
    assert_eq!(of(Family::MobilenetV2, &second).counted, 207_976_916);
}

#[test]
fn resnet_50_costs_what_is_published() {
    let full = net(Family::Resnet50).full();
    assert_eq!(of(Family::Resnet50, &full), costs(4_089_184_256, 4_111_714_280, 25_557_032));
    let half = [19, 9, 15, 13, 10, 9, 10, 6, 9, 13, 11, 12, 7, 18, 7, 13, 12, 10, 19, 18];
    assert_eq!(of(Family::Resnet50, &half), costs(1_027_554_986, 1_038_426_734, 10_567_336));
    let most = [23, 17, 16, 17, 16, 16, 18, 20, 18, 25, 11, 29, 22, 18, 13, 27, 17, 23, 23, 20];
    assert_eq!(of(Family::Resnet50, &most), costs(1_989_926_060, 2_004_806_596, 15_712_607));
}

#[test]
fn generators_have_as_many_numbers_as_published() {
    let params =
        [Family::MobilenetV1, Family::MobilenetV2, Family::Resnet50].map(|f| generator_params(&net(f)));
    assert_eq!(params, [106_135_464, 241_985_558, 776_067_816]);
}

#[test]
fn the_small_nets_cost_what_they_should() {
    let small = |family| Net::new(family, 1, [3, 16, 16], 10);
    let (doubling, flat) = (small(Family::Doubling), small(Family::Flat));
    assert_eq!(cost(&doubling, &doubling.widths(&doubling.full())).macs, 345_216);
    assert_eq!(doubling.uniform(0.35, false)[1..], [2, 5, 11, 11, 22, 22]);
    assert_eq!(cost(&doubling, &doubling.uniform(0.35, false)).macs, 58_060);
    assert_eq!(cost(&flat, &flat.uniform(0.25, false)).macs, 111_952);
}

/// Invariant 2: no gene makes a net cheaper when it grows.
#[test]
fn cost_grows_with_every_gene() {
    let mut stream = Stream::new(2, "genes");
    for family in ALL {
        let net = net(family);
        for _ in 0..20 {
            let gene: Gene = (0..net.genes).map(|_| stream.below(30) as u8).collect();
            let here = cost(&net, &net.widths(&gene));
            for i in 0..net.genes {
                let mut more = gene.clone();
                more[i] = grid::FULL.min(more[i] + 1);
                let there = cost(&net, &net.widths(&more));
                assert!(
                    there.macs >= here.macs && there.counted >= here.counted && there.params >= here.params
                );
            }
        }
    }
}
