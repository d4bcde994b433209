//! Problems and studies that come with the program: the files under `problems/` and `studies/`.

use std::path::Path;
use std::sync::Arc;

use crate::error::Error;
use crate::source::Source;

/// Names and texts.
pub type Library = [(&'static str, &'static str)];

macro_rules! library {
    ($folder:literal: $($name:literal)*) => {
        &[$(($name, include_str!(concat!("../../../", $folder, "/", $name, ".toml")))),*]
    };
}

/// The built-in problems.
pub static PROBLEMS: &Library = library!("problems": "allen-cahn");

/// The built-in studies.
pub static STUDIES: &Library = library!(
    "studies": "allen-cahn" "allen-cahn-noise" "allen-cahn-empirical" "allen-cahn-grid"
);

/// The text of an entry.
#[must_use]
pub fn text(library: &Library, name: &str) -> Option<&'static str> {
    library.iter().find(|(n, _)| *n == name).map(|(_, text)| *text)
}

/// The names of all entries.
#[must_use]
pub fn names(library: &Library) -> Vec<String> {
    library.iter().map(|(name, _)| (*name).to_owned()).collect()
}

/// The built-in entry of this name, or the file at this path; `what` is "problem" or "study".
///
/// # Errors
/// There is neither.
pub fn open(library: &Library, what: &'static str, name: &str) -> Result<Arc<Source>, Error> {
    match text(library, name) {
        Some(text) => Ok(Source::new(format!("{name}.toml"), text)),
        None if Path::new(name).exists() => Source::read(Path::new(name)),
        None => Err(Error::Unknown { what, name: name.to_owned(), known: names(library) }),
    }
}
