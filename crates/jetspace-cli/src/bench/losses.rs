//! The losses of the cases: at each point the squares of residuals, and their derivatives with
//! respect to the jet; over the points the mean.

use std::array::from_fn;

use jetspace_jet::{CotangentTile, JetTile, Real};

use super::cases::Task;

/// λ of Allen–Cahn.
pub const MOBILITY: f64 = 0.01;
/// ν of Korteweg–de Vries.
const DISPERSION: f64 = 0.0025;
/// 1/Re of Navier–Stokes.
const VISCOSITY: f64 = 1.0 / 40.0;

/// A place in the jets: (output, component).
type Place = (usize, usize);

/// What a loss sees of one tile, and where it writes its derivatives.
pub struct Tile<'a, 'c, T> {
    pub jets: &'a JetTile<'a, T>,
    pub cotangents: &'a mut CotangentTile<'c, T>,
    /// One column after the other: data at all points of the set.
    pub data: &'a [T],
    /// Number of points of the set.
    pub points: usize,
}

impl<T: Real> Tile<'_, '_, T> {
    /// The loss of the interior points for `task`; evaluation has none.
    pub fn interior(self, task: Task) -> f64 {
        let c = T::from_f64;
        let two = c(2.0);
        match task {
            Task::EvaluateValue | Task::EvaluateLaplacian => 0.0,
            // ½ (u_x − g_x)² + ½ (u_y − g_y)²: the mean over points and both components.
            Task::Gradient => self.mean([(0, 1), (0, 2)], |[u_x, u_y], [g_x, g_y]| {
                let (x, y) = (u_x - g_x, u_y - g_y);
                (c(0.5) * (x * x + y * y), [x, y])
            }),
            Task::AllenCahn => {
                let mobility = c(MOBILITY);
                self.mean([(0, 0), (0, 3)], |[u, laplacian], [f]| {
                    let r = mobility * laplacian + u * u * u - u - f;
                    (r * r, [two * r * (c(3.0) * u * u - c(1.0)), two * r * mobility])
                })
            }
            // The components are u, u_t, u_x, u_xx, u_xxx.
            Task::KortewegDeVries => {
                let dispersion = c(DISPERSION);
                self.mean([(0, 0), (0, 1), (0, 2), (0, 4)], |[u, u_t, u_x, u_xxx], []| {
                    let r = u_t + u * u_x + dispersion * u_xxx;
                    let d = two * r;
                    (r * r, [d * u_x, d, d * u, d * dispersion])
                })
            }
            // The mean over points and all four entries of the Hessian; u_xy is two of them.
            Task::Hessian => {
                self.mean([(0, 3), (0, 4), (0, 5)], |[u_xx, u_xy, u_yy], [h_xx, h_xy, h_yy]| {
                    let (xx, xy, yy) = (u_xx - h_xx, u_xy - h_xy, u_yy - h_yy);
                    let square = c(0.25) * (xx * xx + two * xy * xy + yy * yy);
                    (square, [c(0.5) * xx, xy, c(0.5) * yy])
                })
            }
            Task::NavierStokes => self.navier_stokes(),
            Task::Poisson => self.mean([(0, 4)], |[laplacian], [f]| {
                let r = laplacian - f;
                (r * r, [two * r])
            }),
        }
    }

    /// The loss of the boundary points: (u − data)².
    pub fn boundary(self) -> f64 {
        let two = T::from_f64(2.0);
        self.mean([(0, 0)], |[u], [given]| {
            let r = u - given;
            (r * r, [two * r])
        })
    }

    /// u u_x + v u_y + p_x = νΔu, u v_x + v v_y + p_y = νΔv, u_x + v_y = 0; squares added.
    #[rustfmt::skip] // One field a line.
    fn navier_stokes(self) -> f64 {
        let (two, viscosity) = (T::from_f64(2.0), T::from_f64(VISCOSITY));
        let places = [
            (0, 0), (0, 1), (0, 2), (0, 3), // u, u_x, u_y, Δu
            (1, 0), (1, 1), (1, 2), (1, 3), // v, v_x, v_y, Δv
            (2, 1), (2, 2), // p_x, p_y
        ];
        self.mean(places, |[u, u_x, u_y, laplacian_u, v, v_x, v_y, laplacian_v, p_x, p_y], []| {
            let along_x = u * u_x + v * u_y + p_x - viscosity * laplacian_u;
            let along_y = u * v_x + v * v_y + p_y - viscosity * laplacian_v;
            let divergence = u_x + v_y;
            let square = along_x * along_x + along_y * along_y + divergence * divergence;
            let (x, y, d) = (two * along_x, two * along_y, two * divergence);
            let gradient = [
                x * u_x + y * v_x, x * u + d, x * v, -viscosity * x,
                x * u_y + y * v_y, y * u, y * v + d, -viscosity * y,
                x, y,
            ];
            (square, gradient)
        })
    }

    /// The mean over the set's points, as far as they are in this tile, of a function of `C`
    /// components and `D` columns of data, which gives its value and its gradient.
    ///
    /// Points are taken in blocks of fixed size, so that the compiler makes SIMD code of it.
    fn mean<const C: usize, const D: usize>(
        self,
        places: [Place; C],
        function: impl Fn([T; C], [T; D]) -> (T, [T; C]),
    ) -> f64 {
        const BLOCK: usize = 32;
        let range = self.jets.range();
        let weight = 1.0 / self.points as f64;
        let scale = T::from_f64(weight);
        let mut sum = 0.0;
        for from in (0..range.len()).step_by(BLOCK) {
            let len = BLOCK.min(range.len() - from);
            let load = |column: &[T]| {
                let mut block = [T::ZERO; BLOCK];
                block[..len].copy_from_slice(&column[..len]);
                block
            };
            let jets = places.map(|(output, c)| load(&self.jets.component(output, c)[from..]));
            let data: [_; D] =
                from_fn(|d| load(&self.data[d * self.points + range.start + from..]));
            let mut values = [T::ZERO; BLOCK];
            let mut gradients = [[T::ZERO; BLOCK]; C];
            for p in 0..BLOCK {
                let (value, gradient) = function(from_fn(|c| jets[c][p]), from_fn(|d| data[d][p]));
                values[p] = value;
                for c in 0..C {
                    gradients[c][p] = scale * gradient[c];
                }
            }
            for ((output, c), gradient) in places.into_iter().zip(gradients) {
                self.cotangents.component_mut(output, c)[from..][..len]
                    .copy_from_slice(&gradient[..len]);
            }
            // Half a block at a time: the order of additions is fixed, and they are independent.
            values[len..].fill(T::ZERO);
            let mut width = BLOCK;
            while width > 1 {
                width /= 2;
                for p in 0..width {
                    values[p] += values[p + width];
                }
            }
            sum += values[0].to_f64();
        }
        sum * weight
    }
}
