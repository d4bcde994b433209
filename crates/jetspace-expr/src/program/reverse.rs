//! The adjoint: instructions run in reverse, each passing its cotangent on to its arguments.

use jetspace_jet::Real;

use super::forward::scale;
use super::{Instruction, Program, Scratch, Slot};
use crate::function::Binary;

impl Program {
    /// Adds the adjoint at one point or more; all values and slopes have been computed.
    pub(super) fn reverse<T: Real>(
        &self,
        cotangents: &[&[T]],
        wanted: &mut [Option<&mut [T]>],
        points: usize,
        scratch: &mut Scratch<T>,
    ) {
        let Scratch { values, adjoints, needed, .. } = scratch;
        self.mark_needed(wanted, needed);
        adjoints.clear();
        adjoints.resize(self.forward * points, T::ZERO);
        for (cotangent, slot) in cotangents.iter().zip(&self.outputs) {
            add(&mut adjoints[slot * points..][..points], cotangent, |c| c);
        }
        let values = |slot: Slot| &values[slot * points..][..points];
        for (slot, instruction) in self.instructions[..self.forward].iter().enumerate().rev() {
            if !needed[slot] {
                continue;
            }
            let (before, rest) = adjoints.split_at_mut(slot * points);
            let own = &mut rest[..points];
            let mut arguments = Arguments { adjoints: before, needed, points };
            match *instruction {
                Instruction::Input(input) => match &mut wanted[input] {
                    Some([sum]) => own.iter().for_each(|&g| *sum += g),
                    Some(target) => add(target, own, |g| g),
                    None => {}
                },
                Instruction::Constant(_) => {}
                Instruction::Sum { ref terms, .. } => {
                    for &(weight, a) in terms {
                        if let Some(target) = arguments.adjoint(a) {
                            let weight = T::from_f64(weight);
                            add(target, own, |g| weight * g);
                        }
                    }
                }
                Instruction::Multiply(a, b) => {
                    for (a, b) in [(a, b), (b, a)] {
                        if let Some(target) = arguments.adjoint(a) {
                            add_scaled(target, own, values(b), |g, b| g * b);
                        }
                    }
                }
                Instruction::Divide(a, b) => {
                    // Both are multiples of g/b: by 1, and by −a/b.
                    for (g, &b) in own.iter_mut().zip(values(b)) {
                        *g = *g / b;
                    }
                    if let Some(target) = arguments.adjoint(a) {
                        add(target, own, |g| g);
                    }
                    if let Some(target) = arguments.adjoint(b) {
                        add_scaled(target, own, values(slot), |g, quotient| -(g * quotient));
                    }
                }
                // n a^(n−1): no division for n > 0, so right at a = 0.
                Instruction::IntegerPower(a, n) => {
                    if n > 0 {
                        (1..n).for_each(|_| scale(own, values(a)));
                    } else {
                        for ((g, &power), &a) in own.iter_mut().zip(values(slot)).zip(values(a)) {
                            *g = *g * power / a;
                        }
                    }
                    if let Some(target) = arguments.adjoint(a) {
                        let n = T::from_f64(f64::from(n));
                        add(target, own, |g| n * g);
                    }
                }
                Instruction::Call { argument: a, slope, .. } => {
                    if let (Some(target), Some(slope)) = (arguments.adjoint(a), slope) {
                        add_scaled(target, own, values(slope), |g, slope| g * slope);
                    }
                }
                Instruction::Binary(binary, a, b) => {
                    let at = [values(a), values(b), values(slot)];
                    for (argument, by_first) in [(a, true), (b, false)] {
                        let Some(target) = arguments.adjoint(argument) else { continue };
                        for (p, (t, &g)) in target.iter_mut().zip(&*own).enumerate() {
                            let [a, b, value] = at.map(|values| values[p].to_f64());
                            *t += g * T::from_f64(binary.slope(by_first, a, b, value));
                        }
                    }
                }
            }
        }
    }

    /// Marks the instructions through which the outputs depend on what is wanted.
    fn mark_needed<T>(&self, wanted: &[Option<&mut [T]>], needed: &mut Vec<bool>) {
        needed.clear();
        for instruction in &self.instructions[..self.forward] {
            let is_needed = match *instruction {
                Instruction::Input(input) => wanted[input].is_some(),
                Instruction::Constant(_) => false,
                Instruction::Sum { ref terms, .. } => terms.iter().any(|&(_, a)| needed[a]),
                Instruction::Multiply(a, b) | Instruction::Divide(a, b) => needed[a] || needed[b],
                Instruction::IntegerPower(a, _) => needed[a],
                Instruction::Call { argument, slope, .. } => needed[argument] && slope.is_some(),
                Instruction::Binary(binary, a, b) => {
                    (needed[a] || needed[b]) && !binary.is_piecewise_constant()
                }
            };
            needed.push(is_needed);
        }
    }
}

/// The adjoints of the instructions before one.
struct Arguments<'a, T> {
    adjoints: &'a mut [T],
    needed: &'a [bool],
    points: usize,
}

impl<T> Arguments<'_, T> {
    /// That of an argument, if it is needed.
    fn adjoint(&mut self, argument: Slot) -> Option<&mut [T]> {
        let row = argument * self.points..(argument + 1) * self.points;
        self.needed[argument].then(|| &mut self.adjoints[row])
    }
}

impl Binary {
    /// The derivative by a or by b, given the value too.
    fn slope(self, by_first: bool, a: f64, b: f64, value: f64) -> f64 {
        let is_chosen = |is_first: bool| f64::from(u8::from(is_first == by_first));
        match self {
            Self::Power if by_first => b * libm::pow(a, b - 1.0),
            // aᵇ ln a tends to 0 with aᵇ.
            Self::Power if value == 0.0 => 0.0,
            Self::Power => value * libm::log(a),
            Self::Min => is_chosen(a <= b),
            Self::Max => is_chosen(b <= a),
            Self::Less | Self::LessEqual => 0.0,
        }
    }
}

/// tᵢ += f(gᵢ)
#[inline(always)]
fn add<T: Real>(target: &mut [T], own: &[T], function: impl Fn(T) -> T) {
    for (t, &g) in target.iter_mut().zip(own) {
        *t += function(g);
    }
}

/// tᵢ += f(gᵢ, aᵢ)
#[inline(always)]
fn add_scaled<T: Real>(target: &mut [T], own: &[T], by: &[T], function: impl Fn(T, T) -> T) {
    for ((t, &g), &a) in target.iter_mut().zip(own).zip(by) {
        *t += function(g, a);
    }
}
