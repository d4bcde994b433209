use super::*;
use proptest::prelude::*;

const UNIT: [(f64, f64); MAX_DIMENSION] = [(0.0, 1.0); MAX_DIMENSION];

fn stream() -> RandomStream {
    RandomStream::new(30, 7)
}

fn unit_cube(sampler: &Sampler, dimension: usize) -> Vec<Vec<f64>> {
    sampler.sample(&UNIT[..dimension], &mut stream()).unwrap()
}

/// All layouts of `side`^`dimension` points.
fn layouts(side: usize, dimension: usize) -> Vec<Sampler> {
    let nodes = vec![side; dimension];
    let points = nodes.iter().product();
    vec![
        Sampler::Uniform { points },
        Sampler::Grid { nodes: nodes.clone(), ends: GridEnds::Included },
        Sampler::Grid { nodes, ends: GridEnds::Excluded },
        Sampler::LatinHypercube { points },
        Sampler::Sobol { points, shift: false },
        Sampler::Sobol { points, shift: true },
    ]
}

/// Whether each of n equal slices holds one of the n numbers, ends included.
fn is_stratified(column: &[f64]) -> bool {
    let mut sorted = column.to_vec();
    sorted.sort_by(f64::total_cmp);
    let n = sorted.len() as f64;
    let slices = (0..sorted.len()).map(|i| i as f64);
    sorted.iter().zip(slices).all(|(x, i)| i / n <= *x && *x <= (i + 1.0) / n)
}

/// The squared L² star discrepancy (T. T. Warnock, 1972): the mean square of the difference between a
/// box's volume and its share of the points, over all boxes with one corner at 0.
fn discrepancy(columns: &[Vec<f64>]) -> f64 {
    let n = columns[0].len();
    let product = |f: &dyn Fn(&[f64]) -> f64| columns.iter().map(|c| f(c)).product::<f64>();
    let single: f64 = (0..n).map(|i| product(&|c| 0.5 * (1.0 - c[i] * c[i]))).sum();
    let pairs = (0..n).flat_map(|i| (0..n).map(move |j| (i, j)));
    let double: f64 = pairs.map(|(i, j)| product(&|c| 1.0 - c[i].max(c[j]))).sum();
    let d = i32::try_from(columns.len()).unwrap();
    3_f64.powi(-d) - 2.0 * single / n as f64 + double / (n * n) as f64
}

#[test]
fn sobol_points_are_those_of_scipy() {
    // scipy.stats.qmc.Sobol(8, scramble=False, bits=32) 1.17: the first points in sixteenths, and
    // the one of number 123456 in parts of 2³².
    let first: [[u8; 8]; 10] = [
        [0, 0, 0, 0, 0, 0, 0, 0],
        [8, 8, 8, 8, 8, 8, 8, 8],
        [12, 4, 4, 4, 12, 12, 4, 12],
        [4, 12, 12, 12, 4, 4, 12, 4],
        [6, 6, 10, 14, 6, 2, 6, 14],
        [14, 14, 2, 6, 14, 10, 14, 6],
        [10, 2, 14, 10, 10, 14, 2, 2],
        [2, 10, 6, 2, 2, 6, 10, 10],
        [3, 5, 15, 7, 9, 5, 7, 15],
        [11, 13, 7, 15, 1, 13, 15, 7],
    ];
    let late: [u32; 8] = [
        113803264, 784891904, 1319665664, 1934065664, 726630400, 872972288, 3074457600, 1993113600,
    ];
    let columns = unit_cube(&Sampler::Sobol { points: 123_457, shift: false }, 8);
    for (axis, column) in columns.iter().enumerate() {
        for (point, expected) in column.iter().zip(first) {
            assert_eq!(point * 16.0, f64::from(expected[axis]));
        }
        assert_eq!(column[123_456] * 2_f64.powi(32), f64::from(late[axis]));
    }
}

#[test]
fn sobol_points_fill_elementary_boxes_evenly() {
    // The first two axes are a (0, 2)-sequence: 2^(a+b) points, one in each box of 2⁻ᵃ × 2⁻ᵇ.
    for shift in [false, true] {
        let columns = unit_cube(&Sampler::Sobol { points: 64, shift }, 8);
        assert!(shift || columns.iter().all(|column| column[0] == 0.0));
        for a in 0..=6 {
            let (across, up) = (2_f64.powi(a), 2_f64.powi(6 - a));
            let boxes = columns[0].iter().zip(&columns[1]);
            let mut boxes: Vec<f64> =
                boxes.map(|(x, y)| (x * across).floor() * up + (y * up).floor()).collect();
            boxes.sort_by(f64::total_cmp);
            assert!(boxes.iter().enumerate().all(|(i, found)| *found == i as f64), "{a}, {shift}");
        }
        assert!(columns.iter().all(|column| is_stratified(column)));
    }
}

#[test]
fn discrepancies_are_in_their_order() {
    let of = |sampler: &Sampler| discrepancy(&unit_cube(sampler, 3)).sqrt();
    let random = of(&Sampler::Uniform { points: 512 });
    // In the mean over random points it is √((2⁻³ − 3⁻³)/n).
    let expected = ((0.125 - 1.0 / 27.0) / 512_f64).sqrt();
    assert!((random / expected - 1.0).abs() < 0.7, "{random} {expected}");
    assert!(of(&Sampler::LatinHypercube { points: 512 }) < 0.8 * expected);
    assert!(of(&Sampler::Sobol { points: 512, shift: false }) < 0.2 * expected);
    assert!(of(&Sampler::Sobol { points: 512, shift: true }) < 0.2 * expected);
}

#[test]
fn uniform_points_are_uniform_and_independent() {
    let n = 20_000;
    let columns = unit_cube(&Sampler::Uniform { points: n }, 4);
    let mean = |f: &dyn Fn(usize) -> f64| (0..n).map(f).sum::<f64>() / n as f64;
    // Five standard errors: 5/√(12 n), and for products of two 5/(12 √n).
    for (i, x) in columns.iter().enumerate() {
        assert!((mean(&|p| x[p]) - 0.5).abs() < 5.0 / (12.0 * n as f64).sqrt());
        assert!((mean(&|p| x[p] * x[p]) - 1.0 / 3.0).abs() < 0.011);
        for y in &columns[..i] {
            let covariance = mean(&|p| (x[p] - 0.5) * (y[p] - 0.5));
            assert!(covariance.abs() < 5.0 / (12.0 * (n as f64).sqrt()), "{covariance}");
        }
    }
    let fewer = unit_cube(&Sampler::Uniform { points: 10 }, 4);
    assert!(fewer.iter().zip(&columns).all(|(fewer, more)| *fewer == more[..10]));
}

#[test]
fn grids_have_the_nodes_of_their_definition() {
    let domain = [(-1.0, 1.0), (0.0, 3.0)];
    let grid = |nodes: [usize; 2], ends| {
        Sampler::Grid { nodes: nodes.to_vec(), ends }.sample(&domain, &mut stream()).unwrap()
    };
    let included = grid([201, 4], GridEnds::Included);
    assert_eq!(included[0].len(), 201 * 4);
    for (point, (x, y)) in included[0].iter().zip(&included[1]).enumerate() {
        // numpy.linspace, but for rounding.
        let (i, j) = ((point / 4) as f64, (point % 4) as f64);
        assert!((x - (-1.0 + 0.01 * i)).abs() < 4e-16);
        assert_eq!(*y, j);
    }
    let excluded = grid([3, 2], GridEnds::Excluded);
    assert_eq!(excluded[0], [-0.5, -0.5, 0.0, 0.0, 0.5, 0.5]);
    assert_eq!(excluded[1], [1.0, 2.0, 1.0, 2.0, 1.0, 2.0]);
    assert_eq!(grid([1, 2], GridEnds::Included), [[-1.0, -1.0], [0.0, 3.0]]);
    assert_eq!(grid([1, 1], GridEnds::Excluded), [[0.0], [1.5]]);
    assert_eq!(grid([5, 0], GridEnds::Included), [[], []] as [[f64; 0]; 2]);
}

#[test]
fn no_points_and_one_point_are_possible() {
    for points in [0, 1] {
        for dimension in 1..=MAX_DIMENSION {
            for sampler in layouts(points, dimension) {
                let columns = unit_cube(&sampler, dimension);
                assert_eq!(columns.len(), dimension);
                assert!(columns.iter().all(|column| column.len() == points));
                let sides = sampler.sample_boundary(&UNIT[..dimension], &mut stream()).unwrap();
                let on_side = if matches!(sampler, Sampler::Grid { .. }) && dimension == 1 {
                    1 // All nodes of no axes: one combination.
                } else {
                    points
                };
                assert!(sides.iter().all(|column| column.len() == 2 * dimension * on_side));
            }
        }
    }
}

#[test]
fn places_on_an_axis_are_numbers_whatever_its_bounds() {
    assert_eq!([End::Low, End::High, End::Inside(0.5)].map(|e| e.of((0.0, 2.0))), [0.0, 2.0, 0.5]);
    assert_eq!([-1.0, 3.0].map(|place| End::Inside(place).of((0.0, 2.0))), [0.0, 2.0]);
    for bounds in [(2.0, 0.0), (f64::NAN, 1.0)] {
        assert!(!End::Inside(0.5).of(bounds).is_nan());
    }
}

#[test]
fn impossible_boxes_and_layouts_are_errors() {
    let fail = |sampler: &Sampler, domain: &[(f64, f64)]| {
        sampler.sample(domain, &mut stream()).unwrap_err()
    };
    let uniform = Sampler::Uniform { points: 3 };
    assert_eq!(fail(&uniform, &[]), SamplingError::Dimension { found: 0 });
    assert_eq!(fail(&uniform, &[(0.0, 1.0); 9]), SamplingError::Dimension { found: 9 });
    for bad in [(1.0, 1.0), (2.0, 1.0), (f64::NAN, 1.0), (0.0, f64::INFINITY), (f64::MIN, f64::MAX)]
    {
        let error = fail(&uniform, &[(0.0, 1.0), bad]);
        assert!(matches!(error, SamplingError::Interval { axis: 1, .. }), "{error}");
    }
    let grid = Sampler::Grid { nodes: vec![3; 2], ends: GridEnds::Included };
    assert_eq!(fail(&grid, &UNIT[..3]), SamplingError::Nodes { expected: 3, found: 2 });
    for sampler in [
        Sampler::Uniform { points: usize::MAX },
        Sampler::LatinHypercube { points: MAX_POINTS + 1 },
        Sampler::Sobol { points: usize::MAX, shift: true },
        Sampler::Grid { nodes: vec![usize::MAX; 2], ends: GridEnds::Included },
    ] {
        assert_eq!(fail(&sampler, &UNIT[..2]), SamplingError::TooManyPoints);
    }
    assert_eq!(
        uniform.sample_boundary(&[], &mut stream()),
        Err(SamplingError::Dimension { found: 0 })
    );
    let many = Sampler::Uniform { points: MAX_POINTS + 1 };
    let error = many.sample_boundary(&UNIT[..1], &mut stream());
    assert_eq!(error, Err(SamplingError::TooManyPoints));
    let side = Side { axis: 2, end: End::Low };
    let error = uniform.sample_side(&UNIT[..2], side, &mut stream()).unwrap_err();
    assert_eq!(error, SamplingError::UnknownAxis { axis: 2, dimension: 2 });
}

#[test]
fn seed_and_purpose_decide_the_points() {
    for sampler in layouts(3, 3) {
        let sample = |seed, purpose| {
            let mut stream = RandomStream::new(seed, purpose);
            sampler.sample_boundary(&UNIT[..3], &mut stream).unwrap()
        };
        assert_eq!(sample(1, 2), sample(1, 2));
        let is_random =
            !matches!(sampler, Sampler::Grid { .. } | Sampler::Sobol { shift: false, .. });
        assert_eq!(sample(1, 2) != sample(1, 3), is_random, "{sampler:?}");
        assert_eq!(sample(1, 2) != sample(2, 2), is_random, "{sampler:?}");
    }
}

/// Boxes of all sizes and places.
fn domains() -> impl Strategy<Value = Vec<(f64, f64)>> {
    let interval = (-1e3..1e3, -12_i32..12).prop_map(|(low, exponent)| {
        let high = low + 10_f64.powi(exponent);
        (low, high)
    });
    let possible = interval.prop_filter("no interval", |(low, high)| low < high);
    prop::collection::vec(possible, 1..=4)
}

proptest! {
    #[test]
    fn points_are_in_the_box(domain in domains(), side in 0_usize..6) {
        for sampler in layouts(side, domain.len()) {
            let columns = sampler.sample(&domain, &mut stream()).unwrap();
            for (column, &(low, high)) in columns.iter().zip(&domain) {
                prop_assert!(column.iter().all(|&x| low <= x && x <= high), "{:?}", sampler);
            }
        }
    }

    #[test]
    fn boundary_points_are_on_their_sides(domain in domains(), per_axis in 0_usize..6) {
        for sampler in layouts(per_axis, domain.len()) {
            let columns = sampler.sample_boundary(&domain, &mut stream()).unwrap();
            let per_side = columns[0].len() / (2 * domain.len());
            for (place, side) in Side::all(domain.len()).enumerate() {
                let range = place * per_side..(place + 1) * per_side;
                for (axis, (column, &(low, high))) in columns.iter().zip(&domain).enumerate() {
                    let (from, to) = match side {
                        Side { axis: across, .. } if across != axis => (low, high),
                        Side { end: End::Low, .. } => (low, low),
                        Side { end: End::High, .. } => (high, high),
                        Side { end: End::Inside(place), .. } => (place, place),
                    };
                    prop_assert!(column[range.clone()].iter().all(|&x| from <= x && x <= to));
                }
            }
        }
    }

    #[test]
    fn points_on_planes_are_on_them(domain in domains(), per_axis in 0_usize..6, part in 0.0..1.0) {
        for sampler in layouts(per_axis, domain.len()) {
            for (axis, &(low, high)) in domain.iter().enumerate() {
                let place = low + part * (high - low);
                let plane = Side { axis, end: End::Inside(place) };
                let columns = sampler.sample_side(&domain, plane, &mut stream()).unwrap();
                let side = Side { axis, end: End::Low };
                let at_end = sampler.sample_side(&domain, side, &mut stream()).unwrap();
                for (other, (column, at_end)) in columns.iter().zip(&at_end).enumerate() {
                    if other == axis {
                        prop_assert!(column.iter().all(|&x| x == place));
                    } else {
                        prop_assert_eq!(column, at_end);
                    }
                }
            }
        }
    }

    #[test]
    fn latin_hypercubes_have_one_point_per_slice(
        points in 1_usize..300, dimension in 1_usize..=8, seed: u64,
    ) {
        let mut stream = RandomStream::new(seed, 0);
        let sampler = Sampler::LatinHypercube { points };
        let columns = sampler.sample(&UNIT[..dimension], &mut stream).unwrap();
        for (i, column) in columns.iter().enumerate() {
            prop_assert!(is_stratified(column));
            prop_assert!(points < 10 || columns[..i].iter().all(|other| other != column));
        }
    }
}
