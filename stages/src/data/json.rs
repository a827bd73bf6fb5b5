//! JSON files of artifacts.

use runpipe_base::{StageError, View};
use serde::{Deserialize, Serialize};

/// What a JSON file of an artifact holds.
///
/// # Errors
/// [`StageError::Input`] when it is missing or something else.
pub fn read<T: for<'a> Deserialize<'a>>(view: &View<'_>, file: &str) -> Result<T, StageError> {
    serde_json::from_str(&view.text(file)?).map_err(|e| StageError::Input(format!("`{file}`: {e}")))
}

/// The text of a JSON file.
///
/// # Errors
/// [`StageError::Other`] when the format refuses.
pub fn text(value: &impl Serialize) -> Result<String, StageError> {
    Ok(serde_json::to_string_pretty(value).map_err(|e| StageError::Other(e.to_string()))? + "\n")
}
