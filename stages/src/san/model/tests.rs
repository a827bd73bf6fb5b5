use dfdx::prelude::{Cpu, NoneTape};
use proptest::prelude::*;
use runpipe_base::{Params as _, Record};

use super::super::questions::{Question, Scenes, Set};
use super::*;
use crate::kit::fit::{Fit, fit};
use crate::kit::ops::cross_entropy::cross_entropy;
use crate::kit::optim::{Optimizer, OptimizerConfig};
use crate::kit::rng::Stream;
use crate::kit::schedule::Schedule;
use crate::kit::tally::argmax;
use crate::kit::testing::{Inputs, close, normals};

const WIDTH: usize = 6;
const FEATURES: usize = 4;

fn net() -> Net {
    let net = Net::decode(&Record::new()).unwrap();
    Net { width: WIDTH, hidden: 5, embedding: 3, ..net }
}

fn look(regions: usize) -> Look {
    Look::Regions { grid: [1, regions], width: FEATURES }
}

fn names() -> Names {
    Names::of(["what", "is", "the", "red", "thing"].map(str::to_owned).to_vec())
}

/// A question about each of some pictures.
fn batch(texts: &[&str], regions: &[f32]) -> Batch {
    let question =
        |(picture, text): (usize, &&str)| Question { picture, text: (*text).into(), ..Question::default() };
    let questions = texts.iter().enumerate().map(question).collect();
    let asked = Asked { questions, numbers: regions.to_vec(), count: texts.len() };
    Batch::new(asked, &names())
}

struct Made {
    params: Params<Cpu>,
    san: San,
}

impl Made {
    fn new(net: &Net, regions: usize) -> Self {
        let mut params = Params::new(&Cpu::default(), 7);
        let san = San::new(&mut params, net, look(regions), (5, 3)).unwrap();
        Self { params, san }
    }

    fn last(&self, batch: &Batch) -> (Vec<f32>, Maps) {
        let mut maps = Maps::new();
        let u = self.san.last::<Cpu, NoneTape>(&Pass::eval(&self.params), batch, Some(&mut maps)).unwrap();
        (Cpu::view(&u).into_owned(), maps)
    }

    fn logits(&self, batch: &Batch) -> Vec<f32> {
        let logits = self.san.forward::<Cpu, NoneTape>(&Pass::eval(&self.params), batch, None).unwrap();
        Cpu::view(&logits).into_owned()
    }
}

/// The projected regions of a picture, by a net of no layers that is shown each region alone.
fn projected(made: &Made, regions: &[f32]) -> Vec<Vec<f32>> {
    let weight = made.params.numbers("image.weight").unwrap();
    let row =
        |f: &[f32], i: usize| (0..FEATURES).map(|j| weight[i * FEATURES + j] * f[j]).sum::<f32>().tanh();
    regions.chunks_exact(FEATURES).map(|f| (0..WIDTH).map(|i| row(f, i)).collect()).collect()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(16))]

    /// u of k layers is v_Q and k mixtures of the projected regions, each by its layer's weights (equations 15 and 16), so
    /// no number moves by more than one a layer.
    #[test]
    fn every_layer_adds_a_mixture(layers in 0usize..4, regions in 1usize..7, seed: u64) {
        let numbers = normals(seed, regions * FEATURES);
        let asked = batch(&["what is the red thing"], &numbers);
        let made = Made::new(&Net { layers, ..net() }, regions);
        let (u, maps) = made.last(&asked);
        let alone = San { vision: None, layers: Vec::new(), ..made.san.clone() };
        let question = alone.last::<Cpu, NoneTape>(&Pass::eval(&made.params), &asked, None).unwrap();
        let mut expected = Cpu::view(&question).into_owned();
        prop_assert!(expected.iter().all(|x| x.abs() <= 1.0));
        let v = projected(&made, &numbers);
        let even = vec![vec![1.0 / regions as f32; regions]];
        for p in if layers == 0 { &even } else { &maps } {
            for (p, v) in p.iter().zip(&v) {
                expected.iter_mut().zip(v).for_each(|(u, v)| *u += p * v);
            }
        }
        close(&u, &expected, 1e-5);
        prop_assert!(u.iter().all(|x| x.abs() <= 1.0 + layers.max(1) as f32 + 1e-5));
    }

    /// Regions in another order: the same answer, and weights in that order; there is no place but what regions say of it.
    #[test]
    fn the_order_of_regions_means_nothing(layers in 0usize..4, regions in 1usize..7, seed: u64) {
        let numbers = normals(seed, regions * FEATURES);
        let back: Vec<f32> = numbers.chunks_exact(FEATURES).rev().flatten().copied().collect();
        let made = Made::new(&Net { layers, ..net() }, regions);
        let (u, maps) = made.last(&batch(&["the thing"], &numbers));
        let (turned, other) = made.last(&batch(&["the thing"], &back));
        close(&turned, &u, 1e-5);
        for (p, q) in maps.iter().zip(&other) {
            close(&q.iter().rev().copied().collect::<Vec<_>>(), p, 1e-5);
        }
    }

    /// A question alone has the logits that it has beside longer ones about other pictures.
    #[test]
    fn a_question_does_not_see_its_batch(seed: u64, cnn: bool, layers in 0usize..3) {
        let encoder = if cnn { Encoder::Cnn } else { Encoder::Lstm };
        let numbers = normals(seed, 2 * 4 * FEATURES);
        let made = Made::new(&Net { layers, encoder, ..net() }, 4);
        let both = made.logits(&batch(&["what is", "what is the red red red thing"], &numbers));
        let alone = made.logits(&batch(&["what is"], &numbers[..4 * FEATURES]));
        close(&both[..3], &alone, 1e-5);
    }
}

/// With nothing to score by, a layer is the mean that a net of no layers has.
#[test]
fn no_scores_are_no_attention() {
    let numbers = normals(3, 2 * 4 * FEATURES);
    let asked = batch(&["what is", "the red thing"], &numbers);
    let plain = Made::new(&Net { layers: 0, ..net() }, 4);
    let mut one = Made::new(&Net { layers: 1, ..net() }, 4);
    let trained = one.params.save().unwrap();
    let scores = crate::kit::params::save([("attention.0.score.weight", vec![1, 5], vec![0.0; 5])]).unwrap();
    one.params.load(&trained).unwrap();
    one.params.load_some(&scores, |name| name == "attention.0.score.weight").unwrap();
    close(&one.logits(&asked), &plain.logits(&asked), 1e-6);
}

#[test]
fn a_net_sees_what_it_is_to_see() {
    let [one, other] = [normals(1, 4 * FEATURES), normals(2, 4 * FEATURES)];
    for (sees, question, picture) in
        [(Sees::Both, true, true), (Sees::Question, true, false), (Sees::Picture, false, true)]
    {
        let made = Made::new(&Net { sees, ..net() }, 4);
        let logits = |text, numbers: &[f32]| made.logits(&batch(&[text], numbers));
        let base = logits("what is", &one);
        assert_eq!(logits("the red thing", &one) != base, question, "{sees:?}");
        assert_eq!(logits("what is", &other) != base, picture, "{sees:?}");
        assert_eq!(made.san.grid().is_some(), picture);
    }
}

#[test]
fn words_may_be_unknown_or_none() {
    let made = Made::new(&net(), 2);
    let numbers = normals(1, 2 * 2 * FEATURES);
    let logits = made.logits(&batch(&["", "unheard"], &[&numbers[..8], &numbers[..8]].concat()));
    assert_eq!(logits[..3], logits[3..]);
}

/// The paper's net for VQA: half of its numbers are words.
#[test]
fn numbers_of_the_papers_net() {
    let net = Net { layers: 2, width: 1280, hidden: 512, embedding: 500, ..net() };
    let mut params = Params::new(&Cpu::default(), 0);
    let look = Look::Regions { grid: [14, 14], width: 512 };
    San::new(&mut params, &net, look, (13_745, 1000)).unwrap();
    let words = 13_746 * 500;
    let reader = 500 * 256 + 1000 * 512 + 1500 * 512 + 1280;
    let (image, layer) = (512 * 1280 + 1280, 2 * 1280 * 512 + 512 + 512 + 1);
    assert_eq!(params.count(), words + reader + image + 2 * layer + 1280 * 1000 + 1000);
}

#[test]
fn gradients_go_to_every_weight() {
    for (encoder, variant) in [(Encoder::Cnn, Variant::Paper), (Encoder::Lstm, Variant::Released)] {
        let mut given = Inputs::new(8);
        let net = Net { encoder, variant, ..net() };
        let san = San::new(&mut given.params, &net, look(3), (5, 3)).unwrap();
        let numbers = normals(1, 2 * 3 * FEATURES);
        let mut asked = batch(&["what is the thing", "red thing"], &numbers);
        // Two questions about one picture, which is given once.
        asked.owners = vec![1, 1];
        given.check(|p| san.forward(&Pass::eval(p), &asked, None).unwrap());
    }
}

/// Gradients reach the convolutions, too.
#[test]
fn gradients_go_to_pixels_layers() {
    let mut given = Inputs::new(8);
    let net = Net { channels: vec![2, 3], coordinates: true, layers: 1, ..net() };
    let look = Look::Pixels { size: [1, 8, 8] };
    let san = San::new(&mut given.params, &net, look, (5, 3)).unwrap();
    let question = |picture| Question { picture, text: "the thing".into(), ..Question::default() };
    let asked = Asked { questions: vec![question(0), question(1)], numbers: normals(1, 2 * 64), count: 2 };
    let asked = Batch::new(asked, &names());
    let (_, slopes) = given.slopes(&|p: &Params<Cpu>| {
        san.forward(&Pass::train(p, Stream::new(0, "pass")), &asked, None).unwrap()
    });
    let names: Vec<String> = given.params.describe().map(|(name, ..)| name.to_owned()).collect();
    let slope = |name: &str| {
        slopes[names.iter().position(|n| n == name).unwrap()].iter().map(|x| x.abs()).sum::<f32>()
    };
    assert!(slope("conv.0.conv.weight") > 1e-4 && slope("conv.1.conv.weight") > 1e-4);
}

/// 32 random answers are learnt by heart.
#[test]
fn a_batch_is_overfitted() {
    for layers in [1, 2] {
        let mut stream = Stream::new(layers as u64, "heart");
        let words = ["what", "is", "the", "red", "thing"];
        let question = |picture| {
            let text = (0..4).map(|_| words[stream.below(5)]).collect::<Vec<_>>().join(" ");
            Question { picture, text, ..Question::default() }
        };
        let questions: Vec<Question> = (0..32).map(question).collect();
        let scenes =
            Scenes::Regions { grid: [1, 4], width: FEATURES, numbers: normals(1, 32 * 4 * FEATURES) };
        let labels: Vec<u32> = (0..32).map(|_| stream.below(3) as u32).collect();
        let set = Set { scenes, questions, grid: None };
        let asked = Batch::new(Asked::of(&set, &(0..32).collect::<Vec<_>>()), &names());
        let net = Net { layers, width: 24, hidden: 16, embedding: 12, ..net() };
        let Made { mut params, san } = Made::new(&net, 4);
        let plan = Fit {
            steps: 300,
            rate: 1e-2,
            schedule: Schedule::Constant,
            seed: 0,
            curve: "loss_curve",
            report_every: 50,
            checkpoint_every: None,
        };
        let mut cx = runpipe_base::Ctx::new(&runpipe_base::NullHost, runpipe_base::Device::Cpu);
        let mut task =
            |pass: &Pass<'_, Cpu>, _: u64| cross_entropy(san.forward(pass, &asked, None)?, &labels, 0.0);
        fit(&mut cx, &plan, &mut params, &mut Optimizer::new(OptimizerConfig::adam()), &mut task).unwrap();
        let logits = Made { params, san: san.clone() }.logits(&asked);
        let wrong = logits
            .chunks_exact(3)
            .zip(&labels)
            .filter(|(row, label)| argmax(row) != **label as usize)
            .count();
        assert_eq!(wrong, 0, "{layers} layers");
    }
}

#[test]
fn dropout_is_of_training_alone() {
    let made = Made::new(&Net { dropout: 0.5, ..net() }, 2);
    let asked = batch(&["what is"], &normals(1, 2 * FEATURES));
    let trained = |seed| {
        let pass = Pass::train(&made.params, Stream::new(seed, "pass"));
        let logits = made.san.forward::<Cpu, NoneTape>(&pass, &asked, None).unwrap();
        Cpu::view(&logits).into_owned()
    };
    assert_eq!(made.logits(&asked), made.logits(&asked));
    assert_eq!(trained(1), trained(1));
    assert_ne!(trained(1), trained(2));
    // The mean over many masks is what no mask gives: the answer is linear in u.
    let mut mean = vec![0.0; 3];
    for seed in 0..4000 {
        mean.iter_mut().zip(trained(seed)).for_each(|(mean, x)| *mean += x / 4000.0);
    }
    close(&mean, &made.logits(&asked), 0.1);
}
