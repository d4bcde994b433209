//! Fourier modes in space and ETDRK4 in time: for fields that are periodic, or can be continued so.

use std::fmt;

use jetspace_expr::Symbol;
use jetspace_jet::MultiIndex;
use jetspace_solve::{Evolution, PeriodicGrid, Steps, Trajectory, solve};

use super::Setting;
use crate::Error;

/// Modes that are kept in all states together: 64 MiB. Between these states solutions are
/// interpolated.
const MOST_STORED: usize = 1 << 22;

/// How finely to solve by Fourier modes.
#[derive(Clone, Debug, PartialEq)]
pub struct Fourier {
    /// Nodes along each space coordinate.
    pub nodes: Vec<usize>,
    /// Steps from the first to the last time.
    pub steps: usize,
}

impl fmt::Display for Fourier {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let nodes: Vec<String> = self.nodes.iter().map(ToString::to_string).collect();
        write!(f, "{} nodes in {} steps", nodes.join(" × "), self.steps)
    }
}

impl Fourier {
    pub(super) fn coarser(&self) -> [(&'static str, Self); 2] {
        let fewer = self.nodes.iter().map(|n| (2 * n / 3).max(1)).collect();
        [
            ("with half the steps", Self { steps: self.steps.div_ceil(2), ..self.clone() }),
            ("with two thirds of the nodes", Self { nodes: fewer, ..self.clone() }),
        ]
    }

    pub(super) fn solve(&self, setting: &Setting<'_>) -> Result<Trajectory, Error> {
        let problem = setting.problem;
        let (time, space) = setting.time_and_space()?;
        let ranges: Vec<_> = space.iter().map(|&i| problem.coordinates[i].range).collect();
        let mut graph = problem.graph.clone();
        let parameters = problem.true_parameters();
        let (fields, residuals) = (problem.fields.len(), setting.residuals());
        let evolution = Evolution::new(&mut graph, &residuals, fields, time, &space, &parameters);
        let evolution = evolution.map_err(|error| setting.mistake(&error))?;
        let grid = PeriodicGrid::new(&ranges, &self.nodes);
        let grid = grid.map_err(|error| setting.mistake(&error))?;
        let (from, to) = problem.coordinates[time].range;
        let value = |field| Symbol::Jet { field, index: MultiIndex::VALUE };
        let values: Vec<Symbol> = (0..fields).map(value).collect();
        let at = (time, &space[..]);
        let initial = setting.initial_values(&mut graph, at, grid.coordinates(), &values)?;
        let stored = (MOST_STORED / (fields * grid.modes())).clamp(1, self.steps);
        let steps = Steps { from, to, count: self.steps, stored };
        let solution = solve(&evolution, &grid, &initial, steps, setting.progress);
        solution.map_err(|error| setting.mistake(&error))
    }
}
