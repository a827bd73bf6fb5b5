//! What a file declares, without running or even binding it.

use std::path::Path;

use runpipe_base::{ParamSpec, Registry};
use runpipe_grammar::ast::{File, Item};

use super::Binder;
use crate::load::Loader;
use crate::settings::{Overrides, Rejected, Settings};

/// What a file declares for its users.
#[derive(Debug, Clone, PartialEq)]
pub struct Listing {
    /// The file's own description.
    pub doc: String,
    /// Its parameters, in order.
    pub params: Vec<ParamSpec>,
    /// Its profiles: name and description.
    pub profiles: Vec<(String, String)>,
}

/// Lists the parameters and profiles of a file. The default of a parameter is the value that it has under `settings`.
///
/// # Errors
/// What is wrong with its syntax, its imports, its parameters or the settings.
pub fn describe(path: &Path, settings: &Settings) -> Result<Listing, Rejected> {
    let mut loader = Loader::default();
    let main = loader.main(path);
    let mut overrides = Overrides::outer(settings, &mut loader);
    let Loader { modules, mut sources, mut problems, .. } = loader;
    let Some(main) = main.filter(|_| problems.errors() == 0) else {
        return Err(Rejected { diagnostics: problems.into_sorted(), sources });
    };
    let (file, folder) = (&modules[main].file, &modules[main].folder);
    overrides.add_profiles(&settings.profile, file, folder, &mut sources, &mut problems);
    let registry = Registry::default();
    let mut binder = Binder::new(&registry, &modules, &sources, &overrides, problems);
    binder.only_list = true;
    for item in &file.items {
        if let Item::Param(param) = item {
            binder.file_param(param, main, true);
        }
    }
    binder.unknown_overrides(main);
    let Binder { problems, mut specs, effective, .. } = binder;
    if problems.errors() > 0 {
        return Err(Rejected { diagnostics: problems.into_sorted(), sources });
    }
    for spec in &mut specs {
        if let Some(value) = effective.get(&spec.name) {
            spec.default = Some(value.clone());
        }
    }
    let doc = file.doc.as_ref().map(|doc| doc.text.to_string()).unwrap_or_default();
    Ok(Listing { doc, params: specs, profiles: profiles(file) })
}

/// The profiles of a file.
pub(super) fn profiles(file: &File) -> Vec<(String, String)> {
    let profile = |item: &Item| match item {
        Item::Profile(profile) => {
            let doc = profile.doc.as_ref().map(|doc| doc.text.to_string()).unwrap_or_default();
            Some((profile.name.as_str().to_owned(), doc))
        }
        _ => None,
    };
    file.items.iter().filter_map(profile).collect()
}
