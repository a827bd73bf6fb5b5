use dfdx::prelude::{Cpu, NoneTape};
use proptest::prelude::*;

use super::*;
use crate::kit::params::Params;
use crate::kit::testing::{Inputs, close};

const WORDS: usize = 9;
const WIDTH: usize = 10;

fn reader(encoder: Encoder, variant: Variant) -> (Params<Cpu>, Reader) {
    let mut params = Params::new(&Cpu::default(), 5);
    let reader = Reader::new(params.root(), (encoder, variant), WORDS, 4, WIDTH).unwrap();
    (params, reader)
}

fn questions(all: &[&[u32]]) -> Questions {
    Questions { words: all.concat(), packed: Packed::new(all.iter().map(|words| words.len())) }
}

/// The vector of each question.
fn read(params: &Params<Cpu>, reader: &Reader, all: &[&[u32]]) -> Vec<Vec<f32>> {
    let made = reader.forward::<Cpu, NoneTape>(&Pass::eval(params), &questions(all)).unwrap();
    Cpu::view(&made).chunks_exact(WIDTH).map(<[f32]>::to_vec).collect()
}

#[test]
fn filters_are_shared_out_as_in_the_paper() {
    assert_eq!(filters(640).unwrap(), [128, 256, 256]);
    assert_eq!(filters(1280).unwrap(), [256, 512, 512]);
    assert_eq!(filters(48).unwrap(), [10, 19, 19]);
    assert_eq!(filters(3).unwrap(), [1, 1, 1]);
    let told = filters(2).unwrap_err().to_string();
    assert_eq!(told, "expected 3 numbers or more for a CNN's vector, found 2");
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]

    /// A question's vector is the same alone and beside any others, and its numbers stay below 1.
    #[test]
    fn a_question_does_not_see_its_neighbours(
        one in prop::collection::vec(0u32..WORDS as u32, 1..9), other in prop::collection::vec(0u32..WORDS as u32, 1..12),
    ) {
        for encoder in [Encoder::Cnn, Encoder::Lstm] {
            let (params, reader) = reader(encoder, Variant::Paper);
            let alone = read(&params, &reader, &[&one]);
            let beside = read(&params, &reader, &[&other, &one]);
            close(&beside[1], &alone[0], 1e-6);
            prop_assert!(alone[0].iter().all(|x| x.abs() <= 1.0));
        }
    }
}

/// What the paper's reader avoids: in the released code's a longer neighbour changes a question's vector.
#[test]
fn the_released_reader_sees_its_neighbours() {
    let (params, reader) = reader(Encoder::Cnn, Variant::Released);
    let alone = &read(&params, &reader, &[&[1, 2, 3]])[0];
    let beside = &read(&params, &reader, &[&[1, 2, 3], &[4, 5, 6, 7, 8, 1, 2]])[0];
    assert!(alone.iter().zip(beside).any(|(a, b)| (a - b).abs() > 1e-3));
    // Windows of nothing but zeros give tanh b, which the maximum is not below.
    let bias = params.numbers("window.3.bias").unwrap();
    let three = &beside[filters(WIDTH).unwrap()[..2].iter().sum::<usize>()..];
    assert!(three.iter().zip(&bias).all(|(x, b)| *x >= b.tanh() - 1e-6));
}

#[test]
fn short_questions_are_read_and_single_words_know_no_order() {
    for variant in [Variant::Paper, Variant::Released] {
        let (params, reader) = reader(Encoder::Cnn, variant);
        let one = filters(WIDTH).unwrap()[0];
        let read = read(&params, &reader, &[&[3], &[1, 2], &[4, 5, 6, 7], &[7, 5, 4, 6]]);
        assert!(read.iter().flatten().all(|x| x.is_finite()));
        assert_eq!(read[2][..one], read[3][..one]);
        assert_ne!(read[2], read[3]);
    }
}

/// The released code's LSTM reads from the last word to the first: a palindrome backwards is the same to it, and so is every
/// question to a paper's reader whose words are turned, but for the tanh of the cells.
#[test]
fn the_released_reader_goes_backwards_and_has_no_bound() {
    let (mut params, released) = reader(Encoder::Lstm, Variant::Released);
    let back = |words: &[u32]| read(&params, &released, &[words]);
    assert_eq!(back(&[1, 2, 3, 2, 1]), back(&[1, 2, 3, 2, 1].iter().rev().copied().collect::<Vec<_>>()));
    assert_ne!(back(&[1, 2, 3]), back(&[3, 2, 1]));
    let (_, paper) = reader(Encoder::Lstm, Variant::Paper);
    // One step from nothing: h = o·c against o·tanh c.
    let (bare, bound) = (back(&[4]), read(&params, &paper, &[&[4]]));
    assert!(
        bare[0].iter().zip(&bound[0]).all(|(bare, bound)| bare.abs() >= bound.abs() && bare * bound >= 0.0)
    );
    let large = params.numbers("lstm.bias").unwrap().iter().map(|_| 4.0).collect::<Vec<f32>>();
    let bias = crate::kit::params::save([("lstm.bias", vec![4 * WIDTH], large)]).unwrap();
    params.load_some(&bias, |name| name == "lstm.bias").unwrap();
    assert!(read(&params, &released, &[&[1, 2, 3, 4]])[0].iter().all(|x| *x > 1.0), "o·c passes 1");
    assert!(read(&params, &paper, &[&[1, 2, 3, 4]])[0].iter().all(|x| *x < 1.0));
}

/// Of one word, so that no other window is about to become the largest.
#[test]
fn gradients() {
    let long: &[&[u32]] = &[&[1, 2, 3, 4], &[5], &[0, 7]];
    for (encoder, variant, asked) in [
        (Encoder::Cnn, Variant::Paper, &[&[5][..], &[0]][..]),
        (Encoder::Lstm, Variant::Paper, long),
        (Encoder::Lstm, Variant::Released, long),
    ] {
        let mut given = Inputs::new(6);
        let reader = Reader::new(given.params.root(), (encoder, variant), WORDS, 4, WIDTH).unwrap();
        let questions = questions(asked);
        given.check(|p| reader.forward(&Pass::eval(p), &questions).unwrap());
    }
}
