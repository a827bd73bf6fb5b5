//! What stands below the help of each verb: commands to try. A test runs them against the flags.

pub(crate) const START: &str = "\
To begin:
  runpipe run pipelines/maner.pipe                  train, compare, write the report
  runpipe plan pipelines/maner.pipe                 what would run, and how long it takes
  runpipe run pipelines/maner.pipe --set seeds=10   only the new seeds are trained
  runpipe stages list                               what a pipeline can call

Exit codes:
  0    fine
  1    a stage failed or an expectation broke
  2    the pipeline or the flags are wrong
  3    cache or disk
  101  a bug of ours";

pub(crate) const RUN: &str = "\
Examples:
  runpipe run pipelines/maner.pipe                            all of it, and its report
  runpipe run pipelines/maner.pipe scores --set seeds=10      only what `scores` needs
  runpipe run pipelines/maner.pipe --jobs 1 --keep-going      one at a time, whatever fails
  runpipe run pipelines/maner.pipe --audit                    compute again, compare the bytes
  runpipe run pipelines/maner.pipe --format json              events for another program";

pub(crate) const CHECK: &str = "\
Examples:
  runpipe check pipelines/maner.pipe
  runpipe check --strict pipelines/maner.pipe --set seeds=10";

pub(crate) const FMT: &str = "\
Examples:
  runpipe fmt pipelines/maner.pipe                 rewrite it
  runpipe fmt --check pipelines/maner.pipe         exit code 2 when it is not in canonical form
  runpipe fmt < pipelines/maner.pipe               a filter, for editors";

pub(crate) const PARAMS: &str = "\
Examples:
  runpipe params pipelines/maner.pipe                             names, types, defaults
  runpipe params pipelines/maner.pipe --profile masakhaner        what they are with a profile";

pub(crate) const PLAN: &str = "\
Examples:
  runpipe plan pipelines/maner.pipe
  runpipe plan pipelines/maner.pipe --set seeds=10 --all      a line for every node
  runpipe plan pipelines/maner.pipe scores --force corpus     as if `corpus` had to run";

pub(crate) const WHY: &str = "\
Examples:
  runpipe why pipelines/maner.pipe encoder
  runpipe why pipelines/maner.pipe scores --set seeds=10      all of a family
  runpipe why pipelines/maner.pipe 'scores[seed=0]'           some of it";

pub(crate) const GRAPH: &str = "\
Examples:
  runpipe graph pipelines/maner.pipe
  runpipe graph pipelines/maner.pipe --format svg > graph.svg
  runpipe graph pipelines/maner.pipe --format dot | dot -Tpng > graph.png";

pub(crate) const STAGES: &str = "\
Examples:
  runpipe stages list
  runpipe stages list train                        those that speak of training
  runpipe stages describe maner.finetune           inputs, parameters, parts, metrics";

pub(crate) const REPORT: &str = "\
Examples:
  runpipe report                                   of the last run
  runpipe report 7 --out old                       of the seventh, in another folder";

pub(crate) const RUNS: &str = "\
Examples:
  runpipe runs list
  runpipe runs show 7
  runpipe runs diff 7                              the seventh against the last
  runpipe runs diff 7 8";

pub(crate) const GET: &str = "\
Examples:
  runpipe get pipelines/maner.pipe corpus.train train
  runpipe get pipelines/maner.pipe 'tagger[seed=0,site=prepend]' tagger";

pub(crate) const CACHE: &str = "\
Examples:
  runpipe cache stat
  runpipe cache verify
  runpipe cache gc --dry-run                       what would go, and why
  runpipe cache gc --keep-runs 2 --max-size 20GiB
  runpipe cache pin paper 7                        keep what run 7 made";

pub(crate) const NEW: &str = "\
Examples:
  runpipe new mine.pipe
  runpipe run mine.pipe";

pub(crate) const COMPLETIONS: &str = "\
Examples:
  runpipe completions bash > ~/.local/share/bash-completion/completions/runpipe
  runpipe completions zsh > ~/.zfunc/_runpipe
  runpipe completions fish > ~/.config/fish/completions/runpipe.fish";
