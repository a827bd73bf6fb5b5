use dfdx::prelude::{Backward as _, Cpu};

use super::{Sizes, Translator};
use crate::kit::backend::Backend;
use crate::kit::optim::{Optimizer, OptimizerConfig};
use crate::kit::params::{Params, Pass};
use crate::kit::testing::Inputs;

fn sizes(copy: bool) -> Sizes {
    Sizes { vocabulary: 8, embedding: 8, hidden: 16, dropout: 0.0, copy }
}

/// Word 2 means 5, word 3 means 6 6; outputs follow the command, and with copying word 4 means itself.
const PAIRS: [(&[u32], &[u32]); 4] =
    [(&[2], &[5]), (&[3], &[6, 6]), (&[2, 3], &[5, 6, 6]), (&[3, 4, 2], &[6, 6, 4, 5])];

#[test]
fn a_few_commands_are_learned_by_heart() {
    for copy in [false, true] {
        let mut params = Params::new(&Cpu::default(), 3);
        let translator = Translator::new(&mut params, sizes(copy)).unwrap();
        let mut optimizer = Optimizer::new(OptimizerConfig::adam());
        let (commands, actions): (Vec<&[u32]>, Vec<&[u32]>) = PAIRS.iter().copied().unzip();
        let mut last = f32::NAN;
        for _ in 0..400 {
            let loss = translator.loss(&Pass::eval(&params), &commands, &actions).unwrap();
            last = Cpu::view(&loss)[0];
            optimizer.step(&mut params, loss.backward(), 0.01).unwrap();
        }
        assert!(last < 0.1, "copy {copy}: {last}");
        assert_eq!(translator.write(&params, &commands, 20).unwrap(), actions);
        // A command is performed alike alone and in company.
        assert_eq!(translator.write(&params, &commands[2..3], 20).unwrap(), actions[2..3]);
        assert_eq!(translator.write(&params, &commands[1..2], 1).unwrap(), [[6]]);
    }
}

#[test]
fn gradient() {
    for copy in [false, true] {
        let mut inputs = Inputs::new(4);
        let translator = Translator::new(&mut inputs.params, sizes(copy)).unwrap();
        let (commands, actions): (Vec<&[u32]>, Vec<&[u32]>) = PAIRS.iter().copied().unzip();
        inputs.check(|params| translator.loss(&Pass::eval(params), &commands, &actions).unwrap());
    }
}
