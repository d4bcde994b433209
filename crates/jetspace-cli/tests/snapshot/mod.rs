//! Outputs of the program kept as files, which are compared exactly.

use std::path::Path;

/// If set, the files are written instead of compared. Whoever does so reads the difference.
const REWRITE: &str = "JETSPACE_REWRITE_SNAPSHOTS";

/// Compares an output with the file that keeps it, and says how they differ.
pub fn compare(output: &str, kept: &Path) -> Result<(), String> {
    if std::env::var_os(REWRITE).is_some() {
        return std::fs::write(kept, output).map_err(|error| error.to_string());
    }
    let name = kept.display();
    match std::fs::read_to_string(kept) {
        Ok(text) if text == output => Ok(()),
        Ok(text) => Err(format!("{name} has\n{text}\nand the program printed\n{output}")),
        Err(error) => Err(format!("{name}: {error}\nthe program printed\n{output}")),
    }
    .map_err(|difference| format!("{difference}\nif this is right, test again with {REWRITE}=1"))
}
