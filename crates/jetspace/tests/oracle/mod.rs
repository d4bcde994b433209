//! Problems with all methods, and their residuals worked out by hand: what a term is at a point,
//! from the derivatives of the model, which `jetspace-jet` tests.

use std::collections::BTreeMap;
use std::f64::consts::PI;

use jetspace::collocation::Collocation;
use jetspace::objective::{Loss, Objective};
use jetspace::problem::Place;
use jetspace::source::Source;
use jetspace::study::Method;
use jetspace::{Model, Study};
use jetspace_jet::{Engine, Initialisation, Real, Threads};

/// A field, an unknown, and conditions on a side, on a pair of sides and at points.
const WAVE: &str = r#"
    title = "Wave"
    fields = ["u"]
    [coordinates]
    t = { range = [0, 1] }
    x = { range = [-1, 1] }
    [parameters]
    c = 1.5
    [unknowns]
    nu = 0.3
    [equations]
    burgers = "u_t + c*u*u_x = nu*u_xx + t*x"
    [conditions.start]
    on = "initial"
    require = ["u = sin(pi*x)"]
    [conditions.ends]
    pair = "x"
    require = ["u = other.u", "u_x*(1 + t) = nu*other.u_x"]
    [conditions.probes]
    at = [[0.25, 0.5], [0.75, -0.5], [0.5, 0.125]]
    require = ["u*u_t = nu"]
    [truth]
    nu = 0.4
    u = "exp(-t)*sin(pi*x)"
"#;

/// Two fields, two equations, and a coordinate that data is not differentiated by.
const FLOW: &str = r#"
    title = "Flow"
    fields = ["u", "v"]
    [coordinates]
    x = { range = [0, 1] }
    k = { range = [1, 2], kind = "parameter" }
    y = { range = [-1, 1] }
    [equations]
    mass = "u_x + v_y = 0"
    momentum = "u*v_x - k*u_yy = v_xy + u_k"
    [conditions.inflow]
    on = "x.min"
    require = ["u = k*y", "v_x = u_k"]
    [truth]
    u = "k*x*y^2"
    v = "x^3*y + k"
"#;

/// Every method, with weights by name and by class.
pub const STUDY: &str = r#"
    title = "All methods"
    problem = "given"
    methods = ["derl", "outl", "outl+pinn", "sob", "pinn", "hesl", "der+hesl", "sob+hes", "own"]
    optimizer = [{ method = "adam", steps = 130 }, { method = "lbfgs-fixed", epochs = 2 }]
    [network]
    hidden = [6, 5]
    [weights]
    data = 0.7
    gradient = 0.9
    equation = 1.3
    conditions = 0.4
    [method.sob]
    weights = { values = 0, gradient = 0.25 }
    [method.own]
    terms = ["u*data.u_x - k_or_nu", "values"]
    [points]
    interior = { sampler = "uniform", count = 30 }
"#;

/// What one term is made of at one point; `at` gives derivatives by name, coordinates among them.
pub type Residuals = fn(term: &str, at: &dyn Fn(&str) -> f64) -> Vec<f64>;

/// A problem, and the residuals of its terms worked out by hand.
pub struct Case {
    pub study: Study,
    /// What the residuals ask for.
    pub names: &'static str,
    pub residuals: Residuals,
}

pub fn wave() -> Case {
    let points = "conditions.start = { sampler = \"uniform\", count = 8 }\n\
                  conditions.ends = { sampler = \"uniform\", count = 7 }\n";
    let study = study(WAVE, &(STUDY.replace("k_or_nu", "nu*x") + points));
    Case { study, names: "t, x, nu, u, u_t, u_x, u_tt, u_tx, u_xx", residuals: wave_residuals }
}

/// The wave with a formula for u, in which the start holds exactly: it needs no term.
pub fn hard_wave() -> Case {
    let formula = "transform.u = \"sin(pi*x) + t*(x + nu)*N + (t*N)^2\"";
    let text = STUDY.replace("k_or_nu", "nu*x").replace("\"sob+hes\", ", "");
    let text = text.replace("hidden = [6, 5]", &format!("hidden = [6, 5]\n{formula}"));
    let points = "conditions.ends = { sampler = \"uniform\", count = 7 }\n";
    Case { study: study(WAVE, &(text + points)), ..wave() }
}

fn wave_residuals(term: &str, at: &dyn Fn(&str) -> f64) -> Vec<f64> {
    let (t, x, nu) = (at("t"), at("x"), at("nu"));
    let (u, u_x) = ((-t).exp() * (PI * x).sin(), PI * (-t).exp() * (PI * x).cos());
    match term {
        "values" => vec![at("u") - u],
        "gradient" => vec![at("u_t") + u, at("u_x") - u_x],
        // All four entries: the mixed derivative counts twice.
        "hessian" => {
            let mixed = at("u_tx") + u_x;
            vec![at("u_tt") - u, mixed, mixed, at("u_xx") + PI * PI * u]
        }
        "equation" => vec![at("u_t") + 1.5 * at("u") * at("u_x") - nu * at("u_xx") - t * x],
        "u*data.u_x - nu*x" => vec![at("u") * u_x - nu * x],
        "start" => vec![at("u") - (PI * x).sin()],
        "ends" => {
            vec![at("u") - at("other.u"), at("u_x") * (1.0 + t) - nu * at("other.u_x")]
        }
        "probes" => vec![at("u") * at("u_t") - nu],
        _ => panic!("no term is called {term}"),
    }
}

pub fn flow() -> Case {
    let points = "conditions.inflow = { sampler = \"uniform\", count = 9 }\n";
    let study = study(FLOW, &(STUDY.replace("k_or_nu", "k") + points));
    let names = "x, k, y, u, u_x, u_y, u_k, u_xx, u_xy, u_yy, v, v_x, v_y, v_xx, v_xy, v_yy";
    Case { study, names, residuals: flow_residuals }
}

fn flow_residuals(term: &str, at: &dyn Fn(&str) -> f64) -> Vec<f64> {
    let (x, k, y) = (at("x"), at("k"), at("y"));
    match term {
        "values" => vec![at("u") - k * x * y * y, at("v") - x * x * x * y - k],
        "gradient" => vec![
            at("u_x") - k * y * y,
            at("u_y") - 2.0 * k * x * y,
            at("v_x") - 3.0 * x * x * y,
            at("v_y") - x * x * x,
        ],
        "hessian" => {
            let (u_xy, v_xy) = (at("u_xy") - 2.0 * k * y, at("v_xy") - 3.0 * x * x);
            let (u_yy, v_xx) = (at("u_yy") - 2.0 * k * x, at("v_xx") - 6.0 * x * y);
            vec![at("u_xx"), u_xy, u_xy, u_yy, v_xx, v_xy, v_xy, at("v_yy")]
        }
        "equation" => vec![
            at("u_x") + at("v_y"),
            at("u") * at("v_x") - k * at("u_yy") - at("v_xy") - at("u_k"),
        ],
        "u*data.u_x - k" => vec![at("u") * k * y * y - k],
        "inflow" => vec![at("u") - k * y, at("v_x") - at("u_k")],
        _ => panic!("no term is called {term}"),
    }
}

pub fn study(problem: &str, text: &str) -> Study {
    Study::from_sources(&Source::new("study.toml", text), &Source::new("problem.toml", problem))
        .unwrap()
}

impl Case {
    pub fn method(&self, name: &str) -> &Method {
        self.study.methods.iter().find(|m| m.name == name).unwrap()
    }

    pub fn collocation(&self) -> Collocation {
        Collocation::new(&self.study.problem, &self.study.points).unwrap()
    }

    pub fn objective<T: Real>(&self, method: &Method, points: &Collocation) -> Objective<T> {
        Objective::new(&self.study, method, &self.study.variants[0], points, 7).unwrap()
    }

    pub fn engine<T: Real>(&self, threads: usize) -> Engine<T> {
        Engine::new(&self.study.network, Threads::new(threads).unwrap())
    }

    /// Weights, and the unknowns' first guesses.
    pub fn parameters(&self, seed: u64) -> Vec<f64> {
        let mut parameters: Vec<f64> = self.study.network.initialise(Initialisation::PyTorch, seed);
        parameters
            .extend(self.study.problem.parameters.iter().filter(|p| p.unknown).map(|p| p.value));
        parameters
    }

    pub fn evaluate<T: Real>(
        &self,
        objective: &mut Objective<T>,
        parameters: &[f64],
        threads: usize,
    ) -> (Loss, Vec<T>) {
        let parameters: Vec<T> = parameters.iter().map(|&p| T::from_f64(p)).collect();
        let mut gradient = vec![T::ZERO; parameters.len()];
        let loss =
            objective.gradient(&mut self.engine(threads), &parameters, &mut gradient).unwrap();
        (loss, gradient)
    }

    /// Columns of what the residuals ask for, by name.
    fn columns(&self, parameters: &[f64], points: &[Vec<f64>]) -> BTreeMap<String, Vec<f64>> {
        let model = Model::new(&self.study, parameters);
        let (names, columns) = model.predict(self.names, points, 1).unwrap();
        names.into_iter().zip(columns).collect()
    }

    /// The terms of a method, point by point, without their weights; not for projections.
    pub fn squares(
        &self,
        term: usize,
        method: &Method,
        parameters: &[f64],
        points: &Collocation,
    ) -> Vec<f64> {
        let label = method.terms[term].label.as_str();
        let problem = &self.study.problem;
        let condition = problem.conditions.iter().position(|c| c.name == label);
        let points = condition.map_or(&points.interior, |i| &points.conditions[i]).clone();
        let mut columns = self.columns(parameters, &points.coordinates);
        if let Some(Place::Pair(axis)) = condition.map(|i| problem.conditions[i].place.clone()) {
            let mut upper = points.coordinates.clone();
            upper[axis].fill(problem.coordinates[axis].range.1);
            let upper = self.columns(parameters, &upper);
            columns
                .extend(upper.into_iter().map(|(name, column)| (format!("other.{name}"), column)));
        }
        let square = |p: usize| {
            let residuals = (self.residuals)(label, &|name| columns[name][p]);
            residuals.iter().map(|r| r * r).sum::<f64>() / residuals.len() as f64
        };
        (0..points.len()).map(square).collect()
    }
}

pub fn cases() -> [Case; 3] {
    [wave(), flow(), hard_wave()]
}

/// Points of a box, made from numbers in [0, 1).
pub fn inside(study: &Study, units: &[[f64; 3]]) -> Vec<Vec<f64>> {
    let bounds = study.problem.bounds().into_iter().enumerate();
    let column = |(i, (low, high)): (usize, (f64, f64))| {
        units.iter().map(|unit| low + (high - low) * unit[i]).collect()
    };
    bounds.map(column).collect()
}

/// Slopes at 0 by central differences of fourth order: their truncation error does not matter.
pub fn central_difference(mut at: impl FnMut(f64) -> Vec<f64>) -> Vec<f64> {
    let [near, far] = [1e-3, 2e-3].map(|h| {
        let pairs = at(h).into_iter().zip(at(-h));
        pairs.map(|(up, down)| (up - down) / (2.0 * h)).collect::<Vec<f64>>()
    });
    near.iter().zip(far).map(|(near, far)| (4.0 * near - far) / 3.0).collect()
}
