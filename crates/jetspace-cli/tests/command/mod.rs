//! The program as users start it, in a folder of theirs.

use std::path::Path;
use std::process::{Command, Output};

/// The program, to be given arguments.
pub fn program(folder: &Path) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_jetspace"));
    command.current_dir(folder);
    command
}

/// What it says and how it ends.
pub fn jetspace(folder: &Path, arguments: &[&str]) -> Output {
    program(folder).args(arguments).output().unwrap()
}

/// What it prints where it must not fail.
pub fn succeed(folder: &Path, arguments: &[&str]) -> String {
    let output = jetspace(folder, arguments);
    let errors = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(output.status.success(), "{arguments:?}: {errors}");
    String::from_utf8(output.stdout).unwrap()
}
