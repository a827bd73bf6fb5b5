//! The language of .pipe files: text to syntax tree, diagnostics, canonical form.
