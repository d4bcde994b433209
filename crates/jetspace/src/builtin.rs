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
pub static PROBLEMS: &Library = library!(
    "problems": "allen-cahn" "allen-cahn-parameter" "allen-cahn-time" "allen-cahn-two-parameters"
    "burgers" "burgers-inverse" "continuity" "continuity-upwind" "heat-1d" "helmholtz-2d-k1"
    "helmholtz-2d-k4" "kdv" "kovasznay" "kovasznay-40" "pendulum-conservative" "pendulum-damped"
    "pendulum-hamiltonian" "pendulum-lagrangian" "pendulum-vector-field" "poisson-2d" "poisson-5d"
    "reaction-diffusion" "schrodinger-1d" "wave-1d"
);

/// The built-in studies.
pub static STUDIES: &Library = library!(
    "studies": "allen-cahn" "allen-cahn-noise" "allen-cahn-empirical" "allen-cahn-grid"
    "allen-cahn-precise" "allen-cahn-parameter" "allen-cahn-parameter-precise"
    "allen-cahn-two-parameters" "allen-cahn-two-parameters-corrected" "continuity"
    "continuity-corrected" "kovasznay" "kovasznay-corrected" "pendulum-damped"
    "pendulum-damped-corrected" "pendulum-conservative" "pendulum-conservative-corrected"
    "pendulum-hamiltonian" "pendulum-lagrangian" "pendulum-vector-field"
    "allen-cahn-time" "burgers" "burgers-inverse" "burgers-inverse-noise" "heat-1d"
    "helmholtz-2d-k1" "helmholtz-2d-k4" "kdv" "kovasznay-40" "poisson-2d" "poisson-5d"
    "reaction-diffusion" "schrodinger-1d" "wave-1d" "optimisers-allen-cahn" "optimisers-burgers"
    "optimisers-kdv" "optimisers-poisson-2d"
);

/// The text of an entry.
#[must_use]
pub fn text(library: &Library, name: &str) -> Option<&'static str> {
    library.iter().find(|(n, _)| *n == name).map(|(_, text)| *text)
}

/// The names of all entries, each once.
#[must_use]
pub fn names(libraries: &[&Library]) -> Vec<String> {
    let mut names: Vec<String> = Vec::new();
    for (name, _) in libraries.iter().copied().flatten() {
        if !names.iter().any(|known| known == name) {
            names.push((*name).to_owned());
        }
    }
    names
}

/// The entry of this name in the first library that has one, or the file at this path; `what` says
/// what they are, e.g. "problem".
///
/// # Errors
/// There is neither.
pub fn open(libraries: &[&Library], what: &'static str, name: &str) -> Result<Arc<Source>, Error> {
    match libraries.iter().find_map(|library| text(library, name)) {
        Some(text) => Ok(Source::new(format!("{name}.toml"), text)),
        None if Path::new(name).exists() => Source::read(Path::new(name)),
        None => Err(Error::Unknown { what, name: name.to_owned(), known: names(libraries) }),
    }
}
