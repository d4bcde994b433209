//! What a problem file may contain, as serde reads it; `jetspace schema problem` is made from it.
//!
//! Nothing is checked here but types: see [`Problem`](crate::Problem).

use std::fmt;
use std::marker::PhantomData;
use std::num::NonZero;

use indexmap::IndexMap;
use jetspace_solve::{Ends, Limiter};
use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::de::value::{MapAccessDeserializer, SeqAccessDeserializer};
use serde::de::{self, Deserializer, MapAccess, SeqAccess, Unexpected, Visitor};
use serde::{Deserialize, Serialize, Serializer};
use toml::Spanned;

/// A name, and where it stands.
pub type Name = Spanned<String>;
/// A table in the order of the file.
pub type Table<V> = IndexMap<Name, V>;

/// Tables by name. By itself serde would take lists for them too, as their values in order.
pub(crate) fn tables<'de, D, V>(deserializer: D) -> Result<Table<V>, D::Error>
where
    D: Deserializer<'de>,
    V: Deserialize<'de>,
{
    struct NoList<V>(V);
    struct Keys<V>(PhantomData<V>);
    impl<'de, V: Deserialize<'de>> Visitor<'de> for Keys<V> {
        type Value = NoList<V>;
        fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            f.write_str("a map")
        }
        fn visit_map<M: MapAccess<'de>>(self, map: M) -> Result<NoList<V>, M::Error> {
            V::deserialize(MapAccessDeserializer::new(map)).map(NoList)
        }
    }
    impl<'de, V: Deserialize<'de>> Deserialize<'de> for NoList<V> {
        fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
            deserializer.deserialize_map(Keys(PhantomData))
        }
    }
    let tables = Table::<NoList<V>>::deserialize(deserializer)?;
    Ok(tables.into_iter().map(|(name, NoList(table))| (name, table)).collect())
}

/// What a formula is, as messages say it.
pub(crate) const FORMULA: &str = "a finite number or a formula in quotes";

/// A formula: a string, or a number for short.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Formula(pub String);

impl<'de> Deserialize<'de> for Formula {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Text;
        impl Visitor<'_> for Text {
            type Value = Formula;
            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(FORMULA)
            }
            fn visit_str<E: de::Error>(self, text: &str) -> Result<Formula, E> {
                Ok(Formula(text.to_owned()))
            }
            fn visit_i64<E: de::Error>(self, number: i64) -> Result<Formula, E> {
                Ok(Formula(number.to_string()))
            }
            fn visit_f64<E: de::Error>(self, number: f64) -> Result<Formula, E> {
                if !number.is_finite() {
                    return Err(E::invalid_value(Unexpected::Float(number), &self));
                }
                Ok(Formula(format!("{number:?}")))
            }
        }
        deserializer.deserialize_any(Text)
    }
}

impl Serialize for Formula {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&self.0)
    }
}

impl JsonSchema for Formula {
    fn schema_name() -> std::borrow::Cow<'static, str> {
        "Formula".into()
    }
    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({
            "description": "A formula such as \"sin(pi*x)\", or a number.",
            "type": ["string", "number"]
        })
    }
}

/// A problem: an equation, where it holds, and what is known about its solution.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
#[schemars(title = "Jetspace problem")]
pub struct ProblemFile {
    /// A line for lists and reports.
    pub title: String,
    /// What the problem is, where it comes from, and what its solution looks like.
    #[serde(default)]
    pub about: String,
    /// The inputs of the solution, in the order in which the network gets them.
    #[serde(deserialize_with = "tables")]
    #[schemars(with = "IndexMap<String, CoordinateFile>")]
    pub coordinates: Table<CoordinateFile>,
    /// The names of the unknown functions.
    #[schemars(with = "Vec<String>")]
    pub fields: Vec<Name>,
    /// Numbers that equations name; each may use those before it.
    #[serde(default)]
    #[schemars(with = "IndexMap<String, Formula>")]
    pub parameters: Table<Spanned<Formula>>,
    /// Numbers to be found together with the fields; the values are first guesses.
    #[serde(default)]
    #[schemars(with = "IndexMap<String, Formula>")]
    pub unknowns: Table<Spanned<Formula>>,
    /// Functions of the coordinates that equations name; each may use those before it.
    #[serde(default)]
    #[schemars(with = "IndexMap<String, String>")]
    pub functions: Table<Spanned<Formula>>,
    /// Manufactured sources: f = "heat" makes f the function with which the truth solves the
    /// equation called heat.
    #[serde(default)]
    #[schemars(with = "IndexMap<String, String>")]
    pub sources: Table<Spanned<String>>,
    /// What is measured at points and is no field; equations call it `data.NAME`.
    #[serde(default, deserialize_with = "tables")]
    #[schemars(with = "IndexMap<String, MeasuredFile>")]
    pub measured: Table<MeasuredFile>,
    /// What holds inside, as "left = right".
    #[schemars(with = "IndexMap<String, String>")]
    pub equations: Table<Spanned<Formula>>,
    /// How fast each coordinate changes, in terms of fields, their derivatives, coordinates and
    /// parameters: the coordinates are then a state that moves.
    #[serde(default)]
    #[schemars(with = "IndexMap<String, Formula>")]
    pub rates: Table<Spanned<Formula>>,
    /// What holds on sides, at the start, between the ends of a period, or at points.
    #[serde(default, deserialize_with = "tables")]
    #[schemars(with = "IndexMap<String, ConditionFile>")]
    pub conditions: Table<ConditionFile>,
    /// The solution in closed form, one formula per field; and the values of the unknowns, if they
    /// are known after all. Formulas may name unknowns: they mean these values.
    #[serde(default)]
    #[schemars(with = "IndexMap<String, Formula>")]
    pub truth: Table<Spanned<Formula>>,
    /// The solution where it is not known in closed form.
    #[schemars(with = "Option<ReferenceFile>")]
    pub reference: Option<Spanned<ReferenceFile>>,
}

/// A solution that is not known in closed form.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, tag = "kind", rename_all = "kebab-case")]
pub enum ReferenceFile {
    /// Solved by Fourier modes and ETDRK4: equations u_t = …, initial conditions u = …, periodic in
    /// space (or with a solution that is periodic, as of Burgers' equation from −sin πx).
    Fourier {
        /// Nodes along each space coordinate.
        nodes: Vec<NonZero<usize>>,
        /// Steps from the first to the last time.
        steps: NonZero<usize>,
    },
    /// Ordinary differential equations, solved by Runge–Kutta methods. Coordinates are time and
    /// any number of kind parameter, which equations and initial conditions may name.
    Ode {
        /// The error of a step relative to the solution, 1e-12 unless given: steps are as long as
        /// it allows (Dormand and Prince's pair 5(4)).
        tolerance: Option<f64>,
        /// Instead, steps of equal length from the first to the last time (the classical method of
        /// fourth order).
        steps: Option<NonZero<usize>>,
    },
    /// A conservation law u_t + div(flux) = source of one field, solved by finite volumes: cells
    /// around nodes, equal steps in time. A pair condition makes a coordinate periodic.
    FiniteVolume {
        /// What flows along each space coordinate, in terms of the field and the coordinates; found
        /// from the equation unless given, if its speeds are polynomials in the field.
        flux: Option<IndexMap<String, Formula>>,
        /// What is added per time; nothing if there is a flux and no source.
        source: Option<Formula>,
        /// Nodes along each space coordinate, both ends included.
        nodes: Vec<NonZero<usize>>,
        /// Steps from the first to the last time; nothing may move further than a cell in a step, or
        /// half of one with a limiter.
        steps: NonZero<usize>,
        /// How slopes within cells are limited.
        #[serde(default)]
        limiter: LimiterFile,
        /// What is at the ends of coordinates that are not periodic.
        #[serde(default)]
        ends: EndsFile,
    },
    /// A CSV or NPZ file with a column for each coordinate, each field, and any of their
    /// derivatives.
    File {
        /// The file, relative to the problem file.
        path: String,
    },
}

/// How slopes within cells are limited, so that no new extrema arise.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum LimiterFile {
    /// No slopes: the donor-cell scheme, of first order, with Euler's steps.
    None,
    /// The smaller of the slopes to both sides: careful, of second order.
    Minmod,
    /// The harmonic mean of the slopes to both sides: sharper, of second order.
    #[default]
    VanLeer,
}

/// What is at the ends of coordinates.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum EndsFile {
    /// What conditions say flows in; without one, anything flows out.
    #[default]
    Open,
    /// Nothing flows in or out.
    Closed,
}

impl From<LimiterFile> for Option<Limiter> {
    fn from(file: LimiterFile) -> Self {
        match file {
            LimiterFile::None => None,
            LimiterFile::Minmod => Some(Limiter::Minmod),
            LimiterFile::VanLeer => Some(Limiter::VanLeer),
        }
    }
}

impl From<EndsFile> for Ends {
    fn from(file: EndsFile) -> Self {
        match file {
            EndsFile::Open => Self::Open,
            EndsFile::Closed => Self::Closed,
        }
    }
}

/// A coordinate.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct CoordinateFile {
    /// Lower and upper end.
    #[schemars(with = "[Formula; 2]")]
    pub range: Spanned<Vec<Spanned<Formula>>>,
    /// What it is; "time" if it is called t, otherwise "space".
    pub kind: Option<Kind>,
    /// The unit, for axes.
    pub unit: Option<String>,
}

/// Something that is measured and is no field.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct MeasuredFile {
    /// What it truly is, in terms of coordinates, parameters and functions. Without it the points' file
    /// has a column of its name.
    #[schemars(with = "Option<Formula>")]
    pub truth: Option<Spanned<Formula>>,
}

/// What a coordinate is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Kind {
    /// It has a boundary, and the Laplacian sums over it.
    Space,
    /// It has a start.
    Time,
    /// A number that the model is to generalise over; derivatives by it are not data.
    Parameter,
}

impl Kind {
    /// As users write it.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Space => "space",
            Self::Time => "time",
            Self::Parameter => "parameter",
        }
    }
}

/// A condition. Exactly one of `on`, `pair` and `at` says where it holds.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ConditionFile {
    /// "boundary": all sides of the space coordinates; "initial": the start of time; "x.min" or
    /// "x.max": one side; "x = 1/2": a plane inside. Or a list of these.
    #[schemars(with = "Option<OnFile>")]
    pub on: Option<Spanned<OnFile>>,
    /// The coordinate whose two ends the condition ties: `u` is at the lower end, `other.u` at the
    /// upper.
    #[schemars(with = "Option<String>")]
    pub pair: Option<Spanned<String>>,
    /// Points, each with a number per coordinate.
    pub at: Option<Vec<Vec<f64>>>,
    /// What holds there, as "left = right".
    #[schemars(with = "Vec<String>")]
    pub require: Vec<Spanned<Formula>>,
    /// Why the truth does not fulfil it, where that is on purpose; then `check` does not ask it to.
    pub unmet: Option<String>,
}

/// Sides and planes: one, or a list.
#[derive(Clone, Debug, JsonSchema)]
#[schemars(untagged)]
pub enum OnFile {
    /// One name.
    One(String),
    /// Several.
    #[schemars(with = "Vec<String>")]
    Many(Vec<Spanned<String>>),
}

/// What sides are, as messages say it.
pub(crate) const SIDES: &str = "a side, or a list of sides";

impl<'de> Deserialize<'de> for OnFile {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Either;
        impl<'de> Visitor<'de> for Either {
            type Value = OnFile;
            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(SIDES)
            }
            fn visit_str<E: de::Error>(self, name: &str) -> Result<OnFile, E> {
                Ok(OnFile::One(name.to_owned()))
            }
            fn visit_seq<S: SeqAccess<'de>>(self, names: S) -> Result<OnFile, S::Error> {
                Vec::deserialize(SeqAccessDeserializer::new(names)).map(OnFile::Many)
            }
        }
        deserializer.deserialize_any(Either)
    }
}
