//! Reads a file and all that it imports.

use std::collections::HashMap;
use std::fs::File;
use std::io::{ErrorKind, Read};
use std::path::{Component, Path, PathBuf};

use runpipe_grammar::{Diagnostic, Source, SourceId, Sources, Span, ast, nearest, parse};

use crate::problems::Problems;

/// The longest file that is read.
const MAX_BYTES: u64 = 64 << 20;

/// How deeply imports may nest.
const MAX_DEPTH: usize = 64;

/// A file that was read.
pub(crate) struct Module {
    pub(crate) file: ast::File,
    /// Its folder as it was named; empty for the current one.
    pub(crate) folder: PathBuf,
    /// For each of its imports, in order, the module, if it could be read.
    pub(crate) imports: Vec<Option<usize>>,
}

/// Reads files, each once.
#[derive(Default)]
pub(crate) struct Loader {
    pub(crate) modules: Vec<Module>,
    pub(crate) sources: Sources,
    pub(crate) problems: Problems,
    known: HashMap<PathBuf, Option<usize>>,
    /// The files being read, outermost first: canonical and as named.
    open: Vec<(PathBuf, String)>,
}

impl Loader {
    /// Adds a text that stands in no file, such as an argument of the command line.
    pub(crate) fn add_text(&mut self, name: &str, text: &str) -> SourceId {
        add(&mut self.sources, name, text)
    }

    /// Reads the file that the user named, and all that it imports; each module stands after those it imports.
    pub(crate) fn main(&mut self, path: &Path) -> Option<usize> {
        let shown = path.to_string_lossy().into_owned();
        match read(path) {
            Ok(bytes) => self.module(path, &bytes),
            Err(trouble) => {
                let text = self.add_text("command line", &shown);
                self.problems.add(trouble.at(Span::new(text, 0, shown.len())));
                None
            }
        }
    }

    fn module(&mut self, path: &Path, bytes: &[u8]) -> Option<usize> {
        let name = path.to_string_lossy().into_owned();
        let identity = std::fs::canonicalize(path).unwrap_or_else(|_| path.to_owned());
        let source = match Source::from_bytes(self.sources.next_id(), &name, bytes) {
            Ok(source) => source,
            Err(refused) => {
                self.sources.add(refused.shown);
                self.problems.add(refused.diagnostic);
                self.known.insert(identity, None);
                return None;
            }
        };
        self.sources.add(source.clone());
        let file = match parse(&source) {
            Ok(file) => file,
            Err(diagnostics) => {
                self.problems.extend(diagnostics);
                self.known.insert(identity, None);
                return None;
            }
        };
        self.open.push((identity.clone(), name));
        let folder = path.parent().unwrap_or(Path::new("")).to_owned();
        let imports = file.items.iter().filter_map(|item| match item {
            ast::Item::Import(import) => Some(self.import(import, &folder)),
            _ => None,
        });
        let imports = imports.collect();
        self.open.pop();
        self.modules.push(Module { file, folder, imports });
        let id = self.modules.len() - 1;
        self.known.insert(identity, Some(id));
        Some(id)
    }

    fn import(&mut self, import: &ast::Import, folder: &Path) -> Option<usize> {
        let span = import.path.span;
        if import.path.value.is_empty() {
            self.problems.add(Diagnostic::error(span, "an import names a file, found nothing"));
            return None;
        }
        let path = join(folder, &import.path.value);
        let identity = std::fs::canonicalize(&path).unwrap_or_else(|_| path.clone());
        if let Some(start) = self.open.iter().position(|(open, _)| *open == identity) {
            let mut chain: Vec<String> =
                self.open[start..].iter().map(|(_, name)| format!("`{name}`")).collect();
            chain.push(chain[0].clone());
            let message = format!("files import each other: {}", chain.join(" → "));
            self.problems.add(
                Diagnostic::error(span, message)
                    .label("closes the circle")
                    .hint("move what both need into a third file"),
            );
            return None;
        }
        if let Some(known) = self.known.get(&identity) {
            return *known;
        }
        if self.open.len() >= MAX_DEPTH {
            let message = format!("imports nest more than {MAX_DEPTH} deep");
            self.problems.add(Diagnostic::error(span, message));
            return None;
        }
        match read(&path) {
            Ok(bytes) => self.module(&path, &bytes),
            Err(trouble) => {
                self.problems.add(trouble.at(span));
                None
            }
        }
    }
}

/// Adds a text that stands in no file.
pub(crate) fn add(sources: &mut Sources, name: &str, text: &str) -> SourceId {
    sources.add(Source::new(sources.next_id(), name, text))
}

/// Why a file cannot be read.
pub(crate) struct Trouble {
    message: String,
    label: Option<String>,
}

impl Trouble {
    pub(crate) fn at(self, span: Span) -> Diagnostic {
        let diagnostic = Diagnostic::error(span, self.message);
        self.label.into_iter().fold(diagnostic, Diagnostic::label)
    }
}

/// The bytes of a file.
pub(crate) fn read(path: &Path) -> Result<Vec<u8>, Trouble> {
    let shown = path.display();
    let plain = |message| Trouble { message, label: None };
    if path.is_dir() {
        return Err(plain(format!("`{shown}` is a folder, expected a file")));
    }
    let mut bytes = Vec::new();
    let read = File::open(path).and_then(|file| file.take(MAX_BYTES + 1).read_to_end(&mut bytes));
    match read {
        Err(error) if error.kind() == ErrorKind::NotFound => Err(missing(path)),
        Err(error) => Err(plain(format!("cannot read `{shown}`: {error}"))),
        Ok(_) if bytes.len() as u64 > MAX_BYTES => Err(plain(format!("`{shown}` is larger than 64 MiB"))),
        Ok(_) => Ok(bytes),
    }
}

/// Says that a file is missing, and which one is near.
pub(crate) fn missing(path: &Path) -> Trouble {
    let message = format!("there is no file `{}`", path.display());
    let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty());
    let here = Path::new(".");
    let Ok(entries) = std::fs::read_dir(folder.unwrap_or(here)) else {
        let folder = folder.unwrap_or(here).display();
        return Trouble { message, label: Some(format!("there is no folder `{folder}`")) };
    };
    let mut names: Vec<String> =
        entries.filter_map(|entry| entry.ok()?.file_name().into_string().ok()).collect();
    names.sort();
    let wanted = path.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
    let label =
        nearest(&wanted, names.iter().map(String::as_str)).map(|name| format!("did you mean `{name}`?"));
    Trouble { message, label }
}

/// A path that was written in a file of `folder`.
pub(crate) fn join(folder: &Path, written: &str) -> PathBuf {
    let mut path = PathBuf::new();
    for part in folder.join(written).components() {
        match part {
            Component::CurDir => {}
            // `lib/../x` is `x`, unless `lib` is a link to somewhere else.
            Component::ParentDir if path.file_name().is_some() && !path.is_symlink() => {
                path.pop();
            }
            part => path.push(part),
        }
    }
    path
}

/// The stem of an imported file, under which it is known without an `as`.
pub(crate) fn stem(path: &str) -> &str {
    let file = path.rsplit('/').next().unwrap_or(path);
    file.strip_suffix(".pipe").unwrap_or(file)
}
