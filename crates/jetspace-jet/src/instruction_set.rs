//! Instruction sets: chosen at run time, so that one binary runs well on every processor.

use std::fmt;

use pulp::Arch;

/// A SIMD instruction set that the kernels are compiled for.
///
/// ```
/// use jetspace_jet::InstructionSet;
/// println!("running on {}", InstructionSet::best());
/// assert!(InstructionSet::available().contains(&InstructionSet::best()));
/// ```
#[derive(Clone, Copy, Debug)]
pub struct InstructionSet(Arch);

impl InstructionSet {
    /// The best that this processor offers.
    #[must_use]
    pub fn best() -> Self {
        Self(Arch::new())
    }

    /// All that this processor offers, the best first.
    #[must_use]
    pub fn available() -> Vec<Self> {
        let mut sets = Vec::new();
        #[cfg(any(target_arch = "x86", target_arch = "x86_64"))]
        {
            sets.extend(pulp::x86::V4::try_new().map(|v4| Self(Arch::V4(v4))));
            sets.extend(pulp::x86::V3::try_new().map(|v3| Self(Arch::V3(v3))));
        }
        #[cfg(target_arch = "aarch64")]
        sets.extend(pulp::aarch64::Neon::try_new().map(|neon| Self(Arch::Neon(neon))));
        sets.push(Self(Arch::Scalar));
        sets
    }

    pub(crate) fn arch(self) -> Arch {
        self.0
    }
}

impl fmt::Display for InstructionSet {
    /// `AVX-512`, `AVX2`, `NEON` or `scalar`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self.0 {
            #[cfg(any(target_arch = "x86", target_arch = "x86_64"))]
            Arch::V4(_) => "AVX-512",
            #[cfg(any(target_arch = "x86", target_arch = "x86_64"))]
            Arch::V3(_) => "AVX2",
            #[cfg(target_arch = "aarch64")]
            Arch::Neon(_) => "NEON",
            _ => "scalar",
        })
    }
}

impl PartialEq for InstructionSet {
    fn eq(&self, other: &Self) -> bool {
        std::mem::discriminant(&self.0) == std::mem::discriminant(&other.0)
    }
}

impl Eq for InstructionSet {}
