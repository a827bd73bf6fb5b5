//! Pictures that a stage draws for people, as they lie in an artifact of kind `picture`.

use runpipe_base::{Kind, Output, StageError, View};

/// The kind of a picture.
pub const KIND: &str = "picture";
/// The file that it stands in.
pub const FILE: &str = "picture.svg";

/// An artifact of kind `picture`.
pub fn output(svg: String) -> Output {
    Output::new(Kind::of(KIND)).file(FILE, svg)
}

/// That an artifact holds a whole picture.
///
/// # Errors
/// [`StageError::Input`] when it does not.
pub fn check(view: &View<'_>) -> Result<(), StageError> {
    if view.text(FILE)?.trim_end().ends_with("</svg>") {
        return Ok(());
    }
    Err(StageError::Input(format!("`{FILE}`: expected `</svg>` at its end")))
}
