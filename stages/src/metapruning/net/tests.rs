use super::*;
use crate::kit::rng::Stream;

pub(crate) const ALL: [Family; 6] = [
    Family::MobilenetV1,
    Family::MobilenetV1Small,
    Family::MobilenetV2,
    Family::Resnet50,
    Family::Doubling,
    Family::Flat,
];

/// The gene of MobileNet V2 from how its authors store it: an entry for each of 18 outputs, and 17 middles.
pub(crate) fn v2_gene(outputs: [u8; 18], middles: [u8; 17]) -> Gene {
    let mut gene = Vec::new();
    let mut at = 0;
    for repeats in [1, 1, 2, 3, 4, 3, 3, 1] {
        assert!(outputs[at..at + repeats].iter().all(|id| *id == outputs[at]), "stage-mates are equal");
        gene.push(outputs[at]);
        at += repeats;
    }
    gene.extend(middles);
    gene
}

fn random(net: &Net, stream: &mut Stream) -> Gene {
    (0..net.genes).map(|_| stream.below(grid::SCALES as usize) as u8).collect()
}

#[test]
fn families_have_as_many_genes_as_the_paper_says() {
    let genes = ALL.map(|family| Net::new(family, 1, [3, 224, 224], 1000).genes);
    assert_eq!(genes, [13, 13, 8 + 17, 4 + 16, 5, 5]);
}

/// Invariant 2: stages of MobileNet V2 repeat (1, 1, 2, 3, 4, 3, 3, 1) times, those of ResNet-50 (1, 3, 4, 6, 3).
#[test]
fn blocks_of_a_stage_share_their_output() {
    let repeats = |family| {
        let net = Net::new(family, 1, [3, 224, 224], 1000);
        let outputs: Vec<usize> = net.blocks.iter().map(|block| block.convs.last().unwrap().output).collect();
        outputs.chunk_by(|a, b| a == b).map(<[usize]>::len).collect::<Vec<_>>()
    };
    assert_eq!(repeats(Family::MobilenetV2), [1, 1, 2, 3, 4, 3, 3, 1, 1]);
    assert_eq!(repeats(Family::Resnet50), [1, 3, 4, 6, 3]);
}

/// Invariant 14: what is added has the same width for every gene, and a depthwise convolution keeps its channels.
#[test]
fn what_is_added_fits() {
    let mut stream = Stream::new(1, "genes");
    for family in ALL {
        let net = Net::new(family, 1, [3, 224, 224], 1000);
        for _ in 0..50 {
            let widths = net.widths(&random(&net, &mut stream));
            for block in &net.blocks {
                let (first, last) = (&block.convs[0], block.convs.last().unwrap());
                match &block.shortcut {
                    Shortcut::None => {}
                    Shortcut::Identity => assert_eq!(widths[first.input], widths[last.output]),
                    Shortcut::Conv(conv) => assert_eq!(
                        (widths[conv.input], widths[conv.output]),
                        (widths[first.input], widths[last.output])
                    ),
                }
                assert!(block.all().all(|conv| !conv.depthwise || conv.input == conv.output));
                assert!(block.convs.windows(2).all(|pair| pair[0].output == pair[1].input));
            }
        }
    }
}

/// Invariant 7: with all genes at the end of the grid the net is the plain one.
#[test]
fn the_full_gene_is_the_plain_net() {
    for family in ALL {
        let net = Net::new(family, 2, [3, 64, 64], 10);
        assert!(net.widths(&net.full()).iter().zip(&net.wires).all(|(width, wire)| *width == wire.base));
        assert_eq!(net.uniform(1.0, false), net.widths(&net.full()));
    }
}

#[test]
fn identity_shortcuts_are_decided_by_base_widths() {
    let net = Net::new(Family::MobilenetV2, 1, [3, 224, 224], 1000);
    let added: Vec<usize> = net
        .blocks
        .iter()
        .enumerate()
        .filter(|(_, block)| block.shortcut == Shortcut::Identity)
        .map(|(i, _)| i)
        .collect();
    // The second and later bottlenecks of each stage.
    assert_eq!(added, [3, 5, 6, 8, 9, 10, 12, 13, 15, 16]);
}
