//! `runpipe fmt`.

use std::io::{Read, Write};
use std::path::Path;

use runpipe_engine::Rejected;
use runpipe_grammar::{Source, Sources};

use crate::args::Fmt;
use crate::exit::Exit;
use crate::open::Failure;
use crate::term;

pub(crate) fn fmt(args: &Fmt) -> Result<Exit, Failure> {
    if args.files.is_empty() {
        let mut bytes = Vec::new();
        std::io::stdin()
            .read_to_end(&mut bytes)
            .map_err(|e| Failure::disk(Path::new("standard input"), &e))?;
        let formatted = format(&bytes, "standard input")?;
        if args.check {
            return Ok(if formatted.as_bytes() == bytes { Exit::Fine } else { Exit::Usage });
        }
        term::data(formatted);
        return Ok(Exit::Fine);
    }
    let mut wrong = 0;
    for file in &args.files {
        let bytes = std::fs::read(file).map_err(|e| {
            Failure::Other(Exit::Usage, format!("cannot read `{}`: {e}", file.display()), Vec::new())
        })?;
        match format(&bytes, &file.display().to_string()) {
            Ok(formatted) if formatted.as_bytes() == bytes => {}
            Ok(_) if args.check => {
                term::say(format_args!("{} is not in canonical form", file.display()));
                wrong += 1;
            }
            Ok(formatted) => {
                replace(file, &formatted)?;
                term::say(format_args!("{} rewritten", file.display()));
            }
            Err(failure) => {
                failure.tell();
                wrong += 1;
            }
        }
    }
    if args.check && wrong > 0 {
        term::say("hint: `runpipe fmt FILE` rewrites a file in canonical form");
    }
    Ok(if wrong == 0 { Exit::Fine } else { Exit::Usage })
}

fn format(bytes: &[u8], name: &str) -> Result<String, Failure> {
    let mut sources = Sources::new();
    let source = match Source::from_bytes(sources.next_id(), name, bytes) {
        Ok(source) => source,
        Err(refused) => {
            sources.add(refused.shown);
            return Err(Rejected { diagnostics: vec![refused.diagnostic], sources }.into());
        }
    };
    let formatted = runpipe_grammar::format(&source);
    sources.add(source);
    formatted.map_err(|diagnostics| Rejected { diagnostics, sources }.into())
}

/// Replaces a file at once: a kill leaves the old text or the new, never half of it. Permissions stay.
fn replace(file: &Path, text: &str) -> Result<(), Failure> {
    let target = file.canonicalize().map_err(|e| Failure::disk(file, &e))?;
    let folder = target.parent().unwrap_or(Path::new("."));
    let write = || -> std::io::Result<()> {
        let mut temp = tempfile::NamedTempFile::new_in(folder)?;
        temp.write_all(text.as_bytes())?;
        temp.as_file().set_permissions(std::fs::metadata(&target)?.permissions())?;
        temp.persist(&target)?;
        Ok(())
    };
    write().map_err(|e| Failure::disk(file, &e))
}
