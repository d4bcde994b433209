//! The terms that share a point set: their residuals as one program over the tile's jets.

mod factors;
mod known;
mod residuals;
mod squares;

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, PoisonError};

use jetspace_expr::{Graph, Id, Program, ProgramError, Scratch, Symbol};
use jetspace_jet::{
    CotangentTile, InstructionSet, JetTile, Network, Plan, Points as EnginePoints, Real, Strategy,
};

use super::selection::{Columns, Selection, TermPoints};
use crate::Error;
use crate::collocation::Points;
use crate::jets::Jets;
use crate::problem::Problem;
use crate::study::{Method, Study};
use known::Known;

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
    known: Known,
    selection: Selection<T>,
    /// What each term is multiplied by, besides its weight.
    factors: Vec<f64>,
    /// Which of the selection's columns multiplies the squares of a term, if one does.
    point_weights: Vec<Option<usize>>,
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

impl<T> TileScratch<T> {
    /// The number of each unknown in the program, and its slopes.
    fn unknown_slopes(&self, bindings: &[Binding]) -> impl Iterator<Item = (usize, &[T])> {
        let numbers = bindings.iter().map(|binding| match binding {
            Binding::Unknown(n) => Some(*n),
            _ => None,
        });
        numbers.zip(&self.slopes).filter_map(|(n, slope)| Some((n?, slope.as_slice())))
    }
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
        let program = Program::compile(&graph, &hoisted.varying);
        let mut known = Known::new(graph, hoisted.fixed, problem.parameter_values());
        let bindings = program
            .inputs()
            .iter()
            .map(|&symbol| match (known.column(symbol), symbol) {
                (Some(column), _) => Binding::Known(column),
                (None, Symbol::Parameter(i)) => Binding::Unknown(unknown_number(problem, i)),
                (None, symbol) => {
                    let (field, component) = jets.position(symbol).unwrap_or_default();
                    let other = matches!(symbol, Symbol::Other { .. });
                    Binding::Jet { field, component, other }
                }
            })
            .collect();
        let of_points = known.at(coordinates, place.data)?;
        let selection = Selection::new(place, &of_points)?;
        let unknowns = problem.parameters.iter().filter(|p| p.unknown).count();
        Ok(Self {
            description: describe(&plan, &study.network),
            plan,
            program,
            bindings,
            residuals,
            terms: terms.to_vec(),
            unknowns,
            known,
            sums: sums(&selection, terms.len() + unknowns),
            selection,
            factors: vec![1.0; terms.len()],
            point_weights: vec![None; terms.len()],
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

    /// From now on all points in every step, or mini-batches.
    pub fn use_all(&mut self, all: bool) {
        self.selection.use_all(all);
        self.sums = sums(&self.selection, self.terms.len() + self.unknowns);
    }

    /// Gathers the mini-batch of a step.
    pub fn select(&mut self, seed: u64, step: u64) {
        self.selection.select(seed, step);
    }

    /// The terms' numbers in the objective.
    pub fn terms(&self) -> &[usize] {
        &self.terms
    }

    /// All points, whatever a step uses; of a pair the lower one.
    pub fn all(&self) -> &Columns<T> {
        self.selection.all()
    }

    /// Whether its points may be others: they have no data.
    pub fn is_movable(&self) -> bool {
        !self.known.has_data()
    }

    /// What the program needs of other points, which must not be pairs.
    pub fn columns_at(&self, points: &Points) -> Result<Columns<T>, Error> {
        let known = self.known.at(&points.coordinates, &[])?;
        Columns::new(points, None, &known)
    }

    /// Replaces the points, and forgets their weights.
    pub fn move_to(&mut self, points: &Points) -> Result<(), Error> {
        let columns = self.columns_at(points)?;
        self.point_weights.fill(None);
        self.selection.replace(columns);
        self.sums = sums(&self.selection, self.terms.len() + self.unknowns);
        Ok(())
    }

    /// Multiplies a term (by its place in the group) from now on.
    pub fn set_factor(&mut self, place: usize, factor: f64) {
        self.factors[place] = factor;
    }

    /// Multiplies the squares of a term (by its place in the group) from now on, at each point or
    /// pair by its own number.
    pub fn set_point_weights(&mut self, place: usize, weights: &[f64]) {
        self.point_weights[place] =
            Some(self.selection.set_known(self.point_weights[place], weights));
    }

    /// What the sum of a residual's squares is multiplied by.
    fn scale(&self, residual: &Residual) -> f64 {
        residual.weight * self.factors[residual.term] / self.columns().len as f64
    }

    /// What its square is multiplied by besides at each point, if anything is.
    fn point_weights(&self, residual: &Residual) -> Option<&[T]> {
        let column = self.point_weights[residual.term]?;
        self.columns().known.get(column).map(Vec::as_slice)
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
        self.sum_tile(jets, cotangents, unknowns, |outputs, sums| {
            let first = jets.range().start / self.columns().copies;
            for (residual, output) in self.residuals.iter().zip(outputs) {
                let scale = self.scale(residual);
                let mut squares = 0.0;
                if let Some(weights) = self.point_weights(residual) {
                    for (value, weight) in output.iter_mut().zip(&weights[first..]) {
                        let (r, weight) = (value.to_f64(), weight.to_f64());
                        squares += weight * r * r;
                        *value = T::from_f64(2.0 * scale * weight * r);
                    }
                } else {
                    for value in output.iter_mut() {
                        let r = value.to_f64();
                        squares += r * r;
                        *value = T::from_f64(2.0 * scale * r);
                    }
                }
                sums[residual.term] += scale * squares;
            }
        })
    }

    /// Turns the residuals of a tile into cotangents by `respond`, which may add to the terms; keeps
    /// terms and slopes by the unknowns for [`collect`](Self::collect), and returns the sum of the terms.
    fn sum_tile(
        &self,
        jets: &JetTile<'_, T>,
        cotangents: &mut CotangentTile<'_, T>,
        unknowns: &[T],
        respond: impl FnOnce(&mut [Vec<T>], &mut [f64]),
    ) -> f64 {
        let mut scratch = self.take_scratch();
        let mut sums = vec![0.0; self.terms.len() + self.unknowns];
        let (terms, slopes) = sums.split_at_mut(self.terms.len());
        let respond = |outputs: &mut [Vec<T>]| respond(outputs, terms);
        match self.differentiate(jets, 0, cotangents, unknowns, &mut scratch, respond) {
            Ok(()) => {
                for (n, slope) in scratch.unknown_slopes(&self.bindings) {
                    slopes[n] = slope.iter().fold(T::ZERO, |sum, &slope| sum + slope).to_f64();
                }
            }
            // Lengths agree by construction; should they not, nobody may take this for a loss.
            Err(_) => sums.fill(f64::NAN),
        }
        let slot = jets.range().start / TILE_UNIT * sums.len();
        for (target, sum) in self.sums[slot..].iter().zip(&sums) {
            target.store(sum.to_bits(), Ordering::Relaxed);
        }
        self.give_back(scratch);
        sums[..self.terms.len()].iter().sum()
    }

    /// Evaluates the residuals of a tile, of points from number `first` on, and lets `respond` turn them
    /// into their cotangents. Slopes by the jets go into `cotangents`; those by the unknowns, a number
    /// per point, stay in the scratch.
    fn differentiate(
        &self,
        jets: &JetTile<'_, T>,
        first: usize,
        cotangents: &mut CotangentTile<'_, T>,
        unknowns: &[T],
        scratch: &mut TileScratch<T>,
        respond: impl FnOnce(&mut [Vec<T>]),
    ) -> Result<(), ProgramError> {
        let points = self.prepare(jets, scratch);
        let TileScratch { program, inputs, outputs, slopes } = scratch;
        let inputs = self.inputs(jets, first, unknowns, inputs);
        let mut evaluated = {
            let mut outputs: Vec<&mut [T]> = outputs.iter_mut().map(Vec::as_mut_slice).collect();
            self.program.evaluate(&inputs, points, program, &mut outputs)?
        };
        respond(outputs);
        for slope in slopes.iter_mut() {
            slope.clear();
            slope.resize(points, T::ZERO);
        }
        let outputs: Vec<&[T]> = outputs.iter().map(Vec::as_slice).collect();
        let is_known = |binding: &Binding| matches!(binding, Binding::Known(_));
        let wanted = self.bindings.iter().zip(slopes.iter_mut());
        let mut wanted: Vec<Option<&mut [T]>> =
            wanted.map(|(b, slope)| (!is_known(b)).then_some(slope.as_mut_slice())).collect();
        evaluated.adjoint(&outputs, &mut wanted)?;
        for (binding, slope) in self.bindings.iter().zip(slopes) {
            if let Binding::Jet { field, component, other } = *binding {
                let row = cotangents.component_mut(field, component).iter_mut();
                let row = row.skip(usize::from(other)).step_by(self.columns().copies);
                for (target, slope) in row.zip(slope.iter()) {
                    *target = *slope;
                }
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

    /// What the program takes for a tile of points from number `first` on.
    fn inputs<'a>(
        &'a self,
        jets: &JetTile<'a, T>,
        first: usize,
        unknowns: &'a [T],
        pairs: &'a [Vec<T>],
    ) -> Vec<&'a [T]> {
        let (range, copies) = (jets.range(), self.columns().copies);
        let known = first + range.start / copies..first + range.end / copies;
        let input = |(place, binding): (usize, &Binding)| match *binding {
            Binding::Jet { .. } if self.columns().copies > 1 => pairs[place].as_slice(),
            Binding::Jet { field, component, .. } => jets.component(field, component),
            Binding::Known(n) => &self.columns().known[n][known.clone()],
            Binding::Unknown(n) => unknowns.get(n..=n).unwrap_or(&[]),
        };
        self.bindings.iter().enumerate().map(input).collect()
    }
}

/// Room for the sums of each tile.
fn sums<T: Real>(selection: &Selection<T>, width: usize) -> Vec<AtomicU64> {
    let tiles = selection.most() * selection.columns().copies / TILE_UNIT + 1;
    (0..tiles * width).map(|_| AtomicU64::new(0)).collect()
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
