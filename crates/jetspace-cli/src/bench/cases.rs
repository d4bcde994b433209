//! The cases: which network, how many points, which loss, and how many operations a step counts.

use std::slice;
use std::str::FromStr;

use jetspace_jet::{Activation, JetError, JetSet, MultiIndex, Network};

/// One benchmark case.
#[derive(Debug, PartialEq)]
pub struct Case {
    pub name: &'static str,
    inputs: usize,
    width: usize,
    depth: usize,
    outputs: usize,
    /// Number of points inside the domain.
    pub interior: usize,
    /// Number of points on the boundary, where u is given.
    pub boundary: usize,
    pub task: Task,
    /// Operations per interior point in units of 2 × number of weights: fixed, whatever the engine
    /// does, so that a wasteful plan cannot look good.
    units: usize,
}

/// What is done at the interior points.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Task {
    /// Train ∇u towards data.
    Gradient,
    /// Train λΔu + u³ − u = f.
    AllenCahn,
    /// Train u_t + u u_x + ν u_xxx = 0, coordinates (t, x).
    KortewegDeVries,
    /// Train the Hessian of u towards data.
    Hessian,
    /// Train the steady Navier–Stokes equations at Re = 40, fields (u, v, p).
    NavierStokes,
    /// Train Δu = f.
    Poisson,
    /// Evaluate u.
    EvaluateValue,
    /// Evaluate u, ∇u and Δu.
    EvaluateLaplacian,
}

const fn case(name: &'static str, task: Task, points: (usize, usize), units: usize) -> Case {
    let (interior, boundary) = points;
    Case { name, inputs: 2, width: 50, depth: 4, outputs: 1, interior, boundary, task, units }
}

const ALL: &[Case] = &[
    case("A", Task::Gradient, (1000, 404), 6),
    case("B", Task::AllenCahn, (1000, 404), 12),
    case("C4", Task::KortewegDeVries, (1000, 0), 12),
    Case { depth: 9, ..case("C9", Task::KortewegDeVries, (1000, 0), 12) },
    case("D", Task::Hessian, (1000, 0), 12),
    Case { outputs: 3, ..case("E", Task::NavierStokes, (1000, 0), 12) },
    Case { inputs: 3, width: 256, ..case("F", Task::Poisson, (4096, 0), 15) },
    case("A32", Task::Gradient, (32, 32), 6),
    case("B64", Task::AllenCahn, (64, 64), 12),
    Case { depth: 9, ..case("C9_64", Task::KortewegDeVries, (64, 0), 12) },
    case("I_u", Task::EvaluateValue, (1_000_000, 0), 1),
    case("I_jets", Task::EvaluateLaplacian, (1_000_000, 0), 4),
];

/// Names that stand for several cases.
const GROUPS: &[(&str, &[&str])] = &[("C", &["C4", "C9"]), ("I", &["I_u", "I_jets"])];

impl Case {
    /// Interior and boundary points together.
    pub fn points(&self) -> usize {
        self.interior + self.boundary
    }

    pub fn network(&self) -> Result<Network, JetError> {
        let hidden = vec![self.width; self.depth];
        Network::dense(self.inputs, &hidden, self.outputs, Activation::Tanh)
    }

    /// The jets at the interior points; at the boundary the value alone is needed.
    pub fn jets(&self) -> Result<JetSet, JetError> {
        let value = JetSet::new(self.inputs)?;
        match self.task {
            Task::EvaluateValue => Ok(value),
            Task::Gradient => value.with_order(1),
            Task::Hessian => value.with_order(2),
            Task::KortewegDeVries => {
                value.with_order(1)?.with_derivative(MultiIndex::new(&[0, 3])?)
            }
            Task::AllenCahn | Task::NavierStokes | Task::Poisson | Task::EvaluateLaplacian => {
                let variables: Vec<usize> = (0..self.inputs).collect();
                value.with_laplacian(&variables)
            }
        }
    }

    /// Operations that one step counts: 3 units for a boundary point.
    pub fn operations(&self) -> f64 {
        // Inputs to the first layer, between the hidden layers, and to the outputs.
        let (width, hidden) = (self.width, self.depth - 1);
        let weights = width * (self.inputs + hidden * width + self.outputs);
        (2 * weights) as f64 * (self.units * self.interior + 3 * self.boundary) as f64
    }
}

/// The cases that a user asked for.
#[derive(Clone, Debug, PartialEq)]
pub struct Selection(Vec<&'static Case>);

impl Selection {
    pub fn iter(&self) -> impl Iterator<Item = &'static Case> + '_ {
        self.0.iter().copied()
    }
}

impl FromStr for Selection {
    type Err = String;

    /// Names separated by commas, or `all`. A case asked for twice runs once.
    fn from_str(text: &str) -> Result<Self, String> {
        let mut selected: Vec<&'static Case> = Vec::new();
        for name in text.split(',').map(str::trim) {
            let group = GROUPS.iter().find(|(group, _)| *group == name);
            let members = group.map_or(slice::from_ref(&name), |(_, members)| *members);
            let is_member = |case: &&Case| name == "all" || members.contains(&case.name);
            let asked: Vec<&'static Case> = ALL.iter().filter(is_member).collect();
            if asked.is_empty() {
                let names: Vec<&str> = ALL.iter().map(|case| case.name).collect();
                return Err(format!(
                    "no case is named '{name}'; there are {}, and C for C4,C9, I for I_u,I_jets, all",
                    names.join(", ")
                ));
            }
            for case in asked {
                if !selected.contains(&case) {
                    selected.push(case);
                }
            }
        }
        Ok(Self(selected))
    }
}

#[cfg(test)]
impl Case {
    /// The same task with a small network and few points, for slow oracles.
    pub fn small(&self) -> Self {
        let boundary = self.boundary.min(12);
        Self { width: 6, depth: 2, interior: 37, boundary, ..*self }
    }
}

#[cfg(test)]
pub fn all() -> impl Iterator<Item = &'static Case> {
    ALL.iter()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn names(text: &str) -> Vec<&'static str> {
        let selection: Selection = text.parse().unwrap();
        selection.iter().map(|case| case.name).collect()
    }

    #[test]
    fn names_select_cases() {
        assert_eq!(names("B,A"), ["B", "A"]);
        assert_eq!(names("C, C9,A32"), ["C4", "C9", "A32"]);
        assert_eq!(names("I"), ["I_u", "I_jets"]);
        assert_eq!(names("all").len(), ALL.len());
        for wrong in ["", "X", "A,,B", "a"] {
            let error = wrong.parse::<Selection>().unwrap_err();
            assert!(error.contains("A, B, C4, C9, D, E, F, A32, B64, C9_64"), "{error}");
        }
    }

    #[test]
    fn operations_are_counted_from_the_network() {
        for case in ALL {
            let unit = 2 * case.network().unwrap().weight_count();
            let expected = unit * (case.units * case.interior + 3 * case.boundary);
            assert_eq!(case.operations(), expected as f64, "{}", case.name);
        }
        // A: 7650 weights, 6 units at 1000 points and 3 units at 404.
        assert_eq!(ALL[0].operations(), 2.0 * 7650.0 * 7212.0);
    }
}
