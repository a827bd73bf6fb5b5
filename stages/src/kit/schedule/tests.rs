use super::*;

fn check(schedule: &Schedule, total: u64, expected: &[(u64, f64)]) {
    for (step, share) in expected {
        let found = schedule.share(*step, total);
        assert!((found - share).abs() < 1e-12, "{schedule:?} at {step}: {found}, not {share}");
    }
}

#[test]
fn shares_worked_by_hand() {
    check(&Schedule::Constant, 10, &[(0, 1.0), (9, 1.0)]);
    check(&Schedule::Linear { warmup: 0 }, 10, &[(0, 1.0), (5, 0.5), (9, 0.1), (10, 0.0)]);
    check(
        &Schedule::Linear { warmup: 4 },
        12,
        &[(0, 0.2), (3, 0.8), (4, 1.0), (8, 0.5), (12, 0.0), (20, 0.0)],
    );
    check(&Schedule::Cosine { warmup: 1, floor: 0.1 }, 9, &[(0, 0.5), (1, 1.0), (5, 0.55), (9, 0.1)]);
    check(&Schedule::Steps { at: vec![3, 6], factor: 0.1 }, 9, &[(2, 1.0), (3, 0.1), (5, 0.1), (6, 0.01)]);
    check(
        &Schedule::Cyclic { half: 2, floor: 0.5 },
        99,
        &[(0, 0.5), (1, 0.75), (2, 1.0), (3, 0.75), (4, 0.5)],
    );
}

#[test]
fn a_run_shorter_than_its_warmup_has_rates() {
    check(&Schedule::Linear { warmup: 9 }, 3, &[(0, 0.1), (2, 0.3)]);
}
