//! Figures that a study defines, after a run: their numbers against plain loops over what the models
//! predict, and their files.

use std::f64::consts::PI;
use std::path::Path;
use std::time::Duration;

use jetspace::model::Model;
use jetspace::point_set::PointSet;
use jetspace::run::{
    self, Execution, Folder, Member, MemberResult, Observer, Outcome, Settings, Step,
};
use jetspace::source::Source;
use jetspace::training::Stop;
use jetspace::{Error, Study, table};

const PROBLEM: &str = r#"
    title = "Decay"
    fields = ["u", "v"]
    [coordinates]
    k = { range = [1, 3], kind = "parameter" }
    t = { range = [0, 2] }
    x = { range = [-1, 1] }
    [equations]
    decay = "u_t = -k*u"
    rest = "v = u_x"
    [conditions.start]
    on = "initial"
    require = ["u = sin(pi*x)"]
    [truth]
    u = "exp(-k*t)*sin(pi*x)"
    v = "pi*exp(-k*t)*cos(pi*x)"
"#;

/// Its output transform makes expressions of the study's graph other than those of the model's file.
const STUDY: &str = r#"
    title = "Decay"
    problem = "given"
    methods = ["derl", "outl"]
    seeds = [3, 4]
    optimizer = [{ method = "adam", steps = 2 }]
    [network]
    hidden = [7]
    transform.u = "sin(pi*x) + t*N_u"
    [points]
    interior = { sampler = "sobol", count = 5 }
    parameters = [[1.5], [2.5]]
    [evaluation]
    grid = [9, 4, 5]
    parameters = [[1], [2], [4]]
"#;

const MASS: &str = r#"
    [figure.mass]
    y = "u^2"
    along = "t"
    integral = ["x"]
    sets = 2
"#;

/// Nobody is told.
struct Silence;

impl Observer for Silence {
    fn begin(&mut self, _: &Member, _: usize, _: usize, _: &[String]) {}
    fn step(&mut self, _: &Step<'_>) {}
    fn stop(&mut self, _: &Stop) {}
    fn end(&mut self, _: &MemberResult) {}
    fn wants_to_stop(&self) -> bool {
        false
    }
}

fn study(figures: &str) -> Result<Study, Error> {
    let text = format!("{STUDY}{figures}");
    Study::from_sources(&Source::new("study.toml", text), &Source::new("problem.toml", PROBLEM))
}

/// Runs the study with these figures in a folder.
fn run_in(folder: &Path, study: &Study) {
    let at = Folder::create(Some(folder), study, &Settings::default(), 1).unwrap();
    let points = run::prepare(study).unwrap();
    let execution = Execution { threads: 1, checkpoint_every: Duration::from_secs(3600) };
    let outcome = run::run(study, &points, &at, execution, &mut Silence).unwrap();
    assert!(matches!(outcome, Outcome::Finished(_)));
}

/// The numbers in the only figure of a study, and the model of the first training.
fn drawn(figures: &str, name: &str) -> (PointSet, Model) {
    let folder = tempfile::tempdir().unwrap();
    run_in(folder.path(), &study(figures).unwrap());
    let numbers = table::read(folder.path().join(format!("figures/{name}.npz"))).unwrap();
    (numbers, Model::read(&folder.path().join("derl-3/model.safetensors")).unwrap())
}

/// The value of a formula at a point (k, t, x).
fn at(model: &Model, formula: &str, [k, t, x]: [f64; 3]) -> f64 {
    model.predict(formula, &[vec![k], vec![t], vec![x]], 1).unwrap().1[0][0]
}

fn truth([k, t, x]: [f64; 3]) -> f64 {
    (-k * t).exp() * (PI * x).sin()
}

fn assert_close(found: &[f64], expected: &[f64]) {
    assert_eq!(found.len(), expected.len());
    for (found, expected) in found.iter().zip(expected) {
        assert!((found - expected).abs() <= 1e-12 * expected.abs().max(1e-3), "{found} {expected}");
    }
}

const TIMES: [f64; 4] = [0.0, 2.0 / 3.0, 4.0 / 3.0, 2.0];
const PLACES: [f64; 5] = [-1.0, -0.5, 0.0, 0.5, 1.0];

#[test]
fn integrals_are_curves_for_each_set() {
    let (numbers, model) = drawn(MASS, "mass");
    assert_eq!(numbers.names(), ["k", "t", "true:y", "y:derl", "y:outl"]);
    assert_close(numbers.column("k").unwrap(), &[[1.0; 4], [2.0; 4]].concat());
    assert_close(numbers.column("t").unwrap(), &[TIMES, TIMES].concat());
    let mass = |of: &dyn Fn([f64; 3]) -> f64| -> Vec<f64> {
        let at = |k: f64, t: f64| PLACES.iter().map(|&x| 0.5 * of([k, t, x]).powi(2)).sum::<f64>();
        [1.0, 2.0].iter().flat_map(|&k| TIMES.map(|t| at(k, t))).collect()
    };
    assert_close(numbers.column("true:y").unwrap(), &mass(&truth));
    assert_close(numbers.column("y:derl").unwrap(), &mass(&|point| at(&model, "u", point)));
}

#[test]
fn norms_grow_along_curves_of_one_set() {
    let figure = r#"
        [figure.so-far]
        y = "u - data.u"
        along = "t"
        cumulative = true
        scale = "log"
        over = { x = { at = "1/2" } }
    "#;
    let (numbers, model) = drawn(figure, "so-far");
    // What compares with the truth is not drawn for it.
    assert_eq!(numbers.names(), ["k", "t", "y:derl", "y:outl"]);
    let mut sum = 0.0;
    let expected = TIMES.map(|t| {
        let point = [1.0, t, 0.5];
        sum += 2.0 / 3.0 * (at(&model, "u", point) - truth(point)).powi(2);
        sum.sqrt()
    });
    assert_close(numbers.column("y:derl").unwrap(), &expected);
}

#[test]
fn portraits_have_one_formula_against_another() {
    let figure = r#"
        [figure.portrait]
        x = "u"
        y = "u_t"
        along = "t"
        sets = 3
        over = { t = { range = [0, 4], nodes = 3 } }
    "#;
    let (numbers, model) = drawn(figure, "portrait");
    assert_eq!(numbers.len(), 9);
    // Where no one says, coordinates are in the middle.
    let points = [1.0, 2.0, 4.0].iter().flat_map(|&k| [0.0, 2.0, 4.0].map(|t| [k, t, 0.0]));
    let points: Vec<[f64; 3]> = points.collect();
    for (column, formula) in [("x:derl", "u"), ("y:derl", "u_t")] {
        let expected: Vec<f64> = points.iter().map(|&p| at(&model, formula, p)).collect();
        assert_close(numbers.column(column).unwrap(), &expected);
    }
    let slopes: Vec<f64> = points.iter().map(|&p| -p[0] * truth(p)).collect();
    assert_close(numbers.column("true:y").unwrap(), &slopes);
}

#[test]
fn maps_have_frames() {
    let figure = r#"
        [figure.slope]
        title = "Slope"
        map = "v - u_x + data.u - data.u"
        streamlines = ["1", "v"]
        frames = { t = [0, 3] }
        over = { k = { nodes = 3 } }
    "#;
    let (numbers, model) = drawn(figure, "slope");
    // Data that cancels is not compared with.
    assert_eq!(numbers.names(), ["k", "t", "x", "true:map", "map:derl", "map:outl"]);
    let points: Vec<[f64; 3]> = [0.0, 3.0]
        .iter()
        .flat_map(|&t| [1.0, 2.0, 3.0].map(|k| PLACES.map(|x| [k, t, x])).concat())
        .collect();
    let expected: Vec<f64> = points.iter().map(|&p| at(&model, "v - u_x", p)).collect();
    assert_close(numbers.column("map:derl").unwrap(), &expected);
    assert_close(numbers.column("true:map").unwrap(), &[0.0; 30]);
}

#[test]
fn every_figure_is_a_file_and_on_the_page() {
    let figures = r#"
        [figure.residual]
        map = "decay"
        [figure.point]
        y = "u"
        along = "t"
        over = { t = { range = [0, 1], nodes = 1 } }
        [figure.undefined]
        y = "log(-1 - u^2)"
        along = "t"
        [figure.nowhere]
        map = "log(-1 - u^2)"
        streamlines = ["log(-1 - u^2)", "0"]
        [figure.nothing]
        y = "0*u"
        along = "t"
        scale = "log"
    "#;
    let folder = tempfile::tempdir().unwrap();
    run_in(folder.path(), &study(figures).unwrap());
    let page = std::fs::read_to_string(folder.path().join("report.html")).unwrap();
    let names: Vec<String> = std::fs::read_dir(folder.path().join("figures"))
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .collect();
    for name in ["residual", "point", "undefined", "nowhere", "nothing"] {
        assert!(page.contains(&format!("<b>{name}.</b>")), "{name}");
        assert!(names.contains(&format!("{name}.npz")), "{names:?}");
        let svg = names.iter().find(|n| n.ends_with(&format!("-{name}.svg"))).unwrap();
        let svg = std::fs::read_to_string(folder.path().join("figures").join(svg)).unwrap();
        assert!(roxmltree::Document::parse(&svg).is_ok());
        assert!(!svg.contains("NaN") && !svg.contains("inf\""), "{name}");
    }
    assert_eq!(names.len(), 5 + page.matches("<figure>").count());
}

#[test]
fn a_figure_that_needs_an_unknown_truth_is_left_out() {
    let (problem, _) = PROBLEM.split_once("[truth]").unwrap();
    let text = STUDY.replace(r#"["derl", "outl"]"#, r#"["pinn"]"#);
    let figures = "[figure.error]\ny = \"u - data.u\"\nalong = \"t\"\n";
    let text = format!("{text}{figures}{MASS}");
    let study =
        Study::from_sources(&Source::new("study.toml", text), &Source::new("p.toml", problem));
    let folder = tempfile::tempdir().unwrap();
    run_in(folder.path(), &study.unwrap());
    assert!(!folder.path().join("figures/error.npz").exists());
    let mass = table::read(folder.path().join("figures/mass.npz")).unwrap();
    assert_eq!(mass.names(), ["k", "t", "y:pinn"]);
}

#[test]
fn figures_that_cannot_be_drawn_are_refused() {
    for (figures, said) in [
        ("[figure.a]\ny = \"u\"", "along"),
        ("[figure.a]\ny = \"u\"\nalong = \"k\"", "nodes along \"k\""),
        ("[figure.a]\ny = \"u\"\nalong = \"t\"\nintegral = [\"t\"]", "another coordinate"),
        ("[figure.a]\ny = \"u\"\nalong = \"t\"\nframes = { t = [1] }", "`frames`"),
        ("[figure.a]\ny = \"u\"\nalong = \"t\"\nx = \"v\"\nintegral = [\"x\"]", "`x`"),
        ("[figure.a]\ny = \"u\"\nalong = \"t\"\nsets = 4", "1 to 3 sets"),
        ("[figure.a]\ny = \"u\"\nalong = \"t\"\nsets = 0", "1 to 3 sets"),
        ("[figure.a]\nmap = \"u\"\nalong = \"t\"", "`along`"),
        ("[figure.a]\nmap = \"u\"\nframes = { t = [] }", "values of one coordinate"),
        ("[figure.a]\nmap = \"u\"\nframes = { t = [1] }", "two coordinates"),
        ("[figure.a]\nmap = \"u\"\nover = { t = { at = 0 } }", "two coordinates"),
        ("[figure.a]\nmap = \"u\"\nstreamlines = [\"u\"]", "two components"),
        ("[figure.a]\nmap = \"u\"\nover = { t = { at = 0 } }\nframes = { t = [1] }", "once"),
        (
            "[figure.a]\ny = \"u\"\nalong = \"t\"\nover = { t = { nodes = 100000000 } }",
            "at most 10000000 points",
        ),
    ] {
        let error = study(figures).unwrap_err().to_string();
        assert!(error.contains(said), "{figures}: {error}");
    }
}
