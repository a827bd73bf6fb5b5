//! Stages without a paper: reading, choosing and counting data.

pub mod archive;
pub mod augment;
pub mod chart;
pub mod cifar;
pub mod commands;
pub mod concat;
pub mod conll;
pub mod constant;
pub mod decode;
pub mod digits;
pub mod files;
pub mod folder;
pub mod idx;
pub mod json;
pub mod labelled;
pub mod listing;
pub mod npy;
pub mod parsed;
pub mod phrases;
pub mod picture;
pub mod pictures;
pub mod sample;
pub mod sentences;
pub mod shapes;
pub mod split;
pub mod sst;
pub mod stats;
pub mod tagged;
pub mod tags;
pub mod take;
pub mod templates;
pub mod text;
pub mod trec;
pub mod tree;
pub mod trees;

use runpipe_base::{DynStage, Kind, KindSpec, StageError, View};

/// The stages of this folder.
pub const STAGES: &[&dyn DynStage] = &[
    &cifar::Cifar,
    &commands::Scan,
    &concat::Concat,
    &conll::Conll,
    &constant::Constant,
    &digits::Digits,
    &folder::Folder,
    &idx::Idx,
    &parsed::Parsed,
    &phrases::Phrases,
    &sample::Sample,
    &sentences::Sentences,
    &sentences::TreesOf,
    &sentences::WithTrees,
    &shapes::ShapeImages,
    &split::Split,
    &sst::Sst,
    &stats::Stats,
    &take::Take,
    &templates::Templates,
    &text::Text,
    &trec::Trec,
    &trees::Leaves,
    &trees::Trees,
];

/// The kinds of artifact that this folder's stages make.
pub const KINDS: &[KindSpec] = &[
    KindSpec {
        name: "commands",
        layout: "`commands.txt`: `IN: ` a command ` OUT: ` its actions on a line, as SCAN has them",
        check: |view| commands::read(view).map(drop),
    },
    KindSpec {
        name: "corpus/commands",
        layout: "parts `train` and `test` of kind `commands`",
        check: |view| ["train", "test"].iter().try_for_each(|name| part(view, name, "commands").map(drop)),
    },
    KindSpec {
        name: "corpus/labelled",
        layout: "parts `train` and `test` of kind `labelled` and `text` of kind `text`",
        check: |view| {
            ["train", "test"].iter().try_for_each(|name| part(view, name, "labelled").map(drop))?;
            part(view, "text", "text").map(drop)
        },
    },
    KindSpec {
        name: "corpus/tagged",
        layout: "parts `train`, `dev` and `test` of kind `tagged` and `text` of kind `text`, perhaps more",
        check: |view| {
            ["train", "dev", "test"].iter().try_for_each(|name| part(view, name, "tagged").map(drop))?;
            part(view, "text", "text").map(drop)
        },
    },
    KindSpec {
        name: pictures::DATASET,
        layout: "parts `train` and `test` of kind `images/labelled`, perhaps more",
        check: |view| {
            ["train", "test"].iter().try_for_each(|name| part(view, name, pictures::KIND).map(drop))
        },
    },
    KindSpec {
        name: pictures::KIND,
        layout: "`images.npy`: bytes `[N, C, H, W]`; or, of pictures that stay in their files, `files.csv`: a file's name, \
                 place, length and digest, sums of its picture's bytes and of their squares by channel, and `shape.json`: \
                 channels and side; `labels.npy`: a class each, 32 bits; `classes.txt`: their names, one a line, in order \
                 of their numbers",
        check: |view| pictures::Pictures::read(view).map(drop),
    },
    KindSpec { name: picture::KIND, layout: "`picture.svg`", check: picture::check },
    KindSpec {
        name: "images/split",
        layout: "parts `kept` and `held` of kind `images/labelled`",
        check: |view| ["kept", "held"].iter().try_for_each(|name| part(view, name, pictures::KIND).map(drop)),
    },
    KindSpec {
        name: "corpus/trees",
        layout: "parts `train` and `held_out` of kind `trees`",
        check: |view| ["train", "held_out"].iter().try_for_each(|name| part(view, name, "trees").map(drop)),
    },
    KindSpec {
        name: "labelled",
        layout: "`classes.txt`: a class a line; `sentences.tsv`: a class, a tab and a sentence, or two with a tab between \
                 them, on a line; `trees.mrg` and `trees-second.mrg`, if there are trees: a tree over the words of each \
                 (second) sentence, `()` for none",
        check: |view| labelled::Labelled::read(view).map(drop),
    },
    KindSpec {
        name: "table",
        layout: "`table.csv`: a line of column names, then rows of as many fields",
        check: |view| {
            let text = view.text("table.csv")?;
            let bad = csv::Reader::from_reader(text.as_bytes()).records().find_map(Result::err);
            bad.map_or(Ok(()), |e| Err(StageError::Input(format!("`table.csv`: {e}"))))
        },
    },
    KindSpec {
        name: "tagged",
        layout: "`sentences.conll`: a word, a tab and its IOB2 tag on a line, an empty line after each sentence; \
                 `labels.txt`: the labels in order of their ids, `O` first",
        check: |view| tagged::Tagged::read(view).map(drop),
    },
    KindSpec {
        name: "text",
        layout: "`text.txt`: UTF-8, one sentence a line",
        check: |view| view.text(text::TEXT).map(drop),
    },
    KindSpec {
        name: "trees",
        layout: "`trees.mrg`: a tree in brackets on a line, `()` for none",
        check: |view| trees::read(view).map(drop),
    },
];

/// The part `name`, which must be there and of kind `kind`.
fn part<'a>(view: &View<'a>, name: &str, kind: &'static str) -> Result<View<'a>, StageError> {
    view.part(name).filter(|part| *part.kind() == Kind::of(kind)).ok_or_else(|| {
        StageError::Input(format!(
            "expected a part `{name}` of kind `{kind}` in an artifact of kind `{}`",
            view.kind()
        ))
    })
}
