//! The constructors of expressions, which bring them to canonical form.

use super::{Graph, Id, Node, Number, Symbol};
use crate::function::{Binary, Function};

/// Most terms (factors) of a sum (product) that is merged into another one. Longer ones are kept
/// whole, so that adding terms one by one takes linear time.
const LONGEST_MERGED: usize = 64;
/// Largest exponent |n| for which xⁿ is a product; beyond it, powers are more accurate.
const LARGEST_EXPONENT: i64 = 32;

impl Graph {
    /// A number.
    pub fn constant(&mut self, value: f64) -> Id {
        self.intern(Node::Constant(Number::new(value)))
    }

    /// A symbol.
    pub fn symbol(&mut self, symbol: Symbol) -> Id {
        self.intern(Node::Symbol(symbol))
    }

    /// a + b
    pub fn add(&mut self, a: Id, b: Id) -> Id {
        self.sum(&[(1.0, a), (1.0, b)])
    }

    /// a − b
    pub fn sub(&mut self, a: Id, b: Id) -> Id {
        self.sum(&[(1.0, a), (-1.0, b)])
    }

    /// −a
    pub fn neg(&mut self, a: Id) -> Id {
        self.sum(&[(-1.0, a)])
    }

    /// a·b
    pub fn mul(&mut self, a: Id, b: Id) -> Id {
        self.powers(&[(a, 1), (b, 1)])
    }

    /// a/b
    pub fn div(&mut self, a: Id, b: Id) -> Id {
        self.powers(&[(a, 1), (b, -1)])
    }

    /// Π aᵢ; 1 if there are none. Much faster than multiplying one after the other.
    pub fn product(&mut self, factors: &[Id]) -> Id {
        let factors: Vec<(Id, i32)> = factors.iter().map(|&id| (id, 1)).collect();
        self.powers(&factors)
    }

    /// Σ wᵢ aᵢ; 0 if there are none. Much faster than adding one after the other.
    ///
    /// Sums (and likewise products) of more than 64 terms are terms of others as a whole.
    pub fn sum(&mut self, terms: &[(f64, Id)]) -> Id {
        let mut constant = 0.0;
        let mut flat: Vec<(f64, Id)> = Vec::with_capacity(terms.len());
        for &(weight, id) in terms {
            match self.node(id) {
                Node::Constant(value) => constant += weight * value.get(),
                Node::Sum { constant: inner, terms } if terms.len() <= LONGEST_MERGED => {
                    constant += weight * inner.get();
                    flat.extend(terms.iter().map(|(w, id)| (weight * w.get(), *id)));
                }
                _ => flat.push((weight, id)),
            }
        }
        flat.sort_by_key(|&(_, id)| id);
        flat.dedup_by(|(weight, id), (sum, last)| {
            let equal = id == last;
            if equal {
                *sum += *weight;
            }
            equal
        });
        flat.retain(|&(weight, _)| weight != 0.0);
        match flat[..] {
            [] => self.constant(constant),
            [(1.0, id)] if constant == 0.0 => id,
            _ => {
                let terms = flat.iter().map(|&(w, id)| (Number::new(w), id)).collect();
                self.intern(Node::Sum { constant: Number::new(constant), terms })
            }
        }
    }

    /// aᵇ: a product for a small integer b, a square root for b = ½, e.g. x·x for x².
    pub fn pow(&mut self, a: Id, b: Id) -> Id {
        let exponent = self.constant_value(b);
        match exponent.and_then(integer) {
            Some(n) => self.powers(&[(a, n)]),
            None if exponent == Some(0.5) => self.call(Function::Sqrt, a),
            None => self.binary(Binary::Power, a, b),
        }
    }

    /// f(a)
    pub fn call(&mut self, function: Function, a: Id) -> Id {
        match self.constant_value(a) {
            Some(a) => self.constant(function.value(a)),
            None => self.intern(Node::Call(function, a)),
        }
    }

    /// The smaller of a and b; NaN if either is.
    pub fn min(&mut self, a: Id, b: Id) -> Id {
        self.binary(Binary::Min, a.min(b), a.max(b))
    }

    /// The larger of a and b; NaN if either is.
    pub fn max(&mut self, a: Id, b: Id) -> Id {
        self.binary(Binary::Max, a.min(b), a.max(b))
    }

    /// 1 if a < b, else 0.
    pub fn less(&mut self, a: Id, b: Id) -> Id {
        self.binary(Binary::Less, a, b)
    }

    /// 1 if a ≤ b, else 0.
    pub fn less_equal(&mut self, a: Id, b: Id) -> Id {
        self.binary(Binary::LessEqual, a, b)
    }

    fn binary(&mut self, binary: Binary, a: Id, b: Id) -> Id {
        match (self.constant_value(a), self.constant_value(b)) {
            (Some(a), Some(b)) => self.constant(binary.value(a, b)),
            _ => self.intern(Node::Binary(binary, a, b)),
        }
    }

    /// Π aᵢ^nᵢ
    pub(crate) fn powers(&mut self, factors: &[(Id, i32)]) -> Id {
        // Divisors are kept apart, so that 2/3 is rounded once.
        let (mut numerator, mut denominator) = (1.0, 1.0);
        let mut flat: Vec<(Id, i64)> = Vec::with_capacity(factors.len());
        for &(id, n) in factors {
            let (weight, id) = self.split_weight(id);
            let scale = if n < 0 { &mut denominator } else { &mut numerator };
            *scale *= libm::pow(weight, f64::from(n).abs());
            let n = i64::from(n);
            match *self.node(id) {
                Node::Constant(_) => {} // The 1 that a constant is a multiple of.
                Node::Product(ref inner) if inner.len() <= LONGEST_MERGED => {
                    flat.extend(inner.iter().map(|&(id, m)| (id, n * i64::from(m))));
                }
                Node::Binary(Binary::Power, base, exponent) => {
                    match self.constant_value(exponent).and_then(integer) {
                        Some(m) => flat.push((base, n * i64::from(m))),
                        None => flat.push((id, n)),
                    }
                }
                _ => flat.push((id, n)),
            }
        }
        merge_exponents(&mut flat);
        let mut kept = Vec::with_capacity(flat.len());
        for (id, n) in flat {
            match i32::try_from(n) {
                Ok(small) if n.abs() <= LARGEST_EXPONENT => kept.push((id, small)),
                _ => {
                    let exponent = self.constant(n as f64);
                    kept.push((self.intern(Node::Binary(Binary::Power, id, exponent)), 1));
                }
            }
        }
        kept.sort_unstable();
        let product = match kept[..] {
            [] => self.constant(1.0),
            [(id, 1)] => id,
            _ => self.intern(Node::Product(kept)),
        };
        self.sum(&[(numerator / denominator, product)])
    }

    /// The expression as w·a: a numeric factor, and the rest. A constant c is c·1.
    pub(crate) fn split_weight(&mut self, id: Id) -> (f64, Id) {
        match self.node(id) {
            Node::Constant(value) => (value.get(), self.constant(1.0)),
            Node::Sum { constant, terms } => match terms[..] {
                [(weight, term)] if constant.get() == 0.0 => (weight.get(), term),
                _ => (1.0, id),
            },
            _ => (1.0, id),
        }
    }

    /// The expression over other children.
    pub(crate) fn rebuild(&mut self, id: Id, mut child: impl FnMut(&mut Self, Id) -> Id) -> Id {
        let node = self.shared_node(id);
        match *node {
            Node::Constant(_) | Node::Symbol(_) => id,
            Node::Sum { constant, ref terms } => {
                let one = self.constant(1.0);
                let mut new = vec![(constant.get(), one)];
                new.extend(terms.iter().map(|&(w, id)| (w.get(), child(self, id))));
                self.sum(&new)
            }
            Node::Product(ref factors) => {
                let new: Vec<_> = factors.iter().map(|&(id, n)| (child(self, id), n)).collect();
                self.powers(&new)
            }
            Node::Call(function, a) => {
                let a = child(self, a);
                self.call(function, a)
            }
            Node::Binary(binary, a, b) => {
                let (a, b) = (child(self, a), child(self, b));
                match binary {
                    Binary::Power => self.pow(a, b),
                    Binary::Min => self.min(a, b),
                    Binary::Max => self.max(a, b),
                    Binary::Less | Binary::LessEqual => self.binary(binary, a, b),
                }
            }
        }
    }
}

/// n, if the exponent is this integer.
fn integer(exponent: f64) -> Option<i32> {
    #[allow(clippy::cast_possible_truncation)] // Then the two differ.
    let n = exponent as i32;
    (f64::from(n) == exponent).then_some(n)
}

/// Sorts the factors, adds the exponents of equal ones, and removes those with exponent 0.
fn merge_exponents(factors: &mut Vec<(Id, i64)>) {
    factors.sort_by_key(|&(id, _)| id);
    factors.dedup_by(|(id, n), (last, sum)| {
        let equal = id == last;
        if equal {
            *sum = sum.saturating_add(*n);
        }
        equal
    });
    factors.retain(|&(_, n)| n != 0);
}
