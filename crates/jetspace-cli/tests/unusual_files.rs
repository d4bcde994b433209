//! What `jetspace check` says about files that nobody wrote by hand: too large, too deep, not a text,
//! not there. Each must be refused in a line, soon, and without much memory.

use std::fs;
use std::path::Path;
use std::process::Command;

use tempfile::TempDir;

/// Most memory that the program may ask for, in KiB, where the system can limit it.
const MEMORY: u32 = 1 << 19;

/// What is said about a file in a folder, which must be refused.
fn refused(folder: &Path, name: &str) -> String {
    let program = env!("CARGO_BIN_EXE_jetspace");
    let mut command = if cfg!(target_os = "linux") {
        let mut shell = Command::new("sh");
        let script = format!("ulimit -v {MEMORY} && exec \"$0\" \"$@\"");
        shell.args(["-c", &script, program]);
        shell
    } else {
        Command::new(program)
    };
    let output = command.args(["check", name]).current_dir(folder).output().unwrap();
    let message = String::from_utf8(output.stderr).unwrap();
    assert_eq!(output.status.code(), Some(1), "{name}: {message}");
    assert!(message.starts_with("error: "), "{name}: {message}");
    assert!(message.len() < 2000, "{name}: {} bytes", message.len());
    message
}

fn assert_refused(content: impl AsRef<[u8]>, expected: &[&str]) {
    let folder = TempDir::new().unwrap();
    fs::write(folder.path().join("file.toml"), content).unwrap();
    let message = refused(folder.path(), "file.toml");
    for expected in expected {
        assert!(message.contains(expected), "{expected} is not in {message}");
    }
}

/// A problem on this range with this equation, as they stand in the file.
fn problem(range: &str, equation: &str) -> String {
    format!(
        "title = \"\"\nfields = [\"u\"]\n[coordinates]\nx = {{ range = {range} }}\n[equations]\ne = \
         {equation}\n"
    )
}

#[test]
fn missing_files_and_folders() {
    let folder = TempDir::new().unwrap();
    let message = refused(folder.path(), "heat.toml");
    assert!(message.contains("\"heat.toml\"") && message.contains("no such file"), "{message}");
    fs::create_dir(folder.path().join("problems.toml")).unwrap();
    let message = refused(folder.path(), "problems.toml");
    assert!(message.contains("problems.toml: expected a problem or study file, found a folder"));
    let message = refused(folder.path(), "allen-can");
    assert!(message.contains("did you mean allen-cahn?"), "{message}");
    assert!(refused(folder.path(), "").contains("no problem or study is called \"\""));
}

#[cfg(unix)]
#[test]
fn files_without_an_end() {
    assert!(refused(Path::new("/"), "dev/zero").contains("found more than 1 MiB"));
}

#[test]
fn binary_files() {
    assert_refused(b"\x7fELF\x02\x01\x01\x00\xff\xfe", &["file.toml: expected a text in UTF-8"]);
    assert_refused([0; 100], &["file.toml:1:"]);
    assert_refused("\u{feff}", &["file.toml:1:1: ", "found an empty file"]);
}

#[test]
fn large_files() {
    let most = 1 << 20;
    assert_refused("x".repeat(20_000_000), &["found more than 1 MiB", "choose another file"]);
    assert_refused("\n".repeat(most), &["file.toml:1:1: ", "found an empty file"]);
    assert_refused("#".repeat(most), &["file.toml:1:1: ", "found an empty file"]);
    assert_refused(format!("title = \"{}\"", "x".repeat(most - 100)), &["file.toml:1:1: "]);
    assert_refused("= 1\n".repeat(1 << 18), &["file.toml:1:1: "]);
}

#[test]
fn deep_nesting() {
    let deep = 100_000;
    assert_refused(format!("fields = {}", "[".repeat(deep)), &["file.toml:1:"]);
    let (open, close) = ("[".repeat(deep), "]".repeat(deep));
    assert_refused(format!("fields = {open}{close}"), &["file.toml:1:"]);
    assert_refused(format!("fields = {}", "{ a = ".repeat(deep)), &["file.toml:1:"]);
    assert_refused(format!("[{}]", vec!["a"; deep].join(".")), &["file.toml:1:"]);
    assert_refused(format!("{} = 1", vec!["a"; deep].join(".")), &["file.toml:1:"]);
    let equation = format!("\"{}u{} = v\"", "(".repeat(deep), ")".repeat(deep));
    assert_refused(problem("[0, 1]", &equation), &["file.toml:6:"]);
    let equation = format!("\"{}u = v\"", "-".repeat(deep));
    assert_refused(problem("[0, 1]", &equation), &["file.toml:6:"]);
}

#[test]
fn ranges_that_overflow() {
    for (range, expected) in [
        ("[0, 99999999999999999999999999999999999999999999999999]", "file.toml:4:19: "),
        ("[-inf, 0]", "file.toml:4:16: "),
        ("[0, 1e400]", "file.toml:4:19: "),
        ("[0, \"10^400\"]", "file.toml:4:19: "),
        ("[0, \"1/0\"]", "file.toml:4:19: "),
        ("[0, \"0/0\"]", "file.toml:4:19: "),
    ] {
        assert_refused(problem(range, "\"u_x = 0\""), &[expected]);
    }
}
