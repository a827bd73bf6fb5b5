//! The digest of the source behind a folder's stages: the *tokens* of its files and of every file of this crate that
//! they reach through paths, and the locked versions of the libraries that compute. Comments, documentation, formatting
//! and tests do not count; any other token does.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::Path;

use proc_macro2::{Delimiter, TokenStream, TokenTree};

/// Libraries whose arithmetic is part of a result.
const LIBRARIES: [&str; 6] = ["dfdx", "gemm", "image", "libm", "tokenizers", "zune-jpeg"];

/// Folders that hold no stages.
const SHARED: [&str; 2] = ["kit", "vision"];

/// The files of a crate by their place below `src`, such as `kit/rng.rs`.
pub(crate) struct Sources(BTreeMap<String, TokenStream>);

impl Sources {
    /// Reads every file but tests.
    pub(crate) fn read(src: &Path) -> Self {
        let mut files = BTreeMap::new();
        let mut folders = vec![src.to_owned()];
        while let Some(folder) = folders.pop() {
            for entry in fs::read_dir(&folder).expect("src can be read") {
                let path = entry.expect("src can be read").path();
                if path.is_dir() {
                    folders.push(path);
                } else if path.extension().is_some_and(|e| e == "rs") {
                    let place = path.strip_prefix(src).expect("it was found there");
                    let place = place.to_string_lossy().replace('\\', "/");
                    files.insert(place, fs::read_to_string(&path).expect("src can be read"));
                }
            }
        }
        Self::of(files.iter().map(|(place, text)| (place.as_str(), text.as_str())))
    }

    /// Files by place and text.
    pub(crate) fn of<'a>(files: impl IntoIterator<Item = (&'a str, &'a str)>) -> Self {
        let files = files.into_iter().filter(|(place, _)| !is_test(place));
        // A file that does not parse fails in the compiler, with a better message than could be given here.
        Self(files.map(|(place, text)| (place.to_owned(), text.parse().unwrap_or_default())).collect())
    }

    /// Folders that hold stages.
    pub(crate) fn folders(&self) -> BTreeSet<String> {
        let folders =
            self.0.keys().filter_map(|place| place.split_once('/')).map(|(folder, _)| folder.to_owned());
        folders.filter(|folder| !SHARED.contains(&folder.as_str())).collect()
    }

    /// The digest of the source behind a folder's stages.
    pub(crate) fn digest(&self, folder: &str, lock: &str) -> String {
        let mut hasher = blake3::Hasher::new();
        let mut add = |bytes: &[u8]| {
            hasher.update(&(bytes.len() as u64).to_le_bytes());
            hasher.update(bytes);
        };
        for place in self.behind(folder) {
            add(place.as_bytes());
            let mut tokens = Vec::new();
            print(self.0[&place].clone(), &mut tokens);
            add(&tokens);
        }
        for library in LIBRARIES {
            add(versions(lock, library).as_bytes());
        }
        hasher.finalize().to_hex().to_string()
    }

    /// The folder's own files and all that they reach.
    pub(crate) fn behind(&self, folder: &str) -> BTreeSet<String> {
        let own = self.below(folder);
        let (mut found, mut open) = (own.clone(), own.into_iter().collect::<Vec<_>>());
        while let Some(place) = open.pop() {
            let mut paths = Vec::new();
            paths_in(self.0[&place].clone(), &mut paths);
            let reached = paths.iter().flat_map(|path| self.resolve(&place, path));
            open.extend(reached.filter(|place| found.insert(place.clone())));
        }
        found
    }

    fn below(&self, folder: &str) -> BTreeSet<String> {
        let prefix = format!("{folder}/");
        self.0.keys().filter(|place| place.starts_with(&prefix)).cloned().collect()
    }

    /// The files that a path such as `crate::kit::rng::Stream` means, seen from `place`: the file that it runs
    /// through, or the whole folder where it ends in one, since a folder may re-export anything below it.
    fn resolve(&self, place: &str, path: &[String]) -> BTreeSet<String> {
        let mut module: Vec<&str> = Vec::new();
        let mut rest = path;
        if path[0] != "crate" {
            module = place.trim_end_matches(".rs").split('/').filter(|part| *part != "mod").collect();
            let up = path.iter().take_while(|part| *part == "super").count();
            module.truncate(module.len().saturating_sub(up));
            rest = &path[up..];
        } else if let [_, tail @ ..] = path {
            rest = tail;
        }
        let mut folder = false;
        for part in rest {
            let below = [module.as_slice(), &[part.as_str()]].concat().join("/");
            if self.0.contains_key(&format!("{below}.rs")) {
                return self.module(&below);
            }
            if self.below(&below).is_empty() {
                break;
            }
            module.push(part);
            folder = true;
        }
        // `crate::code` or `pub(super)` name no file; `super::name` may be any re-export of the folder.
        let names_folder = folder || (path[0] == "super" && !rest.is_empty());
        if names_folder { self.module(&module.join("/")) } else { BTreeSet::new() }
    }

    /// A module's file and all below it.
    fn module(&self, place: &str) -> BTreeSet<String> {
        let mut files = self.below(place);
        files.extend(self.0.contains_key(&format!("{place}.rs")).then(|| format!("{place}.rs")));
        files
    }
}

fn is_test(place: &str) -> bool {
    ["tests.rs", "testing.rs"].iter().any(|name| place.ends_with(name)) || place.contains("/tests/")
}

/// Every path that starts with `crate` or `super`, with groups taken apart.
fn paths_in(tokens: TokenStream, paths: &mut Vec<Vec<String>>) {
    let tokens: Vec<TokenTree> = tokens.into_iter().collect();
    for (i, token) in tokens.iter().enumerate() {
        match token {
            TokenTree::Group(group) => paths_in(group.stream(), paths),
            TokenTree::Ident(ident) if ident == "crate" || ident == "super" => {
                let inner = i >= 3 && is_colon(&tokens[i - 1]) && is_super(&tokens[i - 3]);
                if !inner {
                    walk(&tokens[i..], Vec::new(), paths);
                }
            }
            _ => {}
        }
    }
}

/// Follows one path, or in a group several, and keeps each.
fn walk(tokens: &[TokenTree], mut path: Vec<String>, paths: &mut Vec<Vec<String>>) {
    let mut rest = tokens;
    loop {
        match rest {
            [TokenTree::Ident(ident), tail @ ..] => {
                path.push(ident.to_string());
                rest = tail;
            }
            [TokenTree::Group(group), ..] if group.delimiter() == Delimiter::Brace && !path.is_empty() => {
                let inner: Vec<TokenTree> = group.stream().into_iter().collect();
                for branch in inner.split(|t| matches!(t, TokenTree::Punct(p) if p.as_char() == ',')) {
                    if !branch.is_empty() {
                        walk(branch, path.clone(), paths);
                    }
                }
                return;
            }
            [TokenTree::Punct(p), ..] if p.as_char() == '*' => {
                path.push("*".to_owned());
                break;
            }
            _ => break,
        }
        match rest {
            [a, b, tail @ ..] if is_colon(a) && is_colon(b) => rest = tail,
            _ => break,
        }
    }
    if !path.is_empty() {
        paths.push(path);
    }
}

fn is_colon(token: &TokenTree) -> bool {
    matches!(token, TokenTree::Punct(p) if p.as_char() == ':')
}

fn is_super(token: &TokenTree) -> bool {
    matches!(token, TokenTree::Ident(ident) if ident == "super")
}

/// Adds every token but documentation, each with an end mark.
fn print(tokens: TokenStream, out: &mut Vec<u8>) {
    let mut tokens = tokens.into_iter().peekable();
    while let Some(token) = tokens.next() {
        match token {
            TokenTree::Punct(p) if p.as_char() == '#' => {
                let bang = tokens.next_if(|t| matches!(t, TokenTree::Punct(p) if p.as_char() == '!'));
                let documentation =
                    tokens.next_if(|t| matches!(t, TokenTree::Group(g) if is_doc(g.stream())));
                if documentation.is_none() {
                    out.extend(b"#\0");
                    out.extend(bang.map_or(&b""[..], |_| b"!\0"));
                }
            }
            TokenTree::Group(group) => {
                let (open, close) = match group.delimiter() {
                    Delimiter::Parenthesis => (b"(\0", b")\0"),
                    Delimiter::Brace => (b"{\0", b"}\0"),
                    Delimiter::Bracket => (b"[\0", b"]\0"),
                    Delimiter::None => (b"<\0", b">\0"),
                };
                out.extend(open);
                print(group.stream(), out);
                out.extend(close);
            }
            token => {
                out.extend(token.to_string().bytes());
                out.push(0);
            }
        }
    }
}

fn is_doc(attribute: TokenStream) -> bool {
    matches!(attribute.into_iter().next(), Some(TokenTree::Ident(ident)) if ident == "doc")
}

/// The locked versions of a library, in order.
fn versions(lock: &str, library: &str) -> String {
    let mut versions = Vec::new();
    let mut lines = lock.lines();
    while let Some(line) = lines.next() {
        if line == format!("name = \"{library}\"") {
            versions.extend(lines.next());
        }
    }
    versions.join(" ")
}
