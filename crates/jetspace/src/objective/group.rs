//! The terms that share a point set: their residuals as one program over the tile's jets.

use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::sync::{Mutex, PoisonError};

use jetspace_expr::{Graph, Id, Program, ProgramError, Scratch, Symbol};
use jetspace_jet::{
    Batch, CotangentTile, Engine, InstructionSet, JetTile, Network, Plan, Points as EnginePoints,
    Real, Strategy,
};

use super::selection::{Columns, Selection, TermPoints, rounded};
use crate::Error;
use crate::jets::Jets;
use crate::problem::{Problem, evaluate};
use crate::study::{Method, Study};

/// Tiles of the engine begin at multiples of this: points of a cache line in f64.
const TILE_UNIT: usize = 8;

/// Terms on one point set.
pub struct Group<T: Real> {
    plan: Plan,
    description: String,
    program: Program,
    /// Where each input of the program comes from.
    bindings: Vec<Binding>,
    residuals: Vec<Residual>,
    /// The terms' numbers in the objective.
    terms: Vec<usize>,
    unknowns: usize,
    selection: Selection<T>,
    /// Sums of each tile, terms and then slopes by the unknowns, added in the order of the tiles so
    /// that they do not depend on threads.
    sums: Vec<AtomicU64>,
    scratch: Mutex<Vec<TileScratch<T>>>,
}

#[derive(Clone, Copy, Debug)]
enum Binding {
    Jet { field: usize, component: usize, other: bool },
    Known(usize),
    Unknown(usize),
}

/// One component of a term.
struct Residual {
    /// Place in the group's terms.
    term: usize,
    /// weight / number of components of the term.
    weight: f64,
}

struct TileScratch<T> {
    program: Scratch<T>,
    /// Jets of pairs, taken apart.
    inputs: Vec<Vec<T>>,
    outputs: Vec<Vec<T>>,
    slopes: Vec<Vec<T>>,
}

impl<T: Real> Group<T> {
    pub fn new(
        study: &Study,
        method: &Method,
        terms: &[usize],
        place: &TermPoints<'_>,
    ) -> Result<Self, Error> {
        let (problem, coordinates) = (&study.problem, &place.points.coordinates);
        let mut graph = problem.graph.clone();
        let (mut expressions, mut residuals) = (Vec::new(), Vec::new());
        for (place, &t) in terms.iter().enumerate() {
            let term = &method.terms[t];
            let ids = term.kind.residuals(problem, &mut graph);
            let weight = term.weight / ids.len().max(1) as f64;
            residuals.extend(ids.iter().map(|_| Residual { term: place, weight }));
            expressions.extend(ids);
        }
        let expressions = study.transform.insert(&mut graph, &expressions, place.pair)?;
        let expressions = with_values(problem, &mut graph, &expressions);
        let jets = Jets::of(&mut graph, problem.coordinates.len(), &expressions)?;
        let plan = Plan::new(&study.network, &jets.set, Strategy::Cheapest)?;
        let varies = |symbol: Symbol| varies(problem, symbol);
        let hoisted = graph.hoist(&jets.expressions, &varies);
        let constants =
            evaluate(&graph, &hoisted.fixed, coordinates, &problem.parameter_values(), place.data)?;
        let program = Program::compile(&graph, &hoisted.varying);
        let mut known = Vec::new();
        let mut keep = |column: &[f64]| {
            known.push(rounded(column));
            Binding::Known(known.len() - 1)
        };
        let column = |columns: &[Vec<f64>], i: usize| columns.get(i).cloned().unwrap_or_default();
        let bindings = program
            .inputs()
            .iter()
            .map(|&symbol| match symbol {
                Symbol::Hoisted(n) => keep(&column(&constants, n)),
                Symbol::Coordinate(i) => keep(&column(coordinates, i)),
                Symbol::Column(n) => keep(&column(place.data, n)),
                Symbol::Parameter(i) => Binding::Unknown(unknown_number(problem, i)),
                symbol => {
                    let (field, component) = jets.position(symbol).unwrap_or_default();
                    let other = matches!(symbol, Symbol::Other { .. });
                    Binding::Jet { field, component, other }
                }
            })
            .collect();
        let selection = Selection::new(place, known)?;
        let unknowns = problem.parameters.iter().filter(|p| p.unknown).count();
        let copies = selection.columns().copies;
        let tiles = selection.most() * copies / TILE_UNIT + 1;
        let sums = (0..tiles * (terms.len() + unknowns)).map(|_| AtomicU64::new(0)).collect();
        Ok(Self {
            description: describe(&plan, &study.network),
            plan,
            program,
            bindings,
            residuals,
            terms: terms.to_vec(),
            unknowns,
            selection,
            sums,
            scratch: Mutex::new(Vec::new()),
        })
    }

    pub fn describe(&self) -> String {
        self.description.clone()
    }

    pub fn plan(&self) -> &Plan {
        &self.plan
    }

    fn columns(&self) -> &Columns<T> {
        self.selection.columns()
    }

    pub fn points(&self) -> EnginePoints<'_, T> {
        self.columns().points()
    }

    pub fn has_batches(&self) -> bool {
        self.selection.has_batches()
    }

    /// Gathers the mini-batch of a step.
    pub fn select(&mut self, seed: u64, step: u64) {
        self.selection.select(seed, step);
    }

    /// Forgets the sums of the last evaluation.
    pub fn begin(&mut self) {
        for sum in &mut self.sums {
            *sum.get_mut() = 0;
        }
    }

    /// The loss of a tile, and its cotangents.
    pub fn tile_loss(
        &self,
        jets: &JetTile<'_, T>,
        cotangents: &mut CotangentTile<'_, T>,
        unknowns: &[T],
    ) -> f64 {
        let mut scratch = self.take_scratch();
        let mut sums = vec![0.0; self.terms.len() + self.unknowns];
        if self.differentiate(jets, cotangents, unknowns, &mut scratch, &mut sums).is_err() {
            // Lengths agree by construction; should they not, nobody may take this for a loss.
            sums.fill(f64::NAN);
        }
        let slot = jets.range().start / TILE_UNIT * sums.len();
        for (target, sum) in self.sums[slot..].iter().zip(&sums) {
            target.store(sum.to_bits(), Ordering::Relaxed);
        }
        self.give_back(scratch);
        sums[..self.terms.len()].iter().sum()
    }

    /// Terms and slopes by the unknowns into `sums`, slopes by the jets into `cotangents`.
    fn differentiate(
        &self,
        jets: &JetTile<'_, T>,
        cotangents: &mut CotangentTile<'_, T>,
        unknowns: &[T],
        scratch: &mut TileScratch<T>,
        sums: &mut [f64],
    ) -> Result<(), ProgramError> {
        let points = self.prepare(jets, scratch);
        let TileScratch { program, inputs, outputs, slopes } = scratch;
        let inputs = self.inputs(jets, unknowns, inputs);
        let mut evaluated = {
            let mut outputs: Vec<&mut [T]> = outputs.iter_mut().map(Vec::as_mut_slice).collect();
            self.program.evaluate(&inputs, points, program, &mut outputs)?
        };
        for (residual, output) in self.residuals.iter().zip(outputs.iter_mut()) {
            let scale = residual.weight / self.columns().len as f64;
            let mut squares = 0.0;
            for value in output.iter_mut() {
                let r = value.to_f64();
                squares += r * r;
                *value = T::from_f64(2.0 * scale * r);
            }
            sums[residual.term] += scale * squares;
        }
        for (binding, slope) in self.bindings.iter().zip(slopes.iter_mut()) {
            slope.clear();
            slope.resize(if matches!(binding, Binding::Unknown(_)) { 1 } else { points }, T::ZERO);
        }
        let outputs: Vec<&[T]> = outputs.iter().map(Vec::as_slice).collect();
        let is_known = |binding: &Binding| matches!(binding, Binding::Known(_));
        let wanted = self.bindings.iter().zip(slopes.iter_mut());
        let mut wanted: Vec<Option<&mut [T]>> =
            wanted.map(|(b, slope)| (!is_known(b)).then_some(slope.as_mut_slice())).collect();
        evaluated.adjoint(&outputs, &mut wanted)?;
        for (binding, slope) in self.bindings.iter().zip(slopes) {
            match *binding {
                Binding::Jet { field, component, other } => {
                    let row = cotangents.component_mut(field, component).iter_mut();
                    let row = row.skip(usize::from(other)).step_by(self.columns().copies);
                    for (target, slope) in row.zip(slope.iter()) {
                        *target = *slope;
                    }
                }
                Binding::Unknown(n) => sums[self.terms.len() + n] += slope[0].to_f64(),
                Binding::Known(_) => {}
            }
        }
        Ok(())
    }

    /// Adds the sums of the last evaluation to those of the objective.
    pub fn collect(&self, terms: &mut [f64], slopes: &mut [f64]) {
        let width = self.terms.len() + self.unknowns;
        for tile in self.sums.chunks_exact(width.max(1)) {
            let (of_terms, of_unknowns) = tile.split_at(self.terms.len());
            let value = |sum: &AtomicU64| f64::from_bits(sum.load(Ordering::Relaxed));
            for (&term, sum) in self.terms.iter().zip(of_terms) {
                terms[term] += value(sum);
            }
            for (slope, sum) in slopes.iter_mut().zip(of_unknowns) {
                *slope += value(sum);
            }
        }
    }

    /// The first term with a residual that is not finite, and the coordinates of the point.
    pub fn first_not_finite(
        &self,
        engine: &mut Engine<T>,
        weights: &[T],
        unknowns: &[T],
    ) -> Result<Option<(usize, Vec<f64>)>, Error> {
        let first: Vec<AtomicUsize> =
            self.terms.iter().map(|_| AtomicUsize::new(usize::MAX)).collect();
        let search = |jets: &JetTile<'_, T>, _: &mut CotangentTile<'_, T>| {
            let mut scratch = self.take_scratch();
            let points = self.prepare(jets, &mut scratch);
            let inputs = self.inputs(jets, unknowns, &scratch.inputs);
            let mut outputs: Vec<&mut [T]> =
                scratch.outputs.iter_mut().map(Vec::as_mut_slice).collect();
            if self.program.evaluate(&inputs, points, &mut scratch.program, &mut outputs).is_err() {
                return f64::NAN;
            }
            let start = jets.range().start / self.columns().copies;
            for (residual, output) in self.residuals.iter().zip(&scratch.outputs) {
                if let Some(p) = output.iter().position(|r| !Real::is_finite(*r)) {
                    first[residual.term].fetch_min(start + p, Ordering::Relaxed);
                }
            }
            0.0
        };
        let mut gradient = vec![T::ZERO; weights.len()];
        engine.gradient(
            weights,
            &[Batch::new(&self.plan, self.points(), &search)],
            &mut gradient,
        )?;
        let found = first.iter().map(|p| p.load(Ordering::Relaxed)).zip(&self.terms);
        let mut found = found.filter(|(p, _)| *p != usize::MAX);
        Ok(found.next().map(|(p, &term)| (term, self.columns().point(p))))
    }

    fn give_back(&self, scratch: TileScratch<T>) {
        self.scratch.lock().unwrap_or_else(PoisonError::into_inner).push(scratch);
    }

    fn take_scratch(&self) -> TileScratch<T> {
        let mut pool = self.scratch.lock().unwrap_or_else(PoisonError::into_inner);
        pool.pop().unwrap_or_else(|| TileScratch {
            inputs: vec![Vec::new(); self.bindings.len()],
            outputs: vec![Vec::new(); self.residuals.len()],
            slopes: vec![Vec::new(); self.bindings.len()],
            program: Scratch::new(InstructionSet::best()),
        })
    }

    /// Makes room, and takes pairs apart; returns the number of points or pairs.
    fn prepare(&self, jets: &JetTile<'_, T>, scratch: &mut TileScratch<T>) -> usize {
        let points = jets.range().len() / self.columns().copies;
        if self.columns().copies > 1 {
            for (binding, input) in self.bindings.iter().zip(&mut scratch.inputs) {
                if let Binding::Jet { field, component, other } = *binding {
                    let row = jets.component(field, component);
                    input.clear();
                    input.extend(row.iter().skip(usize::from(other)).step_by(2));
                }
            }
        }
        for output in &mut scratch.outputs {
            output.resize(points, T::ZERO);
        }
        points
    }

    fn inputs<'a>(
        &'a self,
        jets: &JetTile<'a, T>,
        unknowns: &'a [T],
        pairs: &'a [Vec<T>],
    ) -> Vec<&'a [T]> {
        let range = jets.range();
        let known = range.start / self.columns().copies..range.end / self.columns().copies;
        let input = |(place, binding): (usize, &Binding)| match *binding {
            Binding::Jet { .. } if self.columns().copies > 1 => pairs[place].as_slice(),
            Binding::Jet { field, component, .. } => jets.component(field, component),
            Binding::Known(n) => &self.columns().known[n][known.clone()],
            Binding::Unknown(n) => unknowns.get(n..=n).unwrap_or(&[]),
        };
        self.bindings.iter().enumerate().map(input).collect()
    }
}

/// The expressions with the values of all parameters that are not unknown.
fn with_values(problem: &Problem, graph: &mut Graph, expressions: &[Id]) -> Vec<Id> {
    graph.substitute(expressions, &mut |symbol, graph| match symbol {
        Symbol::Parameter(i) => {
            let parameter = problem.parameters.get(i).filter(|p| !p.unknown)?;
            Some(graph.constant(parameter.value))
        }
        _ => None,
    })
}

/// Whether a symbol changes during training.
fn varies(problem: &Problem, symbol: Symbol) -> bool {
    match symbol {
        Symbol::Coordinate(_) | Symbol::Column(_) | Symbol::Hoisted(_) => false,
        Symbol::Parameter(i) => problem.parameters.get(i).is_some_and(|p| p.unknown),
        _ => true,
    }
}

/// The place of parameter i among the unknowns.
fn unknown_number(problem: &Problem, i: usize) -> usize {
    problem.parameters[..i.min(problem.parameters.len())].iter().filter(|p| p.unknown).count()
}

fn describe(plan: &Plan, network: &Network) -> String {
    format!("{plan}: {} operations per point", plan.flops_per_point(network))
}
