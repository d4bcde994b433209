//! Expressions compiled for many points at once, and their adjoint.
//!
//! A program is a list of instructions without branches; each works on all points of a tile before
//! the next begins, so that its loop is one that the compiler vectorises. Relies on [`Graph`], from
//! which `compile` makes it; `forward` and `reverse` run it.

mod compile;
mod forward;
mod reverse;

use jetspace_jet::{InstructionSet, Real};
use thiserror::Error;

use crate::Symbol;
use crate::function::{Binary, Function};

/// Where an instruction's values are: the number of the instruction.
type Slot = usize;

/// One operation on all points.
#[derive(Clone, Debug)]
enum Instruction {
    Input(usize),
    Constant(f64),
    /// constant + Σ wᵢ aᵢ
    Sum {
        constant: f64,
        terms: Vec<(f64, Slot)>,
    },
    Multiply(Slot, Slot),
    Divide(Slot, Slot),
    /// aⁿ, n ≠ 0
    IntegerPower(Slot, i32),
    /// f(a); `slope` holds f′(a), where the adjoint needs it.
    Call {
        function: Function,
        argument: Slot,
        slope: Option<Slot>,
    },
    Binary(Binary, Slot, Slot),
}

/// Expressions compiled for evaluation at many points.
///
/// ```
/// use jetspace_expr::{Graph, Program, Scratch, Symbol};
/// use jetspace_jet::InstructionSet;
/// let mut graph = Graph::new();
/// let x = graph.symbol(Symbol::Coordinate(0));
/// let k = graph.symbol(Symbol::Parameter(0));
/// let expression = graph.product(&[k, x, x]);
/// let program = Program::compile(&graph, &[expression]);
/// assert_eq!(program.inputs(), [Symbol::Coordinate(0), Symbol::Parameter(0)]);
///
/// let mut scratch = Scratch::new(InstructionSet::best());
/// let (mut values, mut by_x, mut by_k) = ([0.0; 3], [0.0; 3], [0.0]);
/// let inputs: [&[f64]; 2] = [&[1.0, 2.0, 3.0], &[0.5]];
/// let mut evaluated = program.evaluate(&inputs, 3, &mut scratch, &mut [&mut values])?;
/// assert_eq!(values, [0.5, 2.0, 4.5]);
///
/// // The gradient of the values' sum: 2 k x at each point, and Σ x².
/// evaluated.adjoint(&[&[1.0; 3]], &mut [Some(&mut by_x), Some(&mut by_k)])?;
/// assert_eq!((by_x, by_k), ([1.0, 2.0, 3.0], [14.0]));
/// # Ok::<(), jetspace_expr::ProgramError>(())
/// ```
#[derive(Clone, Debug)]
pub struct Program {
    instructions: Vec<Instruction>,
    /// How many instructions give the outputs; those after them give slopes for the adjoint.
    forward: usize,
    inputs: Vec<Symbol>,
    outputs: Vec<Slot>,
}

/// The memory that programs run in. It grows to what the largest call needs, and is used again.
#[derive(Clone, Debug)]
pub struct Scratch<T> {
    set: InstructionSet,
    values: Vec<T>,
    adjoints: Vec<T>,
    needed: Vec<bool>,
}

impl<T: Real> Scratch<T> {
    /// Empty memory, for programs that use these instructions.
    #[must_use]
    pub fn new(set: InstructionSet) -> Self {
        Self { set, values: Vec::new(), adjoints: Vec::new(), needed: Vec::new() }
    }
}

/// A program that has been evaluated, with its values: what an adjoint starts from.
#[derive(Debug)]
pub struct Evaluated<'a, T> {
    program: &'a Program,
    scratch: &'a mut Scratch<T>,
    points: usize,
    has_slopes: bool,
}

/// Numbers or lengths of slices that do not fit the program.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum ProgramError {
    /// Too few slices, or too many.
    #[error("expected {expected} {what}, found {found}: give one slice for each")]
    Count {
        /// What there is one slice for.
        what: &'static str,
        /// How many the program has.
        expected: usize,
        /// How many were given.
        found: usize,
    },
    /// A slice with the wrong number of values.
    #[error(
        "{what} {number} (from 0): expected {expected} of {points} points, found {found} values"
    )]
    Length {
        /// What the slice is for.
        what: &'static str,
        /// Its place among the slices.
        number: usize,
        /// What lengths it may have.
        expected: &'static str,
        /// The number of points.
        points: usize,
        /// The length of the slice.
        found: usize,
    },
}

impl Program {
    /// The symbols that values must be given for, in ascending order.
    #[must_use]
    pub fn inputs(&self) -> &[Symbol] {
        &self.inputs
    }

    /// The number of expressions.
    #[must_use]
    pub fn outputs(&self) -> usize {
        self.outputs.len()
    }

    /// Evaluates all expressions at all points.
    ///
    /// `inputs` holds, for each of [`inputs`](Self::inputs), a value per point, or one for all
    /// points; `outputs` receives a value per point for each expression.
    ///
    /// # Errors
    /// A slice is missing, or has the wrong length.
    pub fn evaluate<'a, T: Real>(
        &'a self,
        inputs: &[&[T]],
        points: usize,
        scratch: &'a mut Scratch<T>,
        outputs: &mut [&mut [T]],
    ) -> Result<Evaluated<'a, T>, ProgramError> {
        check_count("inputs", self.inputs.len(), inputs.len())?;
        check_count("outputs", self.outputs.len(), outputs.len())?;
        for (number, input) in inputs.iter().enumerate() {
            check_length_or_one("input", number, points, input.len())?;
        }
        for (number, output) in outputs.iter().enumerate() {
            check_length("output", number, points, output.len())?;
        }
        scratch.values.resize(self.instructions.len() * points, T::ZERO);
        if points > 0 {
            self.forward(0..self.forward, inputs, points, scratch);
        }
        for (output, slot) in outputs.iter_mut().zip(&self.outputs) {
            output.copy_from_slice(&scratch.values[slot * points..][..points]);
        }
        Ok(Evaluated { program: self, scratch, points, has_slopes: false })
    }
}

impl<T: Real> Evaluated<'_, T> {
    /// Adds Σ_o (∂output_o/∂input)·cotangent_o to what is wanted for each input.
    ///
    /// `cotangents` holds a value per point for each expression. What is wanted for an input has a
    /// value per point, or one value, which receives the sum over the points in their order; `None`
    /// is not computed.
    ///
    /// Where the smaller or larger of two equal numbers was taken, the adjoint goes to one of them;
    /// it takes signs, steps and comparisons as constant.
    ///
    /// # Errors
    /// A slice is missing, or has the wrong length.
    pub fn adjoint(
        &mut self,
        cotangents: &[&[T]],
        wanted: &mut [Option<&mut [T]>],
    ) -> Result<(), ProgramError> {
        let (program, points) = (self.program, self.points);
        check_count("cotangents", program.outputs.len(), cotangents.len())?;
        check_count("wanted adjoints", program.inputs.len(), wanted.len())?;
        for (number, cotangent) in cotangents.iter().enumerate() {
            check_length("cotangent", number, points, cotangent.len())?;
        }
        for (number, target) in wanted.iter().enumerate() {
            if let Some(target) = target {
                check_length_or_one("wanted adjoint", number, points, target.len())?;
            }
        }
        if points > 0 {
            if !self.has_slopes {
                let slopes = program.forward..program.instructions.len();
                program.forward(slopes, &[], points, self.scratch);
                self.has_slopes = true;
            }
            program.reverse(cotangents, wanted, points, self.scratch);
        }
        Ok(())
    }
}

fn check_count(what: &'static str, expected: usize, found: usize) -> Result<(), ProgramError> {
    if expected == found { Ok(()) } else { Err(ProgramError::Count { what, expected, found }) }
}

fn check_length(
    what: &'static str,
    number: usize,
    points: usize,
    found: usize,
) -> Result<(), ProgramError> {
    let expected = "one value for each";
    let error = ProgramError::Length { what, number, expected, points, found };
    if found == points { Ok(()) } else { Err(error) }
}

fn check_length_or_one(
    what: &'static str,
    number: usize,
    points: usize,
    found: usize,
) -> Result<(), ProgramError> {
    let expected = "one value for all, or one for each";
    let error = ProgramError::Length { what, number, expected, points, found };
    if found == points || found == 1 { Ok(()) } else { Err(error) }
}
