//! Expressions in a model's fields, made ready once and evaluated at many sets of points.
//!
//! Relies on `jets` for what the network has to evaluate, and on the engine. Computes in f64.

use std::ops::Range;

use jetspace_expr::{Graph, Id, Program, Scratch, Symbol};
use jetspace_jet::{Engine, InstructionSet, Plan, Points, Strategy, Threads};

use super::Model;
use crate::Error;
use crate::jets::Jets;

/// Points evaluated at a time, so that memory does not grow with their number.
const CHUNK: usize = 1 << 14;

/// Expressions in fields, derivatives, coordinates, parameters and columns of data.
pub struct Evaluator<'a> {
    model: &'a Model,
    jets: Jets,
    plan: Plan,
    program: Program,
    parameters: Vec<f64>,
    outputs: usize,
    engine: Engine<f64>,
    scratch: Scratch<f64>,
    /// The network's jets at the latest points.
    evaluated: Vec<f64>,
}

impl<'a> Evaluator<'a> {
    /// Expressions at points with so many coordinates.
    ///
    /// # Errors
    /// A number of coordinates that is not the network's, or derivatives that it does not have.
    pub fn new(
        model: &'a Model,
        graph: &Graph,
        expressions: &[Id],
        dimensions: usize,
        threads: usize,
    ) -> Result<Self, Error> {
        let mut graph = graph.clone();
        let of_outputs = model.transform.insert(&mut graph, expressions, None)?;
        let jets = Jets::of(&mut graph, dimensions, &of_outputs)?;
        Ok(Self {
            model,
            plan: Plan::new(&model.network, &jets.set, Strategy::Cheapest)?,
            program: Program::compile(&graph, &jets.expressions),
            jets,
            parameters: model.problem.parameter_values(),
            outputs: expressions.len(),
            engine: Engine::new(&model.network, Threads::new(threads)?),
            scratch: Scratch::new(InstructionSet::best()),
            evaluated: Vec::new(),
        })
    }

    /// A column for each expression, at points and data given as columns.
    ///
    /// # Errors
    /// The engine's, e.g. columns of unequal length.
    pub fn values(
        &mut self,
        coordinates: &[Vec<f64>],
        data: &[Vec<f64>],
    ) -> Result<Vec<Vec<f64>>, Error> {
        let Self { model, jets, plan, program, parameters, engine, scratch, evaluated, .. } = self;
        let points = coordinates.first().map_or(0, Vec::len);
        let rows = plan.outputs() * jets.set.len();
        let mut values = vec![vec![0.0; points]; self.outputs];
        for from in (0..points).step_by(CHUNK) {
            let len = CHUNK.min(points - from);
            let range = from..from + len;
            let columns: Vec<f64> = coordinates
                .iter()
                .flat_map(|column| part(column, &range).iter().copied())
                .collect();
            evaluated.resize(rows * len, 0.0);
            engine.jets(plan, &model.weights, Points::new(len, &columns), evaluated)?;
            let input = |symbol: &Symbol| match *symbol {
                Symbol::Coordinate(i) => coordinates.get(i).map_or(&[][..], |c| part(c, &range)),
                Symbol::Column(n) => data.get(n).map_or(&[][..], |c| part(c, &range)),
                Symbol::Parameter(i) => parameters.get(i..=i).unwrap_or_default(),
                symbol => jets.position(symbol).map_or(&[][..], |(field, component)| {
                    &evaluated[(field * jets.set.len() + component) * len..][..len]
                }),
            };
            let inputs: Vec<&[f64]> = program.inputs().iter().map(input).collect();
            let mut outputs: Vec<&mut [f64]> =
                values.iter_mut().map(|column| &mut column[from..from + len]).collect();
            program.evaluate(&inputs, len, scratch, &mut outputs)?;
        }
        Ok(values)
    }
}

/// A part of a column; nothing where it is too short.
fn part<'a>(column: &'a [f64], range: &Range<usize>) -> &'a [f64] {
    column.get(range.clone()).unwrap_or_default()
}
