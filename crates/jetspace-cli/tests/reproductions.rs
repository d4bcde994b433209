//! Published tables, repeated: one page of several studies.

mod command;

use std::fs;
use std::path::Path;
use std::process::Output;

use command::{jetspace, succeed};

const STUDY: &str = r#"
title = "Decay"
problem = "problem.toml"
methods = ["derl", "pinn"]
seeds = [3, 4]
protocol = "corrected"
differs = "It is right."
published-in = "the Journal of Decay"
optimizer = [{ method = "adam", steps = 30 }, { method = "ssbroyden", steps = 300 }]
[network]
hidden = [6]
[points]
interior = { sampler = "sobol", count = 20 }
conditions.start = { sampler = "uniform", count = 1 }
[published]
derl = { u_l2 = 0.25 }
"#;

const PROBLEM: &str = r#"
title = "Decay"
fields = ["u"]
[coordinates]
t = { range = [0, 2] }
[equations]
decay = "u_t = -u"
[conditions.start]
on = "initial"
require = ["u = 1"]
[truth]
u = "exp(-t)"
"#;

fn reproduce(folder: &Path, arguments: &[&str]) -> Output {
    jetspace(folder, &[&["reproduce"], arguments].concat())
}

fn folder() -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join("problem.toml"), PROBLEM).unwrap();
    fs::write(folder.path().join("one.toml"), STUDY).unwrap();
    fs::write(folder.path().join("two.toml"), STUDY.replace("\"Decay\"", "\"Again\"")).unwrap();
    folder
}

#[test]
fn all_studies_are_on_one_page_and_the_same_command_goes_on() {
    let folder = folder();
    let arguments = ["one.toml", "two.toml", "--quick", "--out", "page", "--json"];
    let first = reproduce(folder.path(), &arguments);
    let said = String::from_utf8_lossy(&first.stderr);
    assert!(first.status.success(), "{said}");
    let read = |name: &str| fs::read_to_string(folder.path().join("page").join(name)).unwrap();
    let (html, markdown) = (read("reproduction.html"), read("reproduction.md"));
    for page in [&html, &markdown] {
        for text in ["Shortened", "Decay", "Again", "DERL", "It is right.", "Journal", "published"]
        {
            assert!(page.contains(text), "{text}: {page}");
        }
    }
    assert!(html.contains("href=\"one/report.html\""));
    assert!(folder.path().join("page/two/report.html").is_file());
    // Nothing is trained again: the times, too, are those of the first time.
    fs::remove_file(folder.path().join("page/reproduction.html")).unwrap();
    let second = reproduce(folder.path(), &arguments);
    assert!(second.status.success());
    let table = |output: &Output| String::from_utf8(output.stdout.clone()).unwrap();
    assert_eq!(table(&first), table(&second));
    assert!(table(&first).lines().last().unwrap().contains("\"seconds\""));
    assert!(read("reproduction.html").contains("Again"));
}

#[test]
fn a_folder_with_other_settings_is_left_alone() {
    let folder = folder();
    succeed(folder.path(), &["reproduce", "one.toml", "--quick", "--out", "page"]);
    let other = reproduce(folder.path(), &["one.toml", "--seed", "9", "--out", "page"]);
    assert_eq!(other.status.code(), Some(1));
    let said = String::from_utf8_lossy(&other.stderr);
    assert!(said.contains("other settings") && said.contains("--out"), "{said}");
}

#[test]
fn names_that_are_nothing_are_refused_and_all_tables_have_studies() {
    let folder = folder();
    let unknown = reproduce(folder.path(), &["table-22"]);
    assert_eq!(unknown.status.code(), Some(1));
    assert!(String::from_utf8_lossy(&unknown.stderr).contains("table-22"));
    let list = succeed(folder.path(), &["reproduce", "--list"]);
    assert!(list.contains("table-3") && list.contains("kovasznay"), "{list}");
    for (.., studies) in jetspace::reproduction::TABLES {
        for study in studies {
            jetspace::Study::open(study).unwrap();
        }
    }
}
