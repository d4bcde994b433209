//! Tables of composition rules: those that the compiler unrolls, and the general one.

use crate::composition::{CompositionRule, Product};

/// The products with one target and one order.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Group {
    pub target: u16,
    pub order: u8,
    pub from: u16,
    pub to: u16,
}

/// A composition rule as kernels read it.
pub trait Table: Copy {
    fn carried(&self) -> usize;
    fn groups(&self) -> &[Group];
    fn products(&self, group: &Group) -> &[Product];
}

/// Splits sorted products into groups.
fn group(products: &[Product]) -> Vec<Group> {
    let mut groups: Vec<Group> = Vec::new();
    for (i, p) in products.iter().enumerate() {
        let at = u16::try_from(i).unwrap_or(u16::MAX);
        match groups.last_mut() {
            Some(g) if (g.target, g.order) == (p.target, p.order) => g.to = at + 1,
            _ => groups.push(Group { target: p.target, order: p.order, from: at, to: at + 1 }),
        }
    }
    groups
}

/// A table in memory.
#[derive(Clone, Debug)]
pub struct General {
    carried: usize,
    groups: Vec<Group>,
    products: Vec<Product>,
}

impl Table for &General {
    #[inline(always)]
    fn carried(&self) -> usize {
        self.carried
    }
    #[inline(always)]
    fn groups(&self) -> &[Group] {
        &self.groups
    }
    #[inline(always)]
    fn products(&self, group: &Group) -> &[Product] {
        &self.products[usize::from(group.from)..usize::from(group.to)]
    }
}

const fn product(target: u16, order: u8, coefficient: f64, factors: [u16; 4]) -> Product {
    Product { target, order, coefficient, factors }
}

const fn span(target: u16, order: u8, from: u16, to: u16) -> Group {
    Group { target, order, from, to }
}

macro_rules! constant_tables {
    ($($(#[$doc:meta])* $name:ident: $carried:literal carried,
        [$($group:expr),* $(,)?], [$($product:expr),* $(,)?];)+) => {
        $(
            $(#[$doc])*
            #[derive(Clone, Copy, Debug)]
            pub struct $name;

            impl $name {
                const GROUPS: &'static [Group] = &[$($group),*];
                const PRODUCTS: &'static [Product] = &[$($product),*];
            }

            impl Table for $name {
                #[inline(always)]
                fn carried(&self) -> usize {
                    $carried
                }
                #[inline(always)]
                fn groups(&self) -> &[Group] {
                    Self::GROUPS
                }
                #[inline(always)]
                fn products(&self, group: &Group) -> &[Product] {
                    &Self::PRODUCTS[group.from as usize..group.to as usize]
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
            /// The constant table that equals the rule, or a general one.
            pub fn new(rule: &CompositionRule) -> Self {
                let groups = group(&rule.products);
                $(
                    if rule.carried == $carried
                        && rule.products == $name::PRODUCTS
                        && groups == $name::GROUPS
                    {
                        return Self::$name;
                    }
                )+
                let size = groups.len().max(rule.carried + rule.read_off);
                let general =
                    General { carried: rule.carried, groups, products: rule.products.clone() };
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

/// Components, and groups, of the largest table: 495 derivatives of order ≤ 4 in 8 variables have
/// at most 3 groups each.
pub const LARGEST: usize = 1536;

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
    Second1: 3 carried, [span(2, 2, 0, 1)], [product(2, 2, 1.0, [1, 1, 0, 0])];
    /// u, ∇u, Δu in two dimensions.
    Laplacian2: 4 carried, [span(3, 2, 0, 2)], [
        product(3, 2, 1.0, [1, 1, 0, 0]),
        product(3, 2, 1.0, [2, 2, 0, 0]),
    ];
    /// u, ∇u, Δu in three dimensions.
    Laplacian3: 5 carried, [span(4, 2, 0, 3)], [
        product(4, 2, 1.0, [1, 1, 0, 0]),
        product(4, 2, 1.0, [2, 2, 0, 0]),
        product(4, 2, 1.0, [3, 3, 0, 0]),
    ];
    /// u, ∇u carried; u_xx, u_xy, u_yy read off.
    Hessian2: 3 carried, [span(3, 2, 0, 1), span(4, 2, 1, 2), span(5, 2, 2, 3)], [
        product(3, 2, 1.0, [1, 1, 0, 0]),
        product(4, 2, 1.0, [1, 2, 0, 0]),
        product(5, 2, 1.0, [2, 2, 0, 0]),
    ];
    /// u, u_x, u_xx carried; u_t and u_xxx read off (t before x).
    ThirdAndTime: 3 carried, [span(2, 2, 0, 1), span(4, 2, 1, 2), span(4, 3, 2, 3)], [
        product(2, 2, 1.0, [1, 1, 0, 0]),
        product(4, 2, 3.0, [1, 2, 0, 0]),
        product(4, 3, 1.0, [1, 1, 1, 0]),
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
            |set: &JetSet| TableChoice::new(&CompositionRule::new(set, &vec![true; set.len()]));
        let read_off =
            |set: &JetSet| TableChoice::new(&CompositionRule::new(set, &depended_on(set)));
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
        assert!(group(&rule.products).len() <= LARGEST);
        assert!(matches!(TableChoice::new(&rule), TableChoice::Large(_)));
    }
}
