//! SIMD registers with operators: [`Lanes`] wraps one register of `f32` or `f64` lanes of any
//! instruction set, so that kernels read like the formulas they compute.
//!
//! Relies on `pulp` for the instructions. Every method is `#[inline(always)]`: the code must be
//! inlined into a function that `pulp` compiles for the instruction set, or it would be compiled
//! for the baseline processor.

#[cfg(target_arch = "x86_64")]
use std::any::TypeId;
#[cfg(target_arch = "x86_64")]
use std::mem::transmute_copy;
use std::ops::{Add, Div, Mul, Neg, Sub};

use pulp::Simd;
#[cfg(target_arch = "x86_64")]
use pulp::x86::V4;

use crate::Real;

/// What a scalar type offers to kernels: its register, and arithmetic on registers.
///
/// This is the private supertrait that seals [`Real`].
pub trait Arithmetic:
    Copy
    + 'static
    + Add<Output = Self>
    + Sub<Output = Self>
    + Mul<Output = Self>
    + Div<Output = Self>
    + Neg<Output = Self>
    + std::ops::AddAssign
{
    /// A register of this type.
    type Register<S: Simd>: bytemuck::Pod + Send + Sync + std::fmt::Debug;
    /// The mask that comparing two registers gives.
    type Mask<S: Simd>: Copy;
    fn splat<S: Simd>(simd: S, value: Self) -> Self::Register<S>;
    fn add<S: Simd>(simd: S, a: Self::Register<S>, b: Self::Register<S>) -> Self::Register<S>;
    fn sub<S: Simd>(simd: S, a: Self::Register<S>, b: Self::Register<S>) -> Self::Register<S>;
    fn mul<S: Simd>(simd: S, a: Self::Register<S>, b: Self::Register<S>) -> Self::Register<S>;
    fn div<S: Simd>(simd: S, a: Self::Register<S>, b: Self::Register<S>) -> Self::Register<S>;
    /// a·b + c, rounded once where the instruction set can.
    fn fma<S: Simd>(
        simd: S,
        a: Self::Register<S>,
        b: Self::Register<S>,
        c: Self::Register<S>,
    ) -> Self::Register<S>;
    fn neg<S: Simd>(simd: S, a: Self::Register<S>) -> Self::Register<S>;
    fn abs<S: Simd>(simd: S, a: Self::Register<S>) -> Self::Register<S>;
    fn less<S: Simd>(simd: S, a: Self::Register<S>, b: Self::Register<S>) -> Self::Mask<S>;
    fn select<S: Simd>(
        simd: S,
        mask: Self::Mask<S>,
        yes: Self::Register<S>,
        no: Self::Register<S>,
    ) -> Self::Register<S>;
    /// |magnitude| with the sign of `sign`.
    fn copy_sign<S: Simd>(
        simd: S,
        magnitude: Self::Register<S>,
        sign: Self::Register<S>,
    ) -> Self::Register<S>;
    /// Nearest integer, ties to even, for |a| < 2^(mantissa bits − 2).
    fn round<S: Simd>(simd: S, a: Self::Register<S>) -> Self::Register<S>;
    /// 2ⁿ for integral n in the range of normal numbers' exponents.
    fn exp2_integral<S: Simd>(simd: S, n: Self::Register<S>) -> Self::Register<S>;
    fn sum<S: Simd>(simd: S, a: Self::Register<S>) -> Self;
    /// The sums of the lanes of each register; at most [`MANY`] registers.
    fn sum_many<S: Simd>(simd: S, registers: &[Self::Register<S>], sums: &mut [Self; MANY]);
}

/// Most registers that [`Arithmetic::sum_many`] takes.
pub const MANY: usize = 16;

macro_rules! arithmetic {
    ($t:ident, $bits:ident, $mantissa_bits:literal, $bias:literal, $register:ident, $mask:ident,
     $splat:ident, $add:ident, $sub:ident, $mul:ident, $div:ident, $fma:ident, $and:ident,
     $or:ident, $xor:ident, $not:ident, $less:ident, $select:ident, $sum:ident, $many:ident) => {
        impl Arithmetic for $t {
            type Register<S: Simd> = S::$register;
            type Mask<S: Simd> = S::$mask;

            #[inline(always)]
            fn splat<S: Simd>(simd: S, value: Self) -> Self::Register<S> {
                simd.$splat(value)
            }
            #[inline(always)]
            fn add<S: Simd>(s: S, a: S::$register, b: S::$register) -> S::$register {
                s.$add(a, b)
            }
            #[inline(always)]
            fn sub<S: Simd>(s: S, a: S::$register, b: S::$register) -> S::$register {
                s.$sub(a, b)
            }
            #[inline(always)]
            fn mul<S: Simd>(s: S, a: S::$register, b: S::$register) -> S::$register {
                s.$mul(a, b)
            }
            #[inline(always)]
            fn div<S: Simd>(s: S, a: S::$register, b: S::$register) -> S::$register {
                s.$div(a, b)
            }
            #[inline(always)]
            fn fma<S: Simd>(
                s: S,
                a: S::$register,
                b: S::$register,
                c: S::$register,
            ) -> S::$register {
                s.$fma(a, b, c)
            }
            #[inline(always)]
            fn neg<S: Simd>(s: S, a: S::$register) -> S::$register {
                s.$xor(a, s.$splat(-0.0))
            }
            #[inline(always)]
            fn abs<S: Simd>(s: S, a: S::$register) -> S::$register {
                s.$and(a, s.$not(s.$splat(-0.0)))
            }
            #[inline(always)]
            fn less<S: Simd>(s: S, a: S::$register, b: S::$register) -> S::$mask {
                s.$less(a, b)
            }
            #[inline(always)]
            fn select<S: Simd>(
                s: S,
                mask: S::$mask,
                yes: S::$register,
                no: S::$register,
            ) -> S::$register {
                s.$select(mask, yes, no)
            }
            #[inline(always)]
            fn copy_sign<S: Simd>(
                s: S,
                magnitude: S::$register,
                sign: S::$register,
            ) -> S::$register {
                let bit = s.$splat(-0.0);
                s.$or(s.$and(sign, bit), s.$and(magnitude, s.$not(bit)))
            }
            #[inline(always)]
            fn round<S: Simd>(s: S, a: S::$register) -> S::$register {
                // Adding 1.5·2^(mantissa bits) leaves no room for fractional bits.
                const MAGIC: $t = 1.5 * ((1_u64 << $mantissa_bits) as $t);
                s.$sub(s.$add(a, s.$splat(MAGIC)), s.$splat(MAGIC))
            }
            #[inline(always)]
            fn exp2_integral<S: Simd>(s: S, n: S::$register) -> S::$register {
                // The same magic number leaves n + bias in the low bits; a shift moves it into
                // the exponent field and drops the rest.
                const MAGIC: $t = 1.5 * ((1_u64 << $mantissa_bits) as $t) + $bias;
                let mut out = s.$add(n, s.$splat(MAGIC));
                let bits: &mut [$bits] = bytemuck::cast_slice_mut(std::slice::from_mut(&mut out));
                for b in bits {
                    *b <<= $mantissa_bits;
                }
                out
            }
            #[inline(always)]
            fn sum<S: Simd>(s: S, a: S::$register) -> Self {
                s.$sum(a)
            }
            #[inline(always)]
            fn sum_many<S: Simd>(s: S, registers: &[S::$register], sums: &mut [Self; MANY]) {
                #[cfg(target_arch = "x86_64")]
                if TypeId::of::<S>() == TypeId::of::<V4>() {
                    let mut padded = [s.$splat(0.0); MANY];
                    padded[..registers.len()].copy_from_slice(registers);
                    // SAFETY: S is V4, as just checked, so that both sides have one type.
                    unsafe {
                        let v4 = transmute_copy::<S, V4>(&s);
                        let padded = transmute_copy(&padded);
                        *sums = transmute_copy(&avx512::$many(v4, padded));
                    }
                    return;
                }
                for (sum, register) in sums.iter_mut().zip(registers) {
                    *sum = s.$sum(*register);
                }
            }
        }
    };
}

arithmetic!(
    f32,
    u32,
    23,
    127.0,
    f32s,
    m32s,
    splat_f32s,
    add_f32s,
    sub_f32s,
    mul_f32s,
    div_f32s,
    mul_add_e_f32s,
    and_f32s,
    or_f32s,
    xor_f32s,
    not_f32s,
    less_than_f32s,
    select_f32s,
    reduce_sum_f32s,
    sum_16_f32
);
arithmetic!(
    f64,
    u64,
    52,
    1023.0,
    f64s,
    m64s,
    splat_f64s,
    add_f64s,
    sub_f64s,
    mul_f64s,
    div_f64s,
    mul_add_e_f64s,
    and_f64s,
    or_f64s,
    xor_f64s,
    not_f64s,
    less_than_f64s,
    select_f64s,
    reduce_sum_f64s,
    sum_16_f64
);

/// Sums of many registers at once: each step adds halves of two registers into one, so that all
/// lanes keep working.
#[cfg(target_arch = "x86_64")]
mod avx512 {
    use std::arch::x86_64::{__m512, __m512d};

    use pulp::x86::V4;

    macro_rules! add_halves {
        ($f:ident, $a:expr, $b:expr, $add:ident, $low:ident, $high:ident $(, $l:literal, $h:literal)?) => {{
            let (a, b) = ($a, $b);
            $f.$add($f.$low$(::<$l>)?(a, b), $f.$high$(::<$h>)?(a, b))
        }};
    }

    /// The sums of 16 registers of 16 lanes, in their order: register 4q + n ends in quarter q of
    /// the result, at place n.
    #[inline(always)]
    pub(super) fn sum_16_f32(v4: V4, r: [__m512; 16]) -> __m512 {
        let f = v4.avx512f;
        macro_rules! halves {
            ($a:expr, $b:expr) => {
                add_halves!(
                    f,
                    $a,
                    $b,
                    _mm512_add_ps,
                    _mm512_shuffle_f32x4,
                    _mm512_shuffle_f32x4,
                    0x44,
                    0xEE
                )
            };
        }
        macro_rules! quarters {
            ($n:literal) => {{
                let (low, high) = (halves!(r[$n], r[$n + 4]), halves!(r[$n + 8], r[$n + 12]));
                add_halves!(
                    f,
                    low,
                    high,
                    _mm512_add_ps,
                    _mm512_shuffle_f32x4,
                    _mm512_shuffle_f32x4,
                    0x88,
                    0xDD
                )
            }};
        }
        let ab = add_halves!(
            f,
            quarters!(0),
            quarters!(1),
            _mm512_add_ps,
            _mm512_unpacklo_ps,
            _mm512_unpackhi_ps
        );
        let cd = add_halves!(
            f,
            quarters!(2),
            quarters!(3),
            _mm512_add_ps,
            _mm512_unpacklo_ps,
            _mm512_unpackhi_ps
        );
        add_halves!(f, ab, cd, _mm512_add_ps, _mm512_shuffle_ps, _mm512_shuffle_ps, 0x44, 0xEE)
    }

    /// The sums of 16 registers of 8 lanes, in their order: register 2q + n of each eight ends in
    /// quarter q of its result, at place n.
    #[inline(always)]
    pub(super) fn sum_16_f64(v4: V4, r: [__m512d; 16]) -> [__m512d; 2] {
        let f = v4.avx512f;
        macro_rules! halves {
            ($a:expr, $b:expr) => {
                add_halves!(
                    f,
                    $a,
                    $b,
                    _mm512_add_pd,
                    _mm512_shuffle_f64x2,
                    _mm512_shuffle_f64x2,
                    0x44,
                    0xEE
                )
            };
        }
        macro_rules! quarters {
            ($n:expr) => {{
                let (low, high) = (halves!(r[$n], r[$n + 2]), halves!(r[$n + 4], r[$n + 6]));
                add_halves!(
                    f,
                    low,
                    high,
                    _mm512_add_pd,
                    _mm512_shuffle_f64x2,
                    _mm512_shuffle_f64x2,
                    0x88,
                    0xDD
                )
            }};
        }
        macro_rules! eight {
            ($n:literal) => {
                add_halves!(
                    f,
                    quarters!($n),
                    quarters!($n + 1),
                    _mm512_add_pd,
                    _mm512_unpacklo_pd,
                    _mm512_unpackhi_pd
                )
            };
        }
        [eight!(0), eight!(8)]
    }
}

/// One SIMD register of `T` in the instruction set `S`.
#[derive(Clone, Copy, Debug)]
pub struct Lanes<S: Simd, T: Real> {
    simd: S,
    register: T::Register<S>,
}

/// Number of lanes of one register.
#[inline(always)]
pub const fn lane_count<S: Simd, T: Real>() -> usize {
    size_of::<T::Register<S>>() / size_of::<T>()
}

impl<S: Simd, T: Real> Lanes<S, T> {
    /// All lanes equal to `value`.
    #[inline(always)]
    pub fn splat(simd: S, value: T) -> Self {
        Self { simd, register: T::splat(simd, value) }
    }

    /// All lanes equal to the `f64` constant, rounded to `T`.
    #[inline(always)]
    pub fn constant(simd: S, value: f64) -> Self {
        Self::splat(simd, T::from_f64(value))
    }

    /// Loads one register from memory.
    ///
    /// # Safety
    /// `source` must be valid for reading one register of lanes; no alignment is needed.
    #[inline(always)]
    pub unsafe fn load(simd: S, source: *const T) -> Self {
        // SAFETY: the caller vouches for the memory; every bit pattern is a register (Pod).
        let register = unsafe { source.cast::<T::Register<S>>().read_unaligned() };
        Self { simd, register }
    }

    /// Stores one register to memory.
    ///
    /// # Safety
    /// `target` must be valid for writing one register of lanes; no alignment is needed.
    #[inline(always)]
    pub unsafe fn store(self, target: *mut T) {
        // SAFETY: the caller vouches for the memory.
        unsafe { target.cast::<T::Register<S>>().write_unaligned(self.register) }
    }

    /// The lanes as a slice.
    #[inline(always)]
    pub fn as_mut_slice(&mut self) -> &mut [T] {
        bytemuck::cast_slice_mut(std::slice::from_mut(&mut self.register))
    }

    /// self·b + c, rounded once where the instruction set can.
    #[inline(always)]
    pub fn mul_add(self, b: Self, c: Self) -> Self {
        self.with(T::fma(self.simd, self.register, b.register, c.register))
    }

    /// |self|.
    #[inline(always)]
    pub fn abs(self) -> Self {
        self.with(T::abs(self.simd, self.register))
    }

    /// |self| with the sign of `sign`.
    #[inline(always)]
    pub fn copy_sign(self, sign: Self) -> Self {
        self.with(T::copy_sign(self.simd, self.register, sign.register))
    }

    /// `yes` in the lanes where self < limit, else `no` (also where either is NaN).
    #[inline(always)]
    pub fn if_less(self, limit: Self, yes: Self, no: Self) -> Self {
        let mask = T::less(self.simd, self.register, limit.register);
        self.with(T::select(self.simd, mask, yes.register, no.register))
    }

    /// The smaller of self and `limit`; NaN in self stays NaN on every instruction set.
    #[inline(always)]
    pub fn at_most(self, limit: Self) -> Self {
        limit.if_less(self, limit, self)
    }

    /// The larger of self and `limit`; NaN in self stays NaN on every instruction set.
    #[inline(always)]
    pub fn at_least(self, limit: Self) -> Self {
        self.if_less(limit, limit, self)
    }

    /// The nearest integer (ties to even) of a value well inside the mantissa's range.
    #[inline(always)]
    pub fn round(self) -> Self {
        self.with(T::round(self.simd, self.register))
    }

    /// 2ⁿ where self = n is integral and 2ⁿ is a normal number.
    #[inline(always)]
    pub fn exp2_integral(self) -> Self {
        self.with(T::exp2_integral(self.simd, self.register))
    }

    /// The sum of all lanes, in an order that depends on the instruction set only.
    #[inline(always)]
    pub fn sum(self) -> T {
        T::sum(self.simd, self.register)
    }

    /// The sums of the lanes of up to [`MANY`] registers; the rest of the result is not specified.
    #[inline(always)]
    pub fn sum_many<const N: usize>(simd: S, registers: [Self; N]) -> [T; MANY] {
        let mut sums = [T::ZERO; MANY];
        T::sum_many(simd, &registers.map(|lanes| lanes.register), &mut sums);
        sums
    }

    /// The instruction set.
    #[inline(always)]
    pub fn simd(self) -> S {
        self.simd
    }

    #[inline(always)]
    fn with(self, register: T::Register<S>) -> Self {
        Self { simd: self.simd, register }
    }
}

macro_rules! operator {
    ($trait:ident, $method:ident) => {
        impl<S: Simd, T: Real> $trait for Lanes<S, T> {
            type Output = Self;
            #[inline(always)]
            fn $method(self, other: Self) -> Self {
                self.with(<T as Arithmetic>::$method(self.simd, self.register, other.register))
            }
        }
    };
}
operator!(Add, add);
operator!(Sub, sub);
operator!(Mul, mul);
operator!(Div, div);

impl<S: Simd, T: Real> Neg for Lanes<S, T> {
    type Output = Self;
    #[inline(always)]
    fn neg(self) -> Self {
        self.with(<T as Arithmetic>::neg(self.simd, self.register))
    }
}

#[cfg(test)]
mod tests {
    use pulp::{Arch, WithSimd};

    use super::*;
    use crate::InstructionSet;

    struct Sums<'a, T>(&'a [T], &'a mut [T; MANY]);

    impl<T: Real> WithSimd for Sums<'_, T> {
        type Output = ();
        #[inline(always)]
        fn with_simd<S: Simd>(self, simd: S) {
            let lanes = lane_count::<S, T>();
            let registers: [_; MANY] = std::array::from_fn(|i| {
                // SAFETY: the slice holds 16 rows of 16 lanes.
                unsafe { Lanes::<S, T>::load(simd, self.0[i * 16..][..lanes].as_ptr()) }
            });
            *self.1 = Lanes::sum_many(simd, registers);
        }
    }

    fn sums_are_right<T: Real>(arch: Arch, lanes: usize) {
        // Distinct powers of two would overflow; distinct integers sum exactly.
        let values: Vec<T> = (0..256).map(|i| T::from_f64(f64::from(i * i % 101))).collect();
        let mut found = [T::ZERO; MANY];
        arch.dispatch(Sums(&values, &mut found));
        for (i, found) in found.iter().enumerate() {
            let expected: f64 = values[i * 16..][..lanes].iter().map(|v| v.to_f64()).sum();
            assert_eq!(found.to_f64(), expected, "register {i}");
        }
    }

    #[test]
    fn many_sums_come_out_in_order() {
        for set in InstructionSet::available() {
            let bytes = match set.to_string().as_str() {
                "AVX-512" => 64,
                "AVX2" => 32,
                "NEON" => 16,
                _ => 0,
            };
            sums_are_right::<f32>(set.arch(), (bytes / 4).max(1));
            sums_are_right::<f64>(set.arch(), (bytes / 8).max(1));
        }
    }
}
