//! `runpipe new`.

use std::io::Write;

use crate::args::New;
use crate::exit::Exit;
use crate::open::Failure;
use crate::term;

/// A small pipeline that runs as it stands; the tests run it.
const STARTER: &str = include_str!("starter.pipe");

pub(crate) fn new(args: &New) -> Result<Exit, Failure> {
    let mut file = args.file.clone();
    if file.extension().is_none() {
        file.set_extension("pipe");
    }
    if let Some(folder) = file.parent().filter(|folder| !folder.as_os_str().is_empty()) {
        std::fs::create_dir_all(folder).map_err(|e| Failure::disk(folder, &e))?;
    }
    let mut new = std::fs::File::create_new(&file).map_err(|e| match e.kind() {
        std::io::ErrorKind::AlreadyExists => Failure::usage(format!("`{}` is there already", file.display())),
        _ => Failure::disk(&file, &e),
    })?;
    new.write_all(STARTER.as_bytes()).map_err(|e| Failure::disk(&file, &e))?;
    let file = file.display();
    term::say(format_args!(
        "{file} written; `runpipe run {file}` runs it, `runpipe stages list` shows what it can call"
    ));
    Ok(Exit::Fine)
}
