//! Recipes: what a computation is made of, and the key that names it.
//!
//! The parts are numbered; adding one bumps [`FORMAT`]. Left out on purpose: the node's label and hints, names of files,
//! comments, thread count, verbosity, time, host. They cannot move a byte of the result.

use std::fmt::Display;
use std::path::Path;

use runpipe_base::{Device, Digest, Hasher, Key, Value, Wants};
use runpipe_cache::{RecipePart, Store, StoreError};

use crate::{Node, Piece, StageCode};

/// Bumped whenever the meaning of a key changes: old results are then not found, never mistaken.
pub(crate) const FORMAT: u64 = 1;

/// One node's recipe with everything known that it is made of.
pub(crate) struct Recipe<'a> {
    /// The node.
    pub(crate) node: &'a Node,
    /// Content of what arrives, in the order of [`Node::inputs`].
    pub(crate) inputs: &'a [Digest],
    /// Where tensors are computed.
    pub(crate) device: Device,
    /// Hashes what paths hold.
    pub(crate) store: &'a Store,
}

/// The exact key, and when it was asked for the looser one without the source digest, for `--trust-version`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Keys {
    /// Every part.
    pub(crate) exact: Key,
    /// Every part but the code.
    pub(crate) loose: Option<Key>,
}

impl Recipe<'_> {
    /// The keys, the looser one if `loose` says so.
    ///
    /// # Errors
    /// [`StoreError`] when a path cannot be read.
    pub(crate) fn keys(&self, loose: bool) -> Result<Keys, StoreError> {
        let mut keys = KeyMaker {
            exact: Hasher::new("runpipe recipe"),
            loose: loose.then(|| Hasher::new("runpipe recipe, any code")),
        };
        self.walk(&mut keys)?;
        Ok(Keys { exact: keys.exact.finish_key(), loose: keys.loose.map(|loose| loose.finish_key()) })
    }

    /// The parts by name, for `why`.
    ///
    /// # Errors
    /// As [`keys`](Self::keys).
    pub(crate) fn parts(&self) -> Result<Vec<RecipePart>, StoreError> {
        let mut parts = PartMaker(Vec::new());
        self.walk(&mut parts)?;
        Ok(parts.0)
    }

    /// Shows every part to `visitor`, in order.
    fn walk(&self, visitor: &mut impl Visitor) -> Result<(), StoreError> {
        let (stage, spec) = (&self.node.stage, &self.node.stage.spec);
        // 1, 2: format, stage and version.
        visitor.part(1, "format", "", &FORMAT, |h| {
            h.u64(FORMAT);
        });
        visitor.part(2, "stage", "", &format_args!("{} version {}", spec.name, spec.version), |h| {
            h.str(&spec.name).u64(u64::from(spec.version));
        });
        // 3: code.
        match &stage.code {
            StageCode::Builtin(_) => visitor.part(3, "code", "", &short(&spec.code), |h| {
                h.str(&spec.code);
            }),
            StageCode::Command(command) => {
                visitor.part(3, "command", "", &command.text(), |h| hash_command(h, &command.command));
                for (written, path) in &command.needs {
                    let digest = self.store.hash_path(Path::new(path))?;
                    visitor.part(3, "file", written, &digest.short(), |h| {
                        h.digest(&digest);
                    });
                }
            }
        }
        visitor.part(3, "output", "", &spec.output, |h| {
            h.str(spec.output.as_str());
            for part in &spec.parts {
                h.str(&part.name).str(part.kind.as_str());
            }
            for metric in &spec.metrics {
                h.str(&metric.name);
            }
        });
        // 4: parameters, a path by what it holds.
        for (name, value) in self.node.params.iter() {
            let mut held = Vec::new();
            self.contents(value, &mut held)?;
            if held.is_empty() {
                visitor.part(4, "parameter", name, value, |h| value.hash_into(h));
            } else {
                let shown = Held(value, &held);
                visitor.part(4, "parameter", name, &shown, |h| {
                    for digest in &held {
                        h.digest(digest);
                    }
                });
            }
        }
        // 5: what arrives at each port.
        for (input, digest) in self.node.inputs.iter().zip(self.inputs) {
            let port = &spec.inputs[usize::from(input.port)].name;
            visitor.part(5, "input", port, &digest.short(), |h| {
                h.digest(digest);
            });
        }
        // 6: the class of device, where tensors are computed. The seed is a parameter like any other.
        if spec.wants == Wants::Tensors {
            visitor.part(6, "device", "", &self.device, |h| {
                h.str(match self.device {
                    Device::Cpu => "cpu f32",
                    Device::Cuda => "cuda f32",
                });
            });
        }
        Ok(())
    }

    /// The digests of what the paths in `value` hold.
    fn contents(&self, value: &Value, held: &mut Vec<Digest>) -> Result<(), StoreError> {
        match value {
            Value::Path(path) => held.push(self.store.hash_path(Path::new(path))?),
            Value::List(items) => items.iter().try_for_each(|item| self.contents(item, held))?,
            _ => {}
        }
        Ok(())
    }
}

/// Hears every part of a recipe.
trait Visitor {
    /// One part: its number, group and name, what a person sees, and the whole of it.
    fn part(&mut self, number: u64, group: &str, name: &str, value: &dyn Display, fill: impl Fn(&mut Hasher));
}

struct KeyMaker {
    exact: Hasher,
    loose: Option<Hasher>,
}

impl Visitor for KeyMaker {
    fn part(&mut self, number: u64, group: &str, name: &str, _: &dyn Display, fill: impl Fn(&mut Hasher)) {
        let add = |hasher: &mut Hasher| {
            hasher.u64(number).str(group).str(name);
            fill(hasher);
        };
        add(&mut self.exact);
        if let Some(loose) = self.loose.as_mut().filter(|_| group != "code") {
            add(loose);
        }
    }
}

struct PartMaker(Vec<RecipePart>);

impl Visitor for PartMaker {
    fn part(&mut self, _: u64, group: &str, name: &str, value: &dyn Display, fill: impl Fn(&mut Hasher)) {
        let mut hasher = Hasher::new("runpipe recipe part");
        fill(&mut hasher);
        let name = if name.is_empty() { group.to_owned() } else { format!("{group} {name}") };
        self.0.push(RecipePart { name, value: clip(&value.to_string()), digest: hasher.finish_digest() });
    }
}

/// A path parameter as people see it: the path and what it holds.
struct Held<'a>(&'a Value, &'a [Digest]);

impl Display for Held<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let digests: Vec<String> = self.1.iter().map(Digest::short).collect();
        write!(f, "{} (content {})", self.0, digests.join(", "))
    }
}

fn hash_command(hasher: &mut Hasher, command: &[Piece]) {
    for piece in command {
        match piece {
            Piece::Text(text) => hasher.u64(0).str(text),
            Piece::Port(name) => hasher.u64(1).str(name),
            Piece::Param(name) => hasher.u64(2).str(name),
            Piece::Out => hasher.u64(3),
        };
    }
}

fn short(code: &str) -> String {
    code.chars().take(12).collect()
}

/// At most 200 characters: a manifest is small.
fn clip(text: &str) -> String {
    match text.char_indices().nth(200) {
        Some((at, _)) => format!("{}…", &text[..at]),
        None => text.to_owned(),
    }
}
