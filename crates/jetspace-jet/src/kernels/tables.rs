//! Tables of composition rules: those that the compiler unrolls, and the general one.
//!
//! Everything is flat, so that a loop over a constant table has a constant length and a body
//! without inner loops: then the compiler unrolls it and nothing of the table is left at run time.

use crate::composition::{CompositionRule, Product};
use crate::multi_index::MAX_ORDER;
use crate::plan::MAX_COMPONENTS;

/// The products with one target and one order.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Group {
    pub target: u16,
    pub order: u8,
}

/// coefficient · ∏ z_factor, a summand of a group. Factor 0 stands for 1: the value itself is never
/// a factor.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Summand {
    pub group: u16,
    pub coefficient: f64,
    pub factors: [u16; MAX_ORDER],
}

/// ∂(group)/∂z_target has the summand coefficient · ∏ z_other. Factor 0 stands for 1.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Slope {
    pub group: u16,
    pub target: u16,
    pub coefficient: f64,
    pub others: [u16; MAX_ORDER - 1],
}

/// A composition rule as kernels read it.
pub trait Table: Copy {
    /// Whether there is at most one adjoint channel, so that loops over them vanish.
    const SINGLE_OUTPUT: bool;
    fn carried(&self) -> usize;
    fn groups(&self) -> &[Group];
    fn summands(&self) -> &[Summand];
    fn slopes(&self) -> &[Slope];
    /// Highest order of a group, at least 1 (the linear part).
    #[inline(always)]
    fn order(&self) -> usize {
        let mut order = 1;
        for group in self.groups() {
            if group.order as usize > order {
                order = group.order as usize;
            }
        }
        order
    }
}

/// Groups and summands of sorted products.
fn groups(products: &[Product]) -> (Vec<Group>, Vec<Summand>) {
    let mut groups: Vec<Group> = Vec::new();
    let summands = products.iter().map(|p| {
        let group = Group { target: p.target, order: p.order };
        if groups.last() != Some(&group) {
            groups.push(group);
        }
        let group = u16::try_from(groups.len() - 1).unwrap_or(u16::MAX);
        // Unused factors, which stand for 1, go first.
        let mut factors = p.factors;
        factors.rotate_right(MAX_ORDER - usize::from(p.order));
        Summand { group, coefficient: p.coefficient, factors }
    });
    let summands = summands.collect();
    (groups, summands)
}

/// The derivative of each summand by each of its different factors. Returns how many there are.
const fn differentiate(summands: &[Summand], out: &mut [Slope]) -> usize {
    let (mut count, mut s) = (0, 0);
    while s < summands.len() {
        let Summand { group, coefficient, factors } = summands[s];
        let mut f = 0;
        while f < MAX_ORDER {
            // Equal factors stand together: differentiate by the first, times their number.
            if factors[f] != 0 && (f == 0 || factors[f - 1] != factors[f]) {
                let mut others = [0; MAX_ORDER - 1];
                let (mut other, mut at, mut multiplicity) = (0, 0, 0.0);
                while other < MAX_ORDER {
                    if factors[other] == factors[f] {
                        multiplicity += 1.0;
                    }
                    if other != f {
                        others[at] = factors[other];
                        at += 1;
                    }
                    other += 1;
                }
                let coefficient = coefficient * multiplicity;
                out[count] = Slope { group, target: factors[f], coefficient, others };
                count += 1;
            }
            f += 1;
        }
        s += 1;
    }
    count
}

const NO_SLOPE: Slope = Slope { group: 0, target: 0, coefficient: 0.0, others: [0; 3] };

/// A table in memory.
#[derive(Clone, Debug)]
pub struct General {
    carried: usize,
    groups: Vec<Group>,
    summands: Vec<Summand>,
    slopes: Vec<Slope>,
}

impl Table for &General {
    const SINGLE_OUTPUT: bool = false;

    #[inline(always)]
    fn carried(&self) -> usize {
        self.carried
    }
    #[inline(always)]
    fn groups(&self) -> &[Group] {
        &self.groups
    }
    #[inline(always)]
    fn summands(&self) -> &[Summand] {
        &self.summands
    }
    #[inline(always)]
    fn slopes(&self) -> &[Slope] {
        &self.slopes
    }
}

const fn group(target: u16, order: u8) -> Group {
    Group { target, order }
}

const fn summand(group: u16, coefficient: f64, factors: [u16; MAX_ORDER]) -> Summand {
    Summand { group, coefficient, factors }
}

macro_rules! constant_tables {
    ($($(#[$doc:meta])* $name:ident: $carried:literal carried,
        [$($group:expr),* $(,)?], [$($summand:expr),* $(,)?];)+) => {
        $(
            $(#[$doc])*
            #[derive(Clone, Copy, Debug)]
            pub struct $name;

            impl $name {
                const GROUPS: &'static [Group] = &[$($group),*];
                const SUMMANDS: &'static [Summand] = &[$($summand),*];
                const SLOPES: ([Slope; MAX_ORDER * 3], usize) = {
                    let mut slopes = [NO_SLOPE; MAX_ORDER * 3];
                    let count = differentiate(Self::SUMMANDS, &mut slopes);
                    (slopes, count)
                };
            }

            impl Table for $name {
                const SINGLE_OUTPUT: bool = true;

                #[inline(always)]
                fn carried(&self) -> usize {
                    $carried
                }
                #[inline(always)]
                fn groups(&self) -> &[Group] {
                    Self::GROUPS
                }
                #[inline(always)]
                fn summands(&self) -> &[Summand] {
                    Self::SUMMANDS
                }
                #[inline(always)]
                fn slopes(&self) -> &[Slope] {
                    const { Self::SLOPES.0.split_at(Self::SLOPES.1).0 }
                }
            }
        )+

        /// Which table a rule uses.
        #[derive(Clone, Debug)]
        pub enum TableChoice {
            $($name,)+
            /// Any rule, up to 16 components and groups.
            Small(General),
            /// Any rule, up to 64.
            Medium(General),
            /// Any rule at all that fits the arrays of the largest instance.
            Large(General),
        }

        impl TableChoice {
            /// The constant table that equals the rule, or a general one. Constant tables are for
            /// at most one adjoint channel.
            pub fn new(rule: &CompositionRule, adjoint_channels: usize) -> Self {
                let (groups, summands) = groups(&rule.products);
                $(
                    if adjoint_channels <= 1
                        && rule.carried == $carried
                        && groups == $name::GROUPS
                        && summands == $name::SUMMANDS
                    {
                        return Self::$name;
                    }
                )+
                let size = groups.len().max(rule.carried + rule.read_off);
                let mut slopes = vec![NO_SLOPE; MAX_ORDER * summands.len()];
                let count = differentiate(&summands, &mut slopes);
                slopes.truncate(count);
                let general = General { carried: rule.carried, groups, summands, slopes };
                match size {
                    0..=16 => Self::Small(general),
                    17..=64 => Self::Medium(general),
                    _ => Self::Large(general),
                }
            }
        }

        /// Evaluates an expression with `table` bound to the chosen table and C, G to the sizes of
        /// the arrays that it needs.
        macro_rules! with_table {
            ($choice:expr, |$table:ident, $c:ident, $g:ident| $body:expr) => {
                match $choice {
                    $($crate::kernels::tables::TableChoice::$name => {
                        let $table = $crate::kernels::tables::$name;
                        const $c: usize = 8;
                        const $g: usize = 8;
                        $body
                    })+
                    $crate::kernels::tables::TableChoice::Small($table) => {
                        const $c: usize = 16;
                        const $g: usize = 16;
                        $body
                    }
                    $crate::kernels::tables::TableChoice::Medium($table) => {
                        const $c: usize = 64;
                        const $g: usize = 64;
                        $body
                    }
                    $crate::kernels::tables::TableChoice::Large($table) => {
                        const $c: usize = $crate::kernels::tables::LARGEST;
                        const $g: usize = $crate::kernels::tables::LARGEST;
                        $body
                    }
                }
            };
        }
    };
}

/// Components, and groups, of the largest table: a component has at most one group per order 2, 3, 4.
pub const LARGEST: usize = 3 * MAX_COMPONENTS;

constant_tables! {
    /// The value alone (read-off components of first order need no products).
    Value: 1 carried, [], [];
    /// u, u_x.
    First1: 2 carried, [], [];
    /// u, u_x, u_y.
    First2: 3 carried, [], [];
    /// u, u_x, u_y, u_z.
    First3: 4 carried, [], [];
    /// u, u_x, u_xx.
    Second1: 3 carried, [group(2, 2)], [summand(0, 1.0, [0, 0, 1, 1])];
    /// u, ∇u, Δu in two dimensions.
    Laplacian2: 4 carried, [group(3, 2)], [
        summand(0, 1.0, [0, 0, 1, 1]),
        summand(0, 1.0, [0, 0, 2, 2]),
    ];
    /// u, ∇u, Δu in three dimensions.
    Laplacian3: 5 carried, [group(4, 2)], [
        summand(0, 1.0, [0, 0, 1, 1]),
        summand(0, 1.0, [0, 0, 2, 2]),
        summand(0, 1.0, [0, 0, 3, 3]),
    ];
    /// u, ∇u carried; u_xx, u_xy, u_yy read off.
    Hessian2: 3 carried, [group(3, 2), group(4, 2), group(5, 2)], [
        summand(0, 1.0, [0, 0, 1, 1]),
        summand(1, 1.0, [0, 0, 1, 2]),
        summand(2, 1.0, [0, 0, 2, 2]),
    ];
    /// u, u_x, u_xx carried; u_t and u_xxx read off (t before x).
    ThirdAndTime: 3 carried, [group(2, 2), group(4, 2), group(4, 3)], [
        summand(0, 1.0, [0, 0, 1, 1]),
        summand(1, 3.0, [0, 0, 1, 2]),
        summand(2, 1.0, [0, 1, 1, 1]),
    ];
}

pub(crate) use with_table;

#[cfg(test)]
mod tests {
    use super::*;
    use crate::JetSet;
    use crate::composition::depended_on;
    use crate::multi_index::MultiIndex;

    #[test]
    fn common_rules_have_constant_tables() {
        let jets = |d| JetSet::new(d).unwrap();
        let all =
            |set: &JetSet| TableChoice::new(&CompositionRule::new(set, &vec![true; set.len()]), 0);
        let read_off =
            |set: &JetSet| TableChoice::new(&CompositionRule::new(set, &depended_on(set)), 1);
        assert!(matches!(all(&jets(2)), TableChoice::Value));
        assert!(matches!(all(&jets(2).with_order(1).unwrap()), TableChoice::First2));
        assert!(matches!(all(&jets(1).with_order(2).unwrap()), TableChoice::Second1));
        assert!(matches!(all(&jets(2).with_laplacian(&[0, 1]).unwrap()), TableChoice::Laplacian2));
        assert!(matches!(
            all(&jets(3).with_laplacian(&[0, 1, 2]).unwrap()),
            TableChoice::Laplacian3
        ));
        assert!(matches!(read_off(&jets(2).with_order(1).unwrap()), TableChoice::Value));
        assert!(matches!(read_off(&jets(2).with_order(2).unwrap()), TableChoice::Hessian2));
        let kdv = jets(2).with_order(1).unwrap();
        let kdv = kdv.with_derivative(MultiIndex::new(&[0, 3]).unwrap()).unwrap();
        assert!(matches!(read_off(&kdv), TableChoice::ThirdAndTime));
        assert!(matches!(all(&jets(2).with_order(2).unwrap()), TableChoice::Small(_)));
    }

    #[test]
    fn the_largest_rule_fits_the_largest_instance() {
        let set = JetSet::new(8).unwrap().with_order(4).unwrap();
        let rule = CompositionRule::new(&set, &vec![true; set.len()]);
        assert!(groups(&rule.products).0.len() <= LARGEST);
        assert!(matches!(TableChoice::new(&rule, 0), TableChoice::Large(_)));
    }
}
