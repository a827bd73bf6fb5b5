//! `runpipe get`.

use runpipe_engine::Status;

use crate::args::Get;
use crate::exit::Exit;
use crate::open::{self, Failure};
use crate::term;

pub(crate) fn get(args: &Get) -> Result<Exit, Failure> {
    let registry = runpipe_stages::registry();
    let pipeline = open::pipeline(&args.reading, &registry)?;
    let store = open::store(&args.reading.store, &args.reading.file)?;
    let (node, part) = split(&args.node);
    let [id] = open::nodes(&pipeline, node)?[..] else {
        let labels: Vec<String> = open::nodes(&pipeline, node)?
            .iter()
            .take(5)
            .map(|id| format!("`{}`", pipeline.nodes[*id as usize].label()))
            .collect();
        return Err(Failure::usage(format!("`{node}` is a family: say which node"))
            .hint(format!("such as {}", labels.join(", "))));
    };
    let label = pipeline.nodes[id as usize].label();
    let options = open::results(&args.results, &pipeline, std::slice::from_ref(&label))?;
    let plan = runpipe_engine::plan(&pipeline, &store, &options)?;
    let found =
        plan.nodes.iter().find(|n| n.id == id && n.status == Status::Hit).and_then(|n| n.manifest.as_ref());
    let Some(manifest) = found else {
        let file = args.reading.file.display();
        return Err(Failure::Other(Exit::Failed, format!("`{label}` is not computed yet"), Vec::new())
            .hint(format!("`runpipe run {file} '{label}'` computes it, with the same --set and --profile")));
    };
    let Some(artifact) = manifest.artifact.part(part) else {
        let parts: Vec<&str> = manifest.artifact.parts.keys().map(String::as_str).collect();
        let failure = Failure::usage(format!("`{label}` has no part `{part}`"));
        return Err(failure.hint(if parts.is_empty() {
            "it has no parts".to_owned()
        } else {
            format!("it has `{}`", parts.join("`, `"))
        }));
    };
    store.materialise(artifact, &args.dir, false)?;
    for (path, entry) in artifact.entries() {
        term::data(format_args!("{} ({})\n", args.dir.join(path).display(), term::bytes(entry.size)));
    }
    Ok(Exit::Fine)
}

/// A node and the part after its name: a dot inside the brackets is part of a value.
fn split(text: &str) -> (&str, &str) {
    let start = text.rfind(']').map_or(0, |at| at + 1);
    match text[start..].find('.') {
        Some(dot) => (&text[..start + dot], &text[start + dot + 1..]),
        None => (text, ""),
    }
}

#[cfg(test)]
mod tests {
    use super::split;

    #[test]
    fn a_dot_in_a_value_is_no_part() {
        assert_eq!(split("corpus"), ("corpus", ""));
        assert_eq!(split("corpus.train"), ("corpus", "train"));
        assert_eq!(split("tagger[lr=0.1]"), ("tagger[lr=0.1]", ""));
        assert_eq!(split("tagger[lr=0.1].a.b"), ("tagger[lr=0.1]", "a.b"));
    }
}
