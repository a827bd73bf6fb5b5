use dfdx::prelude::Cpu;

use super::*;

/// Invariant 17: where all classes are as likely, the loss is the logarithm of their number however labels are smoothed; the
/// rate falls in a line from all of it.
#[test]
fn losses_and_rates_are_those_of_the_recipe() {
    for smoothing in [0.0, 0.1, 0.9] {
        let logits = Cpu::default().tensor_of(vec![2.5; 3 * 7], (3, 7)).unwrap();
        let loss = cross_entropy(logits.put_tape(Taped::<Cpu>::default()), &[0, 3, 6], smoothing).unwrap();
        assert!((Cpu::view(&loss)[0] - 7.0_f32.ln()).abs() < 1e-6, "smoothing {smoothing}");
    }
    let schedule = Schedule::Linear { warmup: 0 };
    for (step, share) in [(0, 1.0), (500, 0.5), (999, 0.001)] {
        assert!((schedule.share(step, 1000) - share).abs() < 1e-12, "step {step}");
    }
}
