//! SOAP against a reference in plain loops, against Adam, in rotated coordinates, resumed, and with
//! refused arguments.

use proptest::prelude::*;

use super::*;

/// Numbers without any pattern in (−½, ½): SplitMix64.
fn noise(seed: usize) -> impl Iterator<Item = f64> {
    (1_u64..).map(move |i| {
        let x = (i + ((seed as u64) << 32)).wrapping_mul(0x9E3779B97F4A7C15);
        let x = (x ^ (x >> 30)).wrapping_mul(0xBF58476D1CE4E5B9);
        let x = (x ^ (x >> 27)).wrapping_mul(0x94D049BB133111EB);
        ((x ^ (x >> 31)) >> 11) as f64 / (1_u64 << 53) as f64 - 0.5
    })
}

fn settings(rate: f64, frequency: u64) -> SoapSettings {
    let adam = AdamSettings { rate, ..SoapSettings::default().adam };
    SoapSettings { adam, frequency: NonZero::new(frequency).unwrap() }
}

fn matrix(start: usize, rows: usize, columns: usize) -> WeightMatrix {
    WeightMatrix { start, rows, columns }
}

/// Matrices as rows of numbers, with the loops of the textbooks.
mod plain {
    pub type Matrix = Vec<Vec<f64>>;

    pub fn zeros(rows: usize, columns: usize) -> Matrix {
        vec![vec![0.0; columns]; rows]
    }

    pub fn transposed(a: &Matrix) -> Matrix {
        (0..a[0].len()).map(|j| a.iter().map(|row| row[j]).collect()).collect()
    }

    pub fn product(a: &Matrix, b: &Matrix) -> Matrix {
        let entry = |row: &Vec<f64>, j: usize| row.iter().zip(b).map(|(x, b)| x * b[j]).sum();
        a.iter().map(|row| (0..b[0].len()).map(|j| entry(row, j)).collect()).collect()
    }

    /// a x + b y.
    pub fn combined(a: f64, x: &Matrix, b: f64, y: &Matrix) -> Matrix {
        let row =
            |(x, y): (&Vec<f64>, &Vec<f64>)| x.iter().zip(y).map(|(x, y)| a * x + b * y).collect();
        x.iter().zip(y).map(row).collect()
    }

    pub fn size(a: &Matrix) -> f64 {
        a.iter().flatten().map(|x| x * x).sum::<f64>().sqrt()
    }

    /// The columns made orthonormal one after the other (Gram and Schmidt, twice).
    pub fn orthonormal(a: &Matrix) -> Matrix {
        let mut columns: Matrix = Vec::new();
        for mut column in transposed(a) {
            for _ in 0..2 {
                for other in &columns {
                    let along: f64 = column.iter().zip(other).map(|(x, y)| x * y).sum();
                    column.iter_mut().zip(other).for_each(|(x, y)| *x -= along * y);
                }
            }
            let norm = column.iter().map(|x| x * x).sum::<f64>().sqrt();
            columns.push(column.iter().map(|x| x / norm).collect());
        }
        transposed(&columns)
    }

    /// Eigenvectors, those of the largest eigenvalues first, by rotations of two axes at a time
    /// (Jacobi).
    pub fn eigenvectors(a: &Matrix) -> Matrix {
        let n = a.len();
        let (mut a, mut q) = (a.clone(), zeros(n, n));
        (0..n).for_each(|i| q[i][i] = 1.0);
        for _ in 0..20 {
            for (i, j) in (0..n).flat_map(|j| (0..j).map(move |i| (i, j))) {
                let angle = 0.5 * f64::atan2(2.0 * a[i][j], a[j][j] - a[i][i]);
                let (sin, cos) = angle.sin_cos();
                let mut turn = zeros(n, n);
                (0..n).for_each(|k| turn[k][k] = 1.0);
                (turn[i][i], turn[i][j]) = (cos, sin);
                (turn[j][i], turn[j][j]) = (-sin, cos);
                a = product(&transposed(&turn), &product(&a, &turn));
                q = product(&q, &turn);
            }
        }
        let mut order: Vec<usize> = (0..n).collect();
        order.sort_by(|&i, &j| a[j][j].total_cmp(&a[i][i]));
        q.iter().map(|row| order.iter().map(|&k| row[k]).collect()).collect()
    }
}
use plain::Matrix;

/// Algorithm 3 of the paper for one matrix, with bias correction, as it is printed: the first moment
/// in the original space.
struct Reference {
    settings: SoapSettings,
    t: u64,
    /// L and R, Q_L and Q_R.
    means: [Matrix; 2],
    bases: [Matrix; 2],
    first_moment: Matrix,
    second_moment: Matrix,
}

impl Reference {
    fn new(settings: SoapSettings, rows: usize, columns: usize) -> Self {
        let squares = || [plain::zeros(rows, rows), plain::zeros(columns, columns)];
        Self {
            settings,
            t: 0,
            means: squares(),
            bases: squares(),
            first_moment: plain::zeros(rows, columns),
            second_moment: plain::zeros(rows, columns),
        }
    }

    fn step(&mut self, w: &mut Matrix, g: &Matrix) {
        let AdamSettings { rate, betas: (b1, b2), epsilon, weight_decay } = self.settings.adam;
        if self.t > 0 {
            let steps = i32::try_from(self.t).unwrap();
            let [left, right] = &self.bases;
            let into =
                |x: &Matrix| plain::product(&plain::transposed(left), &plain::product(x, right));
            let rotated = into(g);
            self.first_moment = plain::combined(b1, &self.first_moment, 1.0 - b1, g);
            let mut step = into(&self.first_moment);
            for (i, row) in step.iter_mut().enumerate() {
                for (j, m) in row.iter_mut().enumerate() {
                    let v = &mut self.second_moment[i][j];
                    *v = b2 * *v + (1.0 - b2) * rotated[i][j].powi(2);
                    let corrected = (*v / (1.0 - b2.powi(steps))).sqrt();
                    *m = *m / (1.0 - b1.powi(steps)) / (corrected + epsilon);
                }
            }
            let back = plain::product(left, &plain::product(&step, &plain::transposed(right)));
            *w = plain::combined(1.0 - rate * weight_decay, w, -rate, &back);
        }
        for (k, side) in [g.clone(), plain::transposed(g)].iter().enumerate() {
            let gram = plain::product(side, &plain::transposed(side));
            self.means[k] = plain::combined(b2, &self.means[k], 1.0 - b2, &gram);
        }
        self.t += 1;
        for (mean, basis) in self.means.iter().zip(&mut self.bases) {
            if self.t == 1 {
                *basis = plain::eigenvectors(mean);
            } else if self.t.is_multiple_of(self.settings.frequency.get()) {
                *basis = plain::orthonormal(&plain::product(mean, basis));
            }
        }
    }
}

fn random(rows: usize, columns: usize, seed: usize) -> Matrix {
    let mut noise = noise(seed);
    (0..rows).map(|_| noise.by_ref().take(columns).collect()).collect()
}

#[test]
fn follows_the_algorithm_of_the_paper() {
    // Square, so that no eigenvalue of the first gradient is 0 and its eigenvector arbitrary.
    for (n, frequency) in [(2, 1), (5, 3), (9, 10)] {
        let mut settings = settings(0.01, frequency);
        settings.adam.weight_decay = 0.1;
        let mut reference = Reference::new(settings, n, n);
        let mut expected = random(n, n, 0);
        // One parameter before the matrix, and one behind it.
        let count = n * n + 2;
        let mut soap = Soap::new(settings, count, &[matrix(1, n, n)]).unwrap();
        let mut found = [&[0.0], &expected.concat()[..], &[0.0]].concat();
        for t in 0..35 {
            let gradient = random(n, n, 1 + t);
            reference.step(&mut expected, &gradient);
            soap.step(&mut found, &[&[0.0], &gradient.concat()[..], &[0.0]].concat()).unwrap();
            for (found, expected) in found[1..=n * n].iter().zip(expected.iter().flatten()) {
                assert!((found - expected).abs() < 1e-13, "{n} {t}: {found} is not {expected}");
            }
        }
        assert_eq!((found[0], found[count - 1]), (0.0, 0.0));
    }
}

#[test]
fn is_adam_after_the_first_gradient_where_nothing_is_rotated() {
    let settings = settings(0.01, 2);
    // Of sides 1 and 1, or too long; and what is in no matrix.
    for (count, matrices) in
        [(9, vec![]), (9, vec![matrix(0, 1, 1), matrix(4, 1, 1)]), (1030, vec![matrix(2, 1, 1025)])]
    {
        let mut soap = Soap::new(settings, count, &matrices).unwrap();
        let mut adam = Adam::new(settings.adam, count).unwrap();
        let start: Vec<f64> = noise(0).take(count).collect();
        let (mut one, mut other) = (start.clone(), start.clone());
        soap.step(&mut one, &noise(1).take(count).collect::<Vec<_>>()).unwrap();
        assert_eq!(one, start);
        for t in 2..30 {
            let gradient: Vec<f64> = noise(t).take(count).collect();
            soap.step(&mut one, &gradient).unwrap();
            adam.step(&mut other, &gradient).unwrap();
            assert_eq!(one, other);
        }
    }
}

#[test]
fn rotated_coordinates_rotate_the_iterates() {
    fn check<T: Float>(tolerance: f64) {
        // W ↦ U W Vᵀ, and so are gradients.
        let (n, steps) = (6, 60);
        let (u, v) = (plain::orthonormal(&random(n, n, 91)), plain::orthonormal(&random(n, n, 92)));
        let turned = |w: &Matrix| plain::product(&u, &plain::product(w, &plain::transposed(&v)));
        let narrow = |w: &Matrix| w.concat().iter().map(|&x| T::from_f64(x)).collect::<Vec<T>>();
        let run = |turn: &dyn Fn(&Matrix) -> Matrix| {
            let mut soap = Soap::new(settings(0.01, 4), n * n, &[matrix(0, n, n)]).unwrap();
            let mut parameters = narrow(&turn(&random(n, n, 0)));
            for t in 1..steps {
                soap.step(&mut parameters, &narrow(&turn(&random(n, n, t)))).unwrap();
            }
            let wide: Vec<f64> = parameters.iter().map(|p| p.to_f64()).collect();
            wide.chunks(n).map(<[f64]>::to_vec).collect::<Matrix>()
        };
        let (found, expected) = (run(&turned), turned(&run(&Clone::clone)));
        let error = plain::size(&plain::combined(1.0, &found, -1.0, &expected));
        assert!(error < tolerance, "{error}");
        // Which the steps of Adam do not do.
        assert!(plain::size(&expected) > 0.1);
    }
    check::<f32>(1e-5);
    check::<f64>(1e-13);
}

/// ½ Σ λᵢ μⱼ (U W Vᵀ)ᵢⱼ², λ and μ from 1 to 10⁻³: the gradient at W.
fn quadratic(n: usize, u: &Matrix, v: &Matrix, w: &[f64]) -> (f64, Vec<f64>) {
    let w: Matrix = w.chunks(n).map(<[f64]>::to_vec).collect();
    let mut turned = plain::product(u, &plain::product(&w, &plain::transposed(v)));
    let weight = |i: usize| 10_f64.powf(-3.0 * i as f64 / (n as f64 - 1.0));
    let mut loss = 0.0;
    for (i, row) in turned.iter_mut().enumerate() {
        for (j, x) in row.iter_mut().enumerate() {
            loss += 0.5 * weight(i) * weight(j) * *x * *x;
            *x *= weight(i) * weight(j);
        }
    }
    let gradient = plain::product(&plain::transposed(u), &plain::product(&turned, v));
    (loss, gradient.concat())
}

#[test]
fn needs_fewer_steps_than_adam_where_rows_and_columns_are_correlated() {
    let n = 8;
    let (u, v) = (plain::orthonormal(&random(n, n, 81)), plain::orthonormal(&random(n, n, 82)));
    let start = random(n, n, 80).concat();
    let adam_settings = settings(0.01, 10).adam;
    let steps_to = |target: f64, step: &mut dyn FnMut(&mut [f64], &[f64])| {
        let mut w = start.clone();
        let first = quadratic(n, &u, &v, &w).0;
        let is_done = |_: &usize| {
            let (loss, gradient) = quadratic(n, &u, &v, &w);
            step(&mut w, &gradient);
            loss < target * first
        };
        (0..20_000).find(is_done).unwrap()
    };
    let mut soap = Soap::new(settings(0.01, 10), n * n, &[matrix(0, n, n)]).unwrap();
    let mut adam = Adam::new(adam_settings, n * n).unwrap();
    let of_soap = steps_to(1e-6, &mut |w, g| soap.step(w, g).unwrap());
    let of_adam = steps_to(1e-6, &mut |w, g| adam.step(w, g).unwrap());
    assert!(10 * of_soap < of_adam, "{of_soap} steps of SOAP, {of_adam} of Adam");
}

proptest! {
    /// Also of matrices that are tall, wide, of one row, or empty; of gradients that are 0 or of any
    /// size; and resumed at every step.
    #[test]
    fn bases_stay_orthonormal_and_resuming_changes_no_bit(
        shapes in prop::collection::vec((0..12_usize, 0..12_usize, 0..3_usize), 0..4),
        frequency in 1_u64..5, zero_from in 0..20_usize, scale in -150..150_i32, seed in 0..1000_usize,
    ) {
        let mut matrices = Vec::new();
        let mut count = 0;
        for (rows, columns, gap) in shapes {
            matrices.push(matrix(count, rows, columns));
            count += rows * columns + gap;
        }
        let settings = settings(0.01, frequency);
        let mut soap = Soap::new(settings, count, &matrices).unwrap();
        let mut resumed = soap.clone();
        let mut parameters: Vec<f64> = noise(seed).take(count).collect();
        let mut others = parameters.clone();
        for t in 0..20 {
            let size = if t < zero_from { 10_f64.powi(scale) } else { 0.0 };
            let gradient: Vec<f64> = noise(seed + t).take(count).map(|g| size * g).collect();
            soap.step(&mut parameters, &gradient).unwrap();
            resumed = Soap::resume(settings, &matrices, &resumed.state()).unwrap();
            resumed.step(&mut others, &gradient).unwrap();
            prop_assert_eq!(&parameters, &others);
            prop_assert!(soap.state() == resumed.state());
            prop_assert!(parameters.iter().all(|p| p.is_finite()));
            for basis in soap.preconditioners.iter().flat_map(Preconditioner::bases) {
                let q = basis.vectors();
                let error = (q.transpose() * q - Mat::<f64>::identity(q.nrows(), q.nrows())).norm_max();
                prop_assert!(error < 1e-14 * (1.0 + q.nrows() as f64), "{error}");
            }
        }
    }
}

#[test]
fn a_refused_gradient_changes_nothing() {
    let mut soap = Soap::new(settings(0.1, 2), 7, &[matrix(0, 2, 3)]).unwrap();
    let mut parameters = [1.0; 7];
    for t in 0..6 {
        for bad in [f64::NAN, f64::INFINITY, f64::NEG_INFINITY, 1e160] {
            for at in [0, 6] {
                let (before, state) = (parameters, soap.state());
                let mut gradient = [1.0; 7];
                gradient[at] = bad;
                let error = soap.step(&mut parameters, &gradient).unwrap_err();
                assert!(matches!(error, OptimError::NotFinite { .. }), "{error}");
                assert_eq!((parameters, soap.state()), (before, state));
            }
        }
        let gradient: Vec<f64> = noise(t).take(7).collect();
        soap.step(&mut parameters, &gradient).unwrap();
    }
    // In f32 no square is too large.
    let mut soap = Soap::new(settings(0.1, 2), 4, &[matrix(0, 2, 2)]).unwrap();
    let mut parameters = [1.0_f32; 4];
    for _ in 0..5 {
        soap.step(&mut parameters, &[f32::MAX, f32::MIN, f32::MAX, 1.0]).unwrap();
        assert!(parameters.iter().all(|p| p.is_finite()));
    }
    assert!(soap.step(&mut parameters, &[f32::NAN; 4]).is_err());
}

#[test]
fn wrong_arguments_are_errors() {
    let new = |matrices: &[WeightMatrix]| Soap::new(settings(0.1, 1), 10, matrices);
    assert!(new(&[matrix(1, 2, 2), matrix(5, 1, 5)]).is_ok());
    let error = new(&[matrix(1, 2, 2), matrix(4, 1, 5)]).unwrap_err();
    assert_eq!(
        error.to_string(),
        "weight matrix 1: expected parameters from 5 on and before 10, found others: give the \
         matrices in their order"
    );
    assert!(new(&[matrix(0, 11, 1)]).is_err());
    assert!(new(&[matrix(0, usize::MAX, 2)]).is_err());
    assert!(new(&[matrix(usize::MAX, 1, 1)]).is_err());
    assert!(Soap::new(settings(f64::NAN, 1), 1, &[]).is_err());

    let mut soap = new(&[matrix(0, 3, 3)]).unwrap();
    assert!(soap.set_rate(f64::INFINITY).is_err());
    assert!(soap.step(&mut [0.0; 10], &[0.0; 9]).is_err());
    assert!(soap.step(&mut [0.0; 9], &[0.0; 10]).is_err());
    let state = soap.state();
    for other in [vec![], vec![matrix(0, 2, 3)], vec![matrix(0, 4, 2)], vec![matrix(1, 3, 4)]] {
        assert!(Soap::resume(soap.settings(), &other, &state).is_err());
    }
    let mut short = state.clone();
    short.eigenvectors.pop();
    assert!(Soap::resume(soap.settings(), &[matrix(0, 3, 3)], &short).is_err());
    // A state that was spoilt is of no use, and does no harm.
    let spoilt = SoapState { means: vec![f64::NAN; 18], ..state };
    let mut soap = Soap::resume(soap.settings(), &[matrix(0, 3, 3)], &spoilt).unwrap();
    soap.step(&mut [0.0; 10], &[1.0; 10]).unwrap();
    soap.step(&mut [0.0; 10], &[1.0; 10]).unwrap();
}
