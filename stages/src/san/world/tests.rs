use proptest::prelude::*;
use runpipe_base::{Params as _, Record};

use super::*;

pub(super) fn laws() -> Laws {
    Laws::decode(&Record::new()).unwrap()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    /// Things stand in cells of their own, colours name them, a dot is another's colour, and the answer lies where the path
    /// of the question ends.
    #[test]
    fn the_laws_hold(grid in 2usize..5, objects in 2usize..5, shapes in 2usize..9, seed in 0u64..1 << 40, place: u64) {
        let world = World::new(Laws { grid, objects, shapes, seed, ..laws() }, "train").unwrap();
        let mut stream = Stream::new(seed, "train").child(place);
        let things = world.things(&mut stream);
        let mut cells: Vec<usize> = things.iter().map(|t| t.cell).collect();
        let mut bodies: Vec<usize> = things.iter().map(|t| t.body).collect();
        cells.sort_unstable();
        bodies.sort_unstable();
        cells.dedup();
        prop_assert!(cells.len() == objects && cells.iter().all(|cell| *cell < grid * grid));
        prop_assert_eq!(bodies, (0..objects).collect::<Vec<_>>());
        for thing in &things {
            prop_assert!(thing.dot == things[thing.next].body && thing.dot != thing.body);
        }
        let question = World::question(0, &things, &mut stream);
        let at = |cell: usize| things.iter().find(|t| t.cell == cell).unwrap();
        let (asked, last) = (at(question.path[0]), at(*question.path.last().unwrap()));
        let named = format!("the {} thing", COLOURS[asked.body]);
        prop_assert!(question.text.ends_with(&named));
        match question.path.len() {
            1 if question.class == "dot" => prop_assert_eq!(&question.answer, COLOURS[asked.dot]),
            1 => prop_assert_eq!(&question.answer, SHAPES[asked.shape]),
            _ => {
                prop_assert_eq!(asked.dot, last.body);
                prop_assert_eq!(&question.answer, SHAPES[last.shape]);
            }
        }
    }
}

#[test]
fn a_question_is_a_function_of_its_place() {
    for shown in [Shown::Regions, Shown::Pixels] {
        let world = World::new(Laws { shown, ..laws() }, "test").unwrap();
        let (all, some) = (world.draw(0..20), world.draw(7..9));
        let mut numbers = [Vec::new(), Vec::new()];
        all.scenes.add(8, &mut numbers[0]);
        some.scenes.add(1, &mut numbers[1]);
        assert_eq!(numbers[0], numbers[1]);
        assert_eq!(Question { picture: 1, ..all.questions[8].clone() }, some.questions[1]);
    }
    let train = World::new(laws(), "train").unwrap().draw(0..20);
    assert_ne!(train, World::new(laws(), "test").unwrap().draw(0..20));
}

/// A quarter, a quarter and a half, within five standard deviations.
#[test]
fn half_of_the_questions_take_two_steps() {
    let questions = World::new(laws(), "train").unwrap().draw(0..8000).questions;
    for (class, share) in [("shape", 0.25), ("dot", 0.25), ("two_hop", 0.5)] {
        let found = questions.iter().filter(|q| q.class == class).count() as f64 / 8000.0;
        assert!((found - share).abs() < 5.0 * (share * (1.0 - share) / 8000.0f64).sqrt(), "{class}: {found}");
    }
}

/// The vector of a cell is what its thing is made of, whatever is elsewhere.
#[test]
fn regions_are_sums_of_parts() {
    let world = World::new(Laws { noise: 0.0, width: 5, ..laws() }, "train").unwrap();
    let thing = Thing { body: 2, dot: 1, shape: 3, next: 0, cell: 4 };
    let mut numbers = Vec::new();
    world.regions(&[thing], &mut Stream::new(0, "none"), &mut numbers);
    for (cell, vector) in numbers.chunks_exact(5).enumerate() {
        let parts: &[usize] = if cell == 4 { &[2, 4 + 1, 8 + 3] } else { &[12] };
        for (i, x) in vector.iter().enumerate() {
            let sum: f32 = parts.iter().map(|part| world.parts[*part][i]).sum();
            assert!((x - sum.max(0.0)).abs() < 1e-6);
        }
    }
}

#[test]
fn negative_controls_are_what_they_say() {
    let world = World::new(Laws { dots: Dots::Unrelated, ..laws() }, "train").unwrap();
    let things = |place| world.things(&mut Stream::new(0, "train").child(place));
    let agree = (0..4000).flat_map(things).filter(|t| t.dot == t.body).count() as f64 / 16_000.0;
    assert!((agree - 0.25).abs() < 0.02, "a dot is any colour, its own too: {agree}");
    let world = World::new(Laws { forms: Forms::Distinct, ..laws() }, "train").unwrap();
    for place in 0..50 {
        let mut shapes: Vec<usize> =
            world.things(&mut Stream::new(0, "train").child(place)).iter().map(|t| t.shape).collect();
        shapes.sort_unstable();
        assert_eq!(shapes, [0, 1, 2, 3]);
    }
}

#[test]
fn laws_that_cannot_hold_are_refused() {
    let told = |laws| World::new(laws, "train").unwrap_err().to_string();
    let crowded = told(Laws { grid: 2, objects: 5, ..laws() });
    assert_eq!(crowded, "expected at most 4 things in as many cells, found 5");
    let alike = told(Laws { forms: Forms::Distinct, shapes: 3, ..laws() });
    assert_eq!(alike, "expected 4 shapes for as many things, found 3");
}
