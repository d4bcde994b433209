//! Instructions run forward.

use std::ops::Range;

use jetspace_jet::{Elementary, InstructionSet, Real, apply};

use super::{Instruction, Program, Scratch};
use crate::function::Function;

impl Program {
    /// Runs the instructions in `range` at one point or more; those before it have been run.
    pub(super) fn forward<T: Real>(
        &self,
        range: Range<usize>,
        inputs: &[&[T]],
        points: usize,
        scratch: &mut Scratch<T>,
    ) {
        let first = range.start;
        for (slot, instruction) in self.instructions[range].iter().enumerate() {
            let (before, rest) = scratch.values.split_at_mut((first + slot) * points);
            let target = &mut rest[..points];
            let values = |slot: usize| &before[slot * points..][..points];
            match *instruction {
                Instruction::Input(input) => match *inputs[input] {
                    [value] => target.fill(value),
                    ref values => target.copy_from_slice(values),
                },
                Instruction::Constant(value) => target.fill(T::from_f64(value)),
                Instruction::Sum { constant, ref terms } => {
                    target.fill(T::from_f64(constant));
                    for &(weight, a) in terms {
                        let weight = T::from_f64(weight);
                        for (t, &a) in target.iter_mut().zip(values(a)) {
                            *t += weight * a;
                        }
                    }
                }
                Instruction::Multiply(a, b) => map(target, values(a), values(b), |a, b| a * b),
                Instruction::Divide(a, b) => map(target, values(a), values(b), |a, b| a / b),
                Instruction::IntegerPower(a, n) => {
                    target.copy_from_slice(values(a));
                    for _ in 1..n.unsigned_abs() {
                        scale(target, values(a));
                    }
                    if n < 0 {
                        for t in target {
                            *t = T::ONE / *t;
                        }
                    }
                }
                Instruction::Call { function, argument, .. } => {
                    target.copy_from_slice(values(argument));
                    call(scratch.set, function, target);
                }
                Instruction::Binary(binary, a, b) => map(target, values(a), values(b), |a, b| {
                    T::from_f64(binary.value(a.to_f64(), b.to_f64()))
                }),
            }
        }
    }
}

/// tᵢ = f(aᵢ, bᵢ)
#[inline(always)]
fn map<T: Real>(target: &mut [T], a: &[T], b: &[T], function: impl Fn(T, T) -> T) {
    for ((t, &a), &b) in target.iter_mut().zip(a).zip(b) {
        *t = function(a, b);
    }
}

/// tᵢ = tᵢ aᵢ
pub(super) fn scale<T: Real>(target: &mut [T], by: &[T]) {
    for (t, &a) in target.iter_mut().zip(by) {
        *t = *t * a;
    }
}

/// tᵢ = f(tᵢ), by SIMD code where there is some.
fn call<T: Real>(set: InstructionSet, function: Function, target: &mut [T]) {
    match function {
        Function::Sin => apply(set, Elementary::Sin, target),
        Function::Cos => apply(set, Elementary::Cos, target),
        Function::Tanh => apply(set, Elementary::Tanh, target),
        Function::Exp => apply(set, Elementary::Exp, target),
        _ => target.iter_mut().for_each(|t| *t = T::from_f64(function.value(t.to_f64()))),
    }
}
