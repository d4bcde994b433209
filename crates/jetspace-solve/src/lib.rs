//! Numerical solutions of the equations that networks are trained on, as truths to measure by.
//!
//! - An [`Evolution`] is a system ∂u/∂t = L u + N(t, x, u, ∂u, …) taken from residuals in an
//!   expression graph: L is diagonal with constant coefficients, N is anything else.
//! - A [`PeriodicGrid`] is a box whose opposite sides are one, with its nodes and Fourier modes.
//! - [`solve`] advances the modes by ETDRK4; the [`Trajectory`] gives the solution and its
//!   derivatives at any points, by trigonometric interpolation in space and by polynomials in time.
//! - A [`FirstOrderSystem`] is a system of ordinary differential equations, of any order; [`integrate`]
//!   follows trajectories of it by Runge–Kutta methods with fixed or adaptive steps.
//! - [`follow`] does so by equal steps where a caller computes the rates, as of a trained model.
//! - A [`ConservationLaw`] says what flows along each axis; [`solve_conservation_law`] follows what is
//!   in the cells of a [`CellGrid`]: donor cell, or slopes with a [`Limiter`]. The [`History`] gives
//!   values between nodes and times.
//!
//! It relies on `jetspace-expr` for expressions and their programs, and knows nothing of networks or
//! of training.
//!
//! ```
//! use jetspace_expr::{CoordinateKind, Graph, Scope, parse_equation};
//! use jetspace_jet::MultiIndex;
//! use jetspace_solve::{Evolution, PeriodicGrid, Steps, solve};
//!
//! // The heat equation from sin x, which it multiplies by exp(−t).
//! let scope = Scope::new()
//!     .coordinate("t", CoordinateKind::Time)?
//!     .coordinate("x", CoordinateKind::Space)?
//!     .field("u")?;
//! let mut graph = Graph::new();
//! let heat = scope.lower_equation(&parse_equation("u_t = u_xx")?, &mut graph)?;
//! let evolution = Evolution::new(&mut graph, &[heat], 1, 0, &[1], &[])?;
//!
//! let grid = PeriodicGrid::new(&[(0.0, std::f64::consts::TAU)], &[16])?;
//! let initial: Vec<f64> = grid.coordinates()[0].iter().map(|x| x.sin()).collect();
//! let steps = Steps { from: 0.0, to: 1.0, count: 20, stored: 20 };
//! let trajectory = solve(&evolution, &grid, &[initial], steps, &|_| ())?;
//!
//! let value = (0, MultiIndex::VALUE);
//! let u = trajectory.jets(&[vec![0.5], vec![1.0]], &[value])?;
//! assert!((u[0][0] - (-0.5_f64).exp() * 1_f64.sin()).abs() < 1e-13);
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

mod autonomous;
mod butcher;
mod cell_grid;
mod conservation_law;
mod error;
mod etdrk4;
mod evolution;
mod finite_difference;
mod finite_volume;
mod first_order;
mod history;
mod limiter;
mod periodic_grid;
mod runge_kutta;
mod step_control;
mod trajectory;

pub use autonomous::{EqualSteps, follow};
pub use cell_grid::{CellGrid, Ends};
pub use conservation_law::ConservationLaw;
pub use error::SolveError;
pub use etdrk4::{Steps, solve};
pub use evolution::Evolution;
pub use finite_volume::solve_conservation_law;
pub use first_order::FirstOrderSystem;
pub use history::History;
pub use limiter::Limiter;
pub use periodic_grid::PeriodicGrid;
pub use runge_kutta::{Stepping, Trajectories, integrate};
pub use trajectory::Trajectory;
