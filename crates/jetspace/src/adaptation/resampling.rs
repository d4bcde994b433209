//! New points inside: uniform, or denser where residuals are large,
//!
//! p(x) ∝ |r(x)|ᵏ / mean |r|ᵏ + c,
//!
//! all of them (RAD) or some more (RAR-D). (C. Wu, M. Zhu, Q. Tan, Y. Kartha, L. Lu, *A comprehensive
//! study of non-adaptive and residual-based adaptive sampling for physics-informed neural networks*,
//! CMAME 403, 2023.)

use crate::Error;
use crate::collocation::Points;
use crate::random::{Purpose, RandomStream};
use crate::study::{Density, ResamplingFile};

/// Points instead of `points`, after so many steps of a training with a seed. `squares` gives r² at
/// points; where it is not finite, nothing is moved.
pub fn resample(
    file: &ResamplingFile,
    bounds: &[(f64, f64)],
    points: Points,
    (seed, steps): (u64, u64),
    mut squares: impl FnMut(&Points) -> Result<Vec<f64>, Error>,
) -> Result<Option<Points>, Error> {
    let mut stream = Purpose::Resampling(steps).stream(seed);
    let wanted = match file {
        ResamplingFile::Rar { add, .. } => add.get(),
        ResamplingFile::Uniform { .. } | ResamplingFile::Rad { .. } => points.len(),
    };
    let Some(density) = file.density() else {
        return Ok(Some(uniform(bounds, wanted, &mut stream)));
    };
    let candidates = wanted.saturating_mul(density.candidates.get());
    let candidates = uniform(bounds, candidates, &mut stream);
    let Some(weights) = weights(density, &squares(&candidates)?) else { return Ok(None) };
    let chosen = choose(&weights, wanted, &mut stream);
    let mut columns = candidates.coordinates;
    for column in &mut columns {
        *column = chosen.iter().map(|&p| column[p]).collect();
    }
    if matches!(file, ResamplingFile::Rar { .. }) {
        let old = points.coordinates.into_iter();
        columns = old.zip(columns).map(|(old, new)| [old, new].concat()).collect();
    }
    Ok(Some(Points::at(columns)))
}

fn uniform(bounds: &[(f64, f64)], count: usize, stream: &mut RandomStream) -> Points {
    let mut columns = vec![Vec::with_capacity(count); bounds.len()];
    for _ in 0..count {
        for (column, (low, high)) in columns.iter_mut().zip(bounds) {
            column.push(low + (high - low) * stream.unit());
        }
    }
    Points::at(columns)
}

/// p, but for a factor; nothing if it is not finite.
fn weights(density: Density, squares: &[f64]) -> Option<Vec<f64>> {
    let powers: Vec<f64> =
        squares.iter().map(|square| libm::pow(*square, density.exponent / 2.0)).collect();
    let mean = powers.iter().sum::<f64>() / powers.len() as f64;
    let weight = |power: &f64| power / mean + density.offset;
    let weights: Vec<f64> = powers.iter().map(weight).collect();
    weights.iter().all(|weight| weight.is_finite()).then_some(weights)
}

/// So many numbers without repetition, in ascending order, each as likely as its weight says: those
/// that arrive first if each waits for a time of this rate (P. S. Efraimidis, P. G. Spirakis,
/// *Weighted random sampling with a reservoir*, Information Processing Letters 97, 2006).
fn choose(weights: &[f64], count: usize, stream: &mut RandomStream) -> Vec<usize> {
    let arrival = |weight: &f64| -libm::log(1.0 - stream.unit()) / weight;
    let mut arrivals: Vec<(f64, usize)> = weights.iter().map(arrival).zip(0..).collect();
    arrivals.sort_unstable_by(|(a, i), (b, j)| a.total_cmp(b).then(i.cmp(j)));
    let mut chosen: Vec<usize> = arrivals.into_iter().take(count).map(|(_, p)| p).collect();
    chosen.sort_unstable();
    chosen
}

#[cfg(test)]
mod tests {
    use super::*;

    const BOUNDS: [(f64, f64); 2] = [(0.0, 1.0), (-2.0, 2.0)];

    fn file(text: &str) -> ResamplingFile {
        toml::from_str(text).unwrap()
    }

    fn points(count: usize) -> Points {
        Points::at(vec![vec![0.5; count], vec![0.0; count]])
    }

    #[test]
    fn uniform_points_fill_the_box() {
        let file = file("by = \"uniform\"");
        let found = resample(&file, &BOUNDS, points(4000), (1, 500), |_| unreachable!());
        let found = found.unwrap().unwrap();
        for (column, (low, high)) in found.coordinates.iter().zip(BOUNDS) {
            assert_eq!(column.len(), 4000);
            assert!(column.iter().all(|x| (low..=high).contains(x)));
            // The standard deviation of the mean is (high − low)/√(12 · 4000).
            let mean = column.iter().sum::<f64>() / 4000.0;
            assert!((mean - f64::midpoint(low, high)).abs() < 5.0 * (high - low) / 219.0);
        }
    }

    /// Residuals 3 in the upper half of x, 1 below: for k = 1 and c = 0 three of four points are there,
    /// for c = 1 the densities are 2/4 + 1 and 6/4 + 1, so that 62.5 % are.
    #[test]
    fn points_follow_the_density() {
        let squares = |at: &Points| {
            Ok(at.coordinates[0].iter().map(|&x| if x > 0.5 { 9.0 } else { 1.0 }).collect())
        };
        for (offset, expected) in [(0.0, 0.75), (1.0, 0.625)] {
            let text = format!("by = \"rad\"\noffset = {offset:?}\ncandidates = 40");
            let found = resample(&file(&text), &BOUNDS, points(4000), (2, 500), squares);
            let upper = found.unwrap().unwrap().coordinates[0].iter().filter(|x| **x > 0.5).count();
            let share = upper as f64 / 4000.0;
            // Standard deviation 0.007, and 1 % is due to candidates that are used up.
            assert!((share - expected).abs() < 0.04, "{share} {expected}");
        }
    }

    #[test]
    fn refinement_adds_points_and_leaves_the_others() {
        let squares = |at: &Points| Ok(vec![1.0; at.len()]);
        let file = file("by = \"rar\"\nadd = 3");
        let found = resample(&file, &BOUNDS, points(5), (3, 500), squares).unwrap().unwrap();
        assert_eq!(found.len(), 8);
        assert_eq!(found.coordinates[0][..5], [0.5; 5]);
        assert!(found.coordinates[0][5..].iter().all(|x| *x != 0.5));
    }

    #[test]
    fn nothing_moves_where_residuals_say_nothing() {
        let file = file("by = \"rad\"");
        for bad in [f64::NAN, f64::INFINITY, 0.0] {
            let squares = |at: &Points| Ok(vec![bad; at.len()]);
            assert_eq!(resample(&file, &BOUNDS, points(5), (3, 500), squares).unwrap(), None);
        }
    }

    #[test]
    fn seed_and_step_decide_the_points() {
        let file = file("by = \"rad\"");
        let draw = |seed, steps| {
            let squares = |at: &Points| Ok(vec![1.0; at.len()]);
            resample(&file, &BOUNDS, points(5), (seed, steps), squares).unwrap().unwrap()
        };
        assert_eq!(draw(1, 500), draw(1, 500));
        assert_ne!(draw(1, 500), draw(1, 1000));
        assert_ne!(draw(1, 500), draw(2, 500));
    }
}
