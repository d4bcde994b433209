//! What `jetspace check` says about files that are wrong in one way each, as their names say.
//!
//! Each NAME.toml in the folder `wrong_files` was made from one of those in `correct`; NAME.stderr
//! beside it is the message, which is compared exactly.

mod snapshot;

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/wrong_files")
}

fn check(folder: &Path, file: &str) -> Output {
    let mut program = Command::new(env!("CARGO_BIN_EXE_jetspace"));
    program.args(["check", file]).current_dir(folder).output().unwrap()
}

/// The names of the files that end so, without that ending.
fn names(folder: &Path, ending: &str) -> BTreeSet<String> {
    let files = std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().file_name());
    files.filter_map(|name| Some(name.to_str()?.strip_suffix(ending)?.to_owned())).collect()
}

#[test]
fn wrong_files_are_refused_with_the_place_and_a_way_out() {
    let folder = folder();
    let names = names(&folder, ".toml");
    assert!(names.len() >= 60, "only {} files", names.len());
    let mistakes: Vec<String> = names
        .iter()
        .filter_map(|name| refused(&folder, name).err().map(|error| format!("{name}: {error}")))
        .collect();
    assert!(mistakes.is_empty(), "{}", mistakes.join("\n\n"));
}

fn refused(folder: &Path, name: &str) -> Result<(), String> {
    let output = check(folder, &format!("{name}.toml"));
    if output.status.code() != Some(1) {
        return Err(format!("expected exit code 1, found {}", output.status));
    }
    let message = String::from_utf8(output.stderr).map_err(|error| error.to_string())?;
    let first = message.lines().next().unwrap_or_default();
    if !names_place(first) {
        return Err(format!("expected error: FILE:LINE:COLUMN: MESSAGE, found {first}"));
    }
    if !message.contains("= help: ") {
        return Err(format!("expected help, found none in\n{message}"));
    }
    snapshot::compare(&message, &folder.join(format!("{name}.stderr")))
}

/// Whether a line has the form that editors understand.
fn names_place(line: &str) -> bool {
    let is_number = |text: &str| text.parse().is_ok_and(|number: usize| number > 0);
    let Some((file, rest)) = line.strip_prefix("error: ").and_then(|l| l.split_once(".toml:"))
    else {
        return false;
    };
    let mut parts = rest.splitn(3, ':');
    !file.is_empty()
        && parts.next().is_some_and(is_number)
        && parts.next().is_some_and(is_number)
        && parts.next().is_some_and(|message| message.len() > 1)
}

#[test]
fn every_message_belongs_to_a_file() {
    let folder = folder();
    let superfluous: Vec<String> =
        names(&folder, ".stderr").difference(&names(&folder, ".toml")).cloned().collect();
    assert!(superfluous.is_empty(), "{superfluous:?}");
}

#[test]
fn the_files_that_they_were_made_from_are_correct() {
    let folder = folder().join("correct");
    let names = names(&folder, ".toml");
    assert!(!names.is_empty());
    for name in names {
        let output = check(&folder, &format!("{name}.toml"));
        assert!(output.status.success(), "{name}: {}", String::from_utf8_lossy(&output.stderr));
    }
}
