//! Stages that take no time unless they are asked to, and fail as they are told.

use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use runpipe_base::{
    Ctx, Inputs, Kind, KindSpec, Output, Port, Registry, Spec, Stage, StageError, View, params,
};

const FILE: &str = "n.txt";

fn number(n: i64) -> Output {
    Output::new(Kind::of("number")).file(FILE, format!("{n}\n"))
}

fn read(view: &View<'_>) -> Result<i64, StageError> {
    view.text(FILE)?.trim().parse().map_err(|_| StageError::Input("not a number".to_owned()))
}

/// Counts the calls of stages whose result is not a function of their inputs.
static CALLS: AtomicU32 = AtomicU32::new(0);

params! {
    /// Parameters of [`Make`].
    pub struct MakeParams {
        /// The number.
        n: i64 = 0;
        /// How long it takes.
        ms: u64 = 0;
        /// Tells two computations apart.
        seed: u64 = 0;
    }
}

params! {
    /// Parameters of [`Train`].
    pub struct TrainParams {
        /// Steps.
        steps: u64 = 10;
        /// How long a step takes.
        ms: u64 = 0;
        /// Keep no checkpoint.
        forgetful: bool = false;
    }
}

params! {
    /// Parameters of [`Fail`].
    pub struct FailParams {
        /// How: `error`, `panic`, `kind`, `layout`, `metric`, `nan`, `part`.
        how: String = "error".to_owned();
        /// A file that counts its calls; none: it always fails.
        calls: Option<String> = None;
        /// So many calls fail.
        times: u32 = 1;
    }
}

macro_rules! stages {
    ($($stage:ident: $params:ty => $spec:expr, |$p:ident, $inputs:ident, $cx:ident| $run:expr;)*) => {
        $(
            struct $stage;

            impl Stage for $stage {
                type Params = $params;

                fn spec(&self) -> Spec {
                    $spec
                }

                fn run(&self, $p: &$params, $inputs: &Inputs<'_>, $cx: &mut Ctx<'_>) -> Result<Output, StageError> {
                    $run
                }
            }
        )*

        /// Every stage here.
        pub(crate) fn registry() -> Registry {
            let kinds = [KindSpec { name: "number", layout: "", check: |view| read(view).map(drop) }];
            Registry::new(&[$(&$stage),*], &kinds)
        }
    };
}

stages! {
    Make: MakeParams => Spec::new("toy.make", "c0", "number", "Makes a number.").metric("n", "the number"),
        |p, _inputs, cx| {
            std::thread::sleep(Duration::from_millis(p.ms));
            cx.metric("n", p.n as f64);
            Ok(number(p.n))
        };
    Add: MakeParams => Spec::new("toy.add", "c1", "number", "Adds numbers.")
            .input(Port::many("numbers", "number", "numbers"))
            .metric("n", "the sum"),
        |p, inputs, cx| {
            std::thread::sleep(Duration::from_millis(p.ms));
            let sum = inputs.many("numbers").iter().map(read).sum::<Result<i64, _>>()? + p.n;
            cx.metric("n", sum as f64);
            Ok(number(sum))
        };
    Half: () => Spec::new("toy.half", "c2", "number", "Half a number, rounded down.")
            .input(Port::one("whole", "number", "a number")),
        |_p, inputs, _cx| Ok(number(read(&inputs.one("whole")?)? / 2));
    Pair: () => Spec::new("toy.pair", "c3", "pair", "Two numbers.")
            .input(Port::one("left", "number", "a number"))
            .input(Port::one("right", "number", "a number"))
            .part("left", "number", "the left one")
            .part("right", "number", "the right one"),
        |_p, inputs, _cx| {
            let of = |name| Ok::<_, StageError>(number(read(&inputs.one(name)?)?));
            Ok(Output::new(Kind::of("pair")).part("left", of("left")?).part("right", of("right")?))
        };
    Train: TrainParams => Spec::new("toy.train", "c4", "number", "Goes on from its last step.")
            .metric("from", "the step it began at")
            .series("loss", "falls")
            .tensors(),
        |p, _inputs, cx| {
            let saved = cx.resume().and_then(|state| Some(u64::from_le_bytes(state.try_into().ok()?)));
            let from = saved.unwrap_or(0);
            for step in from..p.steps {
                cx.stop_point()?;
                std::thread::sleep(Duration::from_millis(p.ms));
                cx.point("loss", step, 1.0 / (step + 1) as f64);
                cx.progress(step + 1, p.steps, "steps", "");
                if !p.forgetful {
                    cx.checkpoint(&(step + 1).to_le_bytes())?;
                }
            }
            cx.metric("from", from as f64);
            Ok(number(p.steps as i64))
        };
    Chance: () => Spec::new("toy.chance", "c5", "number", "Another number at each call."),
        |_p, _inputs, _cx| Ok(number(i64::from(CALLS.fetch_add(1, Ordering::Relaxed))));
    Fail: FailParams => Spec::new("toy.fail", "c6", "number", "Fails as it is told.")
            .input(Port::optional("number", "number", "a number"))
            .metric("n", "the number"),
        |p, _inputs, cx| {
            if let Some(path) = &p.calls {
                let calls = std::fs::read(path).unwrap_or_default().len() as u32;
                std::fs::write(path, vec![b'x'; calls as usize + 1]).expect("the test's own file");
                if calls >= p.times {
                    return Ok(number(1));
                }
            }
            match p.how.as_str() {
                "panic" => panic!("out of cheese"),
                "kind" => Ok(Output::new(Kind::of("pair"))),
                "layout" => Ok(Output::new(Kind::of("number")).file(FILE, "one")),
                "metric" => {
                    cx.metric("m", 1.0);
                    Ok(number(1))
                }
                "nan" => {
                    cx.metric("n", f64::NAN);
                    Ok(number(1))
                }
                "part" => Ok(number(1).part("more", number(2))),
                _ => Err(StageError::Other("it was told to fail".to_owned())),
            }
        };
}
