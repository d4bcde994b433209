//! Products of rows in factors against those of the rows, which plain loops multiply out.

use proptest::prelude::*;

use super::super::tests::{System, is_near};
use super::super::{LinearSolver, Linearisation, dot};
use super::*;

/// Residuals that have rows in factors: of one block after the other cotangents and activations.
#[derive(Clone, Debug)]
struct Factors {
    /// Units and inputs of each block, and parameters that none has before it.
    shapes: Vec<(usize, usize, usize)>,
    /// Groups of residuals: how many, and how many pairs they have.
    groups: Vec<(usize, usize)>,
    seed: usize,
}

impl Factors {
    fn parameters(&self) -> usize {
        self.shapes.iter().map(|(units, inputs, gap)| units * inputs + gap).sum()
    }

    fn residuals(&self) -> usize {
        self.groups.iter().map(|(count, _)| count).sum()
    }

    /// Numbers in the factors of all rows.
    fn count(&self) -> usize {
        let of_pair: usize = self.shapes.iter().map(|(units, inputs, _)| units + inputs).sum();
        self.groups.iter().map(|(count, pairs)| count * pairs * of_pair).sum()
    }

    /// Calls `take` with the blocks of each row.
    fn for_each(&self, mut take: impl FnMut(&[FactoredBlock<'_, f64>])) {
        let mut number = 0;
        let mut next = |count: usize| -> Vec<f64> {
            number += count;
            let part = |i: usize| (i as f64 * 0.618_034 + self.seed as f64 * 0.1).fract() - 0.5;
            (number - count..number).map(part).collect()
        };
        for &(count, pairs) in &self.groups {
            for _ in 0..count {
                let numbers: Vec<(Vec<f64>, Vec<f64>)> = self
                    .shapes
                    .iter()
                    .map(|(units, inputs, _)| (next(pairs * units), next(pairs * inputs)))
                    .collect();
                let mut end = 0;
                let blocks = self.shapes.iter().zip(&numbers);
                let blocks = blocks.map(|(&(units, inputs, gap), (cotangents, activations))| {
                    let first = end + gap;
                    end = first + units * inputs;
                    FactoredBlock { first, units, inputs, cotangents, activations }
                });
                take(&blocks.collect::<Vec<_>>());
            }
        }
    }

    /// J by its definition, row by row.
    fn rows(&self) -> Vec<Vec<f64>> {
        let mut rows = Vec::new();
        self.for_each(|blocks| {
            let mut row = vec![0.0; self.parameters()];
            for block in blocks {
                for pair in 0..block.pairs() {
                    for unit in 0..block.units {
                        for input in 0..block.inputs {
                            row[block.first + unit * block.inputs + input] += block.cotangents
                                [pair * block.units + unit]
                                * block.activations[pair * block.inputs + input];
                        }
                    }
                }
            }
            rows.push(row);
        });
        rows
    }

    fn factored(&self) -> FactoredRows {
        let mut factored = FactoredRows::default();
        self.for_each(|blocks| factored.push(blocks).unwrap());
        factored.seal();
        factored
    }

    /// JJᵀ on and below the diagonal.
    fn products(&self, threads: usize) -> Vec<f64> {
        let side = self.residuals();
        let mut gram = vec![0.0; side * side];
        self.factored().add_products(&mut gram, threads);
        let entries = gram.iter().enumerate().filter(|(at, _)| at % side >= at / side);
        entries.map(|(_, entry)| *entry).collect()
    }
}

/// The same by plain loops.
fn products(rows: &[Vec<f64>]) -> Vec<f64> {
    let pairs = (0..rows.len()).flat_map(|j| (j..rows.len()).map(move |i| (i, j)));
    pairs.map(|(i, j)| dot(&rows[i], &rows[j])).collect()
}

fn factors() -> impl Strategy<Value = Factors> {
    // Wide blocks go by Gram matrices, narrow ones by rows.
    let width = || prop_oneof![3 => 1..5_usize, 1 => 20..40_usize];
    let shapes = prop::collection::vec((width(), width(), 0..2_usize), 0..4);
    let groups = prop::collection::vec((0..70_usize, 1..5_usize), 0..4);
    (shapes, groups, 0..1000_usize).prop_map(|(shapes, groups, seed)| Factors {
        shapes,
        groups,
        seed,
    })
}

proptest! {
    #[test]
    fn products_are_those_of_the_rows(factors in factors()) {
        let rows = factors.rows();
        let largest = rows.iter().map(|row| dot(row, row)).fold(0.0, f64::max);
        let expected = products(&rows);
        let found = factors.products(1);
        prop_assert!(is_near(&found, &expected, 1e-14 * largest));
        prop_assert!(found == factors.products(3));

        let w = System::new(rows.len(), 1, factors.seed).residuals;
        let found = factors.factored().transposed_times(&w, factors.parameters());
        let size: f64 = rows.iter().flatten().map(|j| j.abs()).sum();
        let sum = |j: usize| rows.iter().zip(&w).map(|(row, w)| row[j] * w).sum::<f64>();
        let expected: Vec<f64> = (0..factors.parameters()).map(sum).collect();
        prop_assert!(is_near(&found, &expected, 1e-15 * size));
    }

    #[test]
    fn factors_give_the_steps_of_rows(factors in factors(), damping in 1e-2..10.0) {
        let (rows, parameters) = (factors.rows(), factors.parameters());
        let r = System::new(rows.len(), 1, factors.seed + 1).residuals;
        let steps = [LinearSolver::Dense, LinearSolver::ConjugateGradients].map(|solver| {
            let mut whole = Linearisation::new(solver, parameters, 1);
            whole.begin(rows.len(), rows.len() * (parameters + 1)).unwrap();
            let mut factored = Linearisation::new(solver, parameters, 2);
            factored.begin(rows.len(), factors.count()).unwrap();
            for (row, &r) in rows.iter().zip(&r) {
                whole.push(r).unwrap().copy_from_slice(row);
            }
            let mut values = r.iter();
            factors.for_each(|blocks| {
                factored.push_factors(*values.next().unwrap(), blocks).unwrap();
            });
            [whole, factored].map(|mut all| {
                all.complete().unwrap();
                if !all.has_matrix() {
                    return [all.gradient(), all.diagonal()].concat();
                }
                assert!(all.factorise(damping));
                let step = all.step();
                if !all.is_of_residuals() {
                    return step;
                }
                [step, all.correction(&r)].concat()
            })
        });
        for [expected, found] in steps {
            prop_assert!(is_near(&found, &expected, 1e-10));
        }
    }
}

#[test]
fn tiles_may_have_any_number_of_residuals() {
    // Gram matrices of wide blocks, at the edges of tiles: 256 rows are 85 residuals with 3 pairs.
    for count in [1, 7, 8, 9, 84, 85, 86, 170, 171] {
        let groups = vec![(count, 3), (1, 1), (2, 9)];
        let factors = Factors { shapes: vec![(40, 60, 0)], groups, seed: 3 };
        let rows = factors.rows();
        assert!(is_near(&factors.products(1), &products(&rows), 1e-11), "{count}");
        assert!(factors.products(1) == factors.products(2));
    }
}

#[test]
fn blocks_that_do_not_fit_are_errors() {
    let good = FactoredBlock {
        first: 2,
        units: 2,
        inputs: 3,
        cotangents: &[1.0; 4],
        activations: &[1.0; 6],
    };
    for (parameters, residuals) in [(8, 2), (8, 9)] {
        let begin = || {
            let mut all = Linearisation::new(LinearSolver::Dense, parameters, 1);
            all.begin(residuals, 100).unwrap();
            all
        };
        let wrong = |number, next| Err(OptimError::Factors { number, next, parameters });
        for bad in [
            FactoredBlock { first: 3, ..good },
            FactoredBlock { first: usize::MAX, ..good },
            FactoredBlock { units: 0, ..good },
            FactoredBlock { units: 3, ..good },
            FactoredBlock { units: 4, ..good },
            FactoredBlock { inputs: 0, ..good },
            FactoredBlock { inputs: usize::MAX, ..good },
            FactoredBlock { cotangents: &[], activations: &[], ..good },
            FactoredBlock { activations: &[1.0; 5], ..good },
        ] {
            assert_eq!(begin().push_factors(1.0, &[bad]), wrong(0, 0), "{bad:?}");
        }
        assert_eq!(begin().push_factors(1.0, &[good, good]), wrong(1, 8));
    }
    // All rows have the same blocks, but for the number of pairs.
    let mut all = Linearisation::new(LinearSolver::Dense, 8, 1);
    all.begin(5, 100).unwrap();
    all.push_factors(1.0, &[good]).unwrap();
    let one = FactoredBlock { cotangents: &[1.0; 2], activations: &[1.0; 3], ..good };
    all.push_factors(1.0, &[one]).unwrap();
    let other = FactoredBlock { first: 1, ..good };
    assert_eq!(all.push_factors(1.0, &[other]), Err(OptimError::Blocks));
}
