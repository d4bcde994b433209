//! What `jetspace schema` prints, so that every change of the file formats is seen as one.

mod snapshot;

use std::path::Path;
use std::process::Command;

#[test]
fn schemas_are_those_that_were_approved() {
    for of in ["problem", "study"] {
        let mut program = Command::new(env!("CARGO_BIN_EXE_jetspace"));
        let output = program.args(["schema", of]).output().unwrap();
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        let schema = String::from_utf8(output.stdout).unwrap();
        let kept = Path::new(env!("CARGO_MANIFEST_DIR")).join(format!("tests/schema/{of}.json"));
        snapshot::compare(&schema, &kept).unwrap();
    }
}
