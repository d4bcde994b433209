//! The guide's examples, taken out of its text: each is read, checked and trained for some steps.

use std::fs;
use std::path::Path;

use jetspace::Study;
use jetspace::run;
use jetspace::source::Source;
use jetspace::training::{Status, Training};

const GUIDE: &str = include_str!("../../../docs/guide.md");

/// The blocks of TOML in the guide.
fn blocks() -> Vec<&'static str> {
    let after = GUIDE.split("\n```toml\n").skip(1);
    after.map(|text| text.split_once("\n```").expect("a block ends").0).collect()
}

/// Blocks that begin with a comment such as `# heat.toml` are files: `heat`, and its text.
fn files() -> Vec<(&'static str, &'static str)> {
    let file = |block: &'static str| {
        let stem = block.lines().next()?.strip_prefix("# ")?.strip_suffix(".toml")?;
        Some((stem, block))
    };
    blocks().into_iter().filter_map(file).collect()
}

/// The studies of the guide, read from files in a folder.
fn studies(folder: &Path) -> Vec<Study> {
    let path = |stem: &str| folder.join(format!("{stem}.toml"));
    for (stem, text) in files() {
        fs::write(path(stem), text).unwrap();
    }
    let studies = files().into_iter().filter(|(stem, _)| stem.ends_with("-study"));
    studies
        .map(|(stem, _)| {
            Study::open(&path(stem).to_string_lossy())
                .unwrap_or_else(|error| panic!("{stem}: {error}"))
        })
        .collect()
}

#[test]
fn every_block_is_toml() {
    for block in blocks() {
        let parsed = toml::from_str::<toml::Table>(block);
        assert!(parsed.is_ok(), "{}\n{block}", parsed.unwrap_err());
    }
}

#[test]
fn there_are_five_examples_that_check() {
    let folder = tempfile::tempdir().unwrap();
    let studies = studies(folder.path());
    assert_eq!((studies.len(), files().len()), (5, 10));
    for study in studies {
        let verdicts = study.problem.check().unwrap().verdicts;
        assert!(!verdicts.is_empty(), "{} has no truth", study.name);
        for verdict in verdicts {
            assert!(verdict.holds(), "{}: {}", study.name, verdict.residual.text);
        }
    }
}

#[test]
fn every_method_of_every_example_learns() {
    let folder = tempfile::tempdir().unwrap();
    for study in studies(folder.path()) {
        let collocation = run::prepare(&study).unwrap();
        for member in run::members(&study) {
            let run::Member { method, seed, variant } = &member;
            let mut training =
                Training::<f64>::new(&study, method, variant, &collocation, *seed, 1).unwrap();
            training.step().unwrap();
            let first = training.loss().total;
            for _ in 0..100 {
                assert_eq!(training.step().unwrap(), Status::Running);
            }
            let (_, best) = training.best();
            assert!(best < 0.9 * first, "{} {}: {first} to {best}", study.name, member.name());
        }
    }
}

#[test]
fn the_formula_of_the_guide_holds_at_all_ends() {
    let network = blocks().into_iter().find(|block| block.contains("transform.u = ")).unwrap();
    let problem = r#"
        title = "Heat"
        fields = ["u"]
        coordinates = { t = { range = [0, 1] }, x = { range = [0, 1] } }
        equations.heat = "u_t = u_xx"
        conditions.walls = { on = "boundary", require = ["u = 0"] }
        conditions.start = { on = "initial", require = ["u = sin(pi*x)"] }
    "#;
    let study = format!(
        "title = \"Heat\"\nproblem = \"heat.toml\"\nmethods = [\"pinn\"]\n\
         points.interior = {{ sampler = \"uniform\", count = 10 }}\n\
         optimizer = [{{ method = \"adam\", steps = 10 }}]\n{network}"
    );
    let study =
        Study::from_sources(&Source::new("study.toml", study), &Source::new("heat.toml", problem));
    assert_eq!(study.unwrap().exact, [true, true]);
}
