//! The Mersenne Twister as NumPy and PyTorch draw from it, to repeat published runs number by
//! number. For everything else [`RandomStream`](super::RandomStream) is better.
//!
//! M. Matsumoto, T. Nishimura, *Mersenne Twister: a 623-dimensionally equidistributed uniform
//! pseudo-random number generator*, ACM TOMACS 8, 1998: MT19937, with the initialisation of 2002.

use jetspace_jet::{Network, Real};

/// Degree of the recurrence n, and its middle term m.
const N: usize = 624;
const M: usize = 397;

/// The generator.
pub struct MersenneTwister {
    state: [u32; N],
    next: usize,
}

impl MersenneTwister {
    /// As `numpy.random.seed` and `torch.manual_seed` begin; both use 32 bits of the seed.
    pub fn new(seed: u64) -> Self {
        let mut state = [0; N];
        state[0] = u32::try_from(seed & 0xFFFF_FFFF).unwrap_or_default();
        for i in 1..N {
            let last: u32 = state[i - 1];
            let number = u32::try_from(i).unwrap_or_default();
            state[i] = 1_812_433_253_u32.wrapping_mul(last ^ (last >> 30)).wrapping_add(number);
        }
        Self { state, next: N }
    }

    fn bits(&mut self) -> u32 {
        if self.next == N {
            for i in 0..N {
                let joined =
                    (self.state[i] & 0x8000_0000) | (self.state[(i + 1) % N] & 0x7FFF_FFFF);
                let twist = if joined & 1 == 1 { 0x9908_B0DF } else { 0 };
                self.state[i] = self.state[(i + M) % N] ^ (joined >> 1) ^ twist;
            }
            self.next = 0;
        }
        let mut y = self.state[self.next];
        self.next += 1;
        y ^= y >> 11;
        y ^= (y << 7) & 0x9D2C_5680;
        y ^= (y << 15) & 0xEFC6_0000;
        y ^ (y >> 18)
    }

    /// `numpy.random.rand`: uniform in [0, 1), with 53 bits.
    pub fn unit(&mut self) -> f64 {
        let (high, low) = (self.bits() >> 5, self.bits() >> 6);
        (f64::from(high) * 67_108_864.0 + f64::from(low)) / 9_007_199_254_740_992.0
    }

    /// `torch.Tensor.uniform_(-bound, bound)` in f32, with 24 bits. PyTorch's kernel is compiled to
    /// fused operations, which round once; so does this.
    fn symmetric(&mut self, bound: f32) -> f32 {
        #[allow(clippy::cast_precision_loss)] // 24 bits are exact.
        let unit = (self.bits() & 0x00FF_FFFF) as f32 / 16_777_216.0;
        unit.mul_add(bound + bound, -bound)
    }

    /// `numpy.random.rand(count, d)`, moved to a box: one column per coordinate.
    pub fn points(&mut self, bounds: &[(f64, f64)], count: usize) -> Vec<Vec<f64>> {
        let mut columns = vec![Vec::with_capacity(count); bounds.len()];
        for _ in 0..count {
            for (column, (low, high)) in columns.iter_mut().zip(bounds) {
                column.push(self.unit() * (high - low) + low);
            }
        }
        columns
    }

    /// The weights and biases of `torch.nn.Linear` layers made one after the other, in f32.
    pub fn linear_layers<T: Real>(&mut self, network: &Network) -> Vec<T> {
        let mut parameters = Vec::new();
        for (inputs, outputs) in network.shapes() {
            #[allow(clippy::cast_possible_truncation)] // As PyTorch rounds it.
            let bound = (1.0 / (inputs as f64).sqrt()) as f32;
            let count = outputs * (inputs + 1);
            parameters.extend((0..count).map(|_| T::from_f64(f64::from(self.symmetric(bound)))));
        }
        parameters
    }
}

#[cfg(test)]
mod tests {
    use jetspace_jet::Activation;

    use super::*;

    #[test]
    fn numbers_are_those_of_numpy() {
        // numpy.random.seed(30); numpy.random.rand(1000, 2)
        let points = MersenneTwister::new(30).points(&[(0.0, 1.0), (0.0, 1.0)], 1000);
        let near = |found: f64, expected: f64| assert!((found - expected).abs() < 1e-8, "{found}");
        near(points[0][0], 0.64414354);
        near(points[1][0], 0.38074849);
        near(points[0][999], 0.6551217);
        near(points[1][999], 0.90758643);
    }

    #[test]
    fn weights_are_those_of_pytorch() {
        // torch.manual_seed(30); l = torch.nn.Linear(2, 50); m = torch.nn.Linear(50, 50)
        let network = Network::dense(2, &[50], 50, Activation::Tanh).unwrap();
        let parameters: Vec<f64> = MersenneTwister::new(30).linear_layers(&network);
        let of_first = [0.5667372941970825, 0.34840986132621765, -0.04014428332448006];
        assert_eq!(parameters[..3], of_first);
        assert_eq!(parameters[100..102], [0.5251377820968628, 0.44879546761512756]);
        assert_eq!(parameters[150..152], [-0.02153361774981022, -0.020164182409644127]);
        assert_eq!(parameters.last(), Some(&0.1286763846874237));
    }
}
