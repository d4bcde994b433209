//! Finite volumes: for conservation laws of one field, whose flux the problem file gives.

use std::fmt;

use jetspace_expr::{Graph, Id, Program, Symbol};
use jetspace_jet::MultiIndex;
use jetspace_solve::{
    CellGrid, ConservationLaw, Ends, History, Limiter, Steps, solve_conservation_law,
};

use super::{Setting, given};
use crate::Error;
use crate::problem::Place;
use crate::sampling::{End, Side};

/// Numbers that are kept in all states together: 256 MiB. Between these states solutions are
/// interpolated.
const MOST_STORED: usize = 1 << 25;

/// The field.
const FIELD: Symbol = Symbol::Jet { field: 0, index: MultiIndex::VALUE };

/// What flows, and how finely to follow it.
#[derive(Clone, Debug, PartialEq)]
pub struct FiniteVolume {
    /// Nodes along each space coordinate, both ends included.
    pub nodes: Vec<usize>,
    /// Steps from the first to the last time.
    pub steps: usize,
    /// Slopes within cells; none in the donor-cell scheme.
    pub limiter: Option<Limiter>,
    /// What is at the ends of space coordinates that are not periodic.
    pub ends: Ends,
    /// What flows, if it is not to be found from the equation.
    pub flux: Option<Flux>,
}

/// What flows, and what is added.
#[derive(Clone, Debug, PartialEq)]
pub struct Flux {
    /// The flux along each space coordinate.
    pub along: Vec<Id>,
    /// What is added per time.
    pub source: Option<Id>,
}

impl fmt::Display for FiniteVolume {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let nodes: Vec<String> = self.nodes.iter().map(ToString::to_string).collect();
        let scheme = match self.limiter {
            None => "donor cell",
            Some(Limiter::Minmod) => "minmod",
            Some(Limiter::VanLeer) => "van Leer",
        };
        write!(f, "{} cells ({scheme}) in {} steps", nodes.join(" × "), self.steps)
    }
}

impl FiniteVolume {
    /// Van Leer's limiter, open ends, and a flux that is found from the equation.
    #[must_use]
    pub fn new(nodes: Vec<usize>, steps: usize) -> Self {
        Self { nodes, steps, limiter: Some(Limiter::VanLeer), ends: Ends::Open, flux: None }
    }

    pub(super) fn coarser(&self) -> (&'static str, Self) {
        let fewer = self.nodes.iter().map(|n| (n / 2 + 1).max(3)).collect();
        let coarser = Self { nodes: fewer, steps: self.steps.div_ceil(2), ..self.clone() };
        ("with half the cells and steps", coarser)
    }

    pub(super) fn solve(&self, setting: &Setting<'_>) -> Result<History, Error> {
        let problem = setting.problem;
        let (time, space) = setting.time_and_space()?;
        let (&[residual], [_]) = (&setting.residuals()[..], &problem.fields[..]) else {
            let message = "expected one equation for one field, found several";
            return Err(setting.wrong(message, "give the solution as a file"));
        };
        let parameters = problem.true_parameters();
        let mut graph = problem.graph.clone();
        let law = ConservationLaw::new(
            &graph,
            residual,
            self.flux.as_ref().map(|flux| (&flux.along[..], flux.source)),
            time,
            &space,
            &parameters,
        );
        let law = law.map_err(|error| setting.mistake(&error))?;
        let ranges: Vec<_> = space.iter().map(|&i| problem.coordinates[i].range).collect();
        let is_periodic = |axis| problem.conditions.iter().any(|c| c.place == Place::Pair(axis));
        let ends: Vec<Ends> = space
            .iter()
            .map(|&axis| if is_periodic(axis) { Ends::Periodic } else { self.ends })
            .collect();
        let grid = CellGrid::new(&ranges, &self.nodes, &ends);
        let grid = grid.map_err(|error| setting.mistake(&error))?;
        let (from, to) = problem.coordinates[time].range;
        let at = (time, &space[..]);
        let initial = setting.initial_values(&mut graph, at, grid.coordinates(), &[FIELD])?;
        let boundary: Vec<[Option<Program>; 2]> = space
            .iter()
            .map(|&axis| {
                [End::Low, End::High]
                    .map(|end| boundary_value(setting, &mut graph, Side { axis, end }))
            })
            .collect();
        let stored = (MOST_STORED / grid.len()).clamp(1, self.steps);
        let steps = Steps { from, to, count: self.steps, stored };
        let values = initial.first().map_or(&[][..], Vec::as_slice);
        let progress = setting.progress;
        solve_conservation_law(&law, &grid, self.limiter, values, &boundary, steps, progress)
            .map_err(|error| setting.mistake(&error))
    }
}

/// What the conditions say that the field is on a side.
fn boundary_value(setting: &Setting<'_>, graph: &mut Graph, side: Side) -> Option<Program> {
    let parameters = setting.problem.true_parameters();
    let value =
        setting.on_side(side).into_iter().find_map(|residual| given(graph, residual, FIELD))?;
    let known = &mut |symbol, graph: &mut Graph| match symbol {
        Symbol::Parameter(i) => parameters.get(i).map(|&value| graph.constant(value)),
        _ => None,
    };
    let value = graph.substitute(&[value], known);
    Some(Program::compile(graph, &value))
}
