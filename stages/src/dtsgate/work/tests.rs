use super::*;

fn sizes(experts: usize) -> Sizes {
    Sizes {
        vocabulary: 64,
        positions: 32,
        layers: 4,
        width: 64,
        heads: 4,
        inner: 128,
        experts,
        every: 2,
        dropout: 0.0,
    }
}

/// The specification's vectors: a token that asks one expert of eight, and one that asks all.
#[test]
fn operations_worked_by_hand() {
    assert_eq!(of_experts(&sizes(8), 1, 1), 33_792);
    assert_eq!(of_experts(&sizes(8), 8, 1), 263_168);
    let gate = of_experts(&sizes(8), 0, 1);
    assert_eq!(of_experts(&sizes(8), 8, 1) - gate, 8 * (of_experts(&sizes(8), 1, 1) - gate));
    // Four layers of attention, the blocks without experts, the decoder.
    let attention = 4 * (8 * 64 * 64 + 4 * 32 * 64);
    assert_eq!(of_token(&sizes(8), 32), attention + 2 * 4 * 64 * 128 + 2 * 64 * 64);
    assert_eq!(of_token(&sizes(0), 32), attention + 4 * 4 * 64 * 128 + 2 * 64 * 64);
    let all = of_token(&sizes(8), 32) + of_experts(&sizes(8), 2, 0);
    assert_eq!(all, of_token(&sizes(0), 32), "one expert a layer is a feed-forward block");
}
