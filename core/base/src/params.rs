//! Parameters that describe themselves: `params!` makes the struct, its decoder and its schema.

use crate::{Record, Type, Value};

/// The numbers that a parameter may be.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Interval {
    /// Least value.
    pub min: f64,
    /// Greatest value.
    pub max: f64,
    /// Whether `max` itself is left out.
    pub open: bool,
}

impl Interval {
    /// Whether `x` lies in it.
    pub fn contains(&self, x: f64) -> bool {
        x >= self.min && if self.open { x < self.max } else { x <= self.max }
    }
}

impl std::fmt::Display for Interval {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let dots = if self.open { ".." } else { "..=" };
        match (self.min.is_finite(), self.max.is_finite()) {
            (true, true) => write!(f, "{}{dots}{}", self.min, self.max),
            (true, false) => write!(f, "{}..", self.min),
            (false, true) => write!(f, "{dots}{}", self.max),
            (false, false) => f.write_str(".."),
        }
    }
}

impl From<std::ops::Range<f64>> for Interval {
    fn from(r: std::ops::Range<f64>) -> Self {
        Self { min: r.start, max: r.end, open: true }
    }
}

impl From<std::ops::RangeInclusive<f64>> for Interval {
    fn from(r: std::ops::RangeInclusive<f64>) -> Self {
        Self { min: *r.start(), max: *r.end(), open: false }
    }
}

impl From<std::ops::RangeInclusive<i32>> for Interval {
    fn from(r: std::ops::RangeInclusive<i32>) -> Self {
        Self { min: *r.start() as f64, max: *r.end() as f64, open: false }
    }
}

impl From<std::ops::Range<i32>> for Interval {
    fn from(r: std::ops::Range<i32>) -> Self {
        Self { min: r.start as f64, max: r.end as f64, open: true }
    }
}

impl From<std::ops::RangeFrom<i32>> for Interval {
    fn from(r: std::ops::RangeFrom<i32>) -> Self {
        Self { min: r.start as f64, max: f64::INFINITY, open: false }
    }
}

impl From<std::ops::RangeFrom<f64>> for Interval {
    fn from(r: std::ops::RangeFrom<f64>) -> Self {
        Self { min: r.start, max: f64::INFINITY, open: false }
    }
}

/// One parameter of a stage, as `runpipe stages describe` shows it.
#[derive(Debug, Clone, PartialEq)]
pub struct ParamSpec {
    /// Name.
    pub name: String,
    /// Type.
    pub ty: Type,
    /// What it is when it is not given; without one it must be given.
    pub default: Option<Value>,
    /// The numbers it may be (for a list: each of them).
    pub interval: Option<Interval>,
    /// The values it may be (for a list: each of them); empty for any.
    pub allowed: Vec<Value>,
    /// Unit of a bare number.
    pub unit: Option<String>,
    /// What it does, from its doc comment.
    pub doc: String,
}

/// A parameter is wrong.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
pub enum ParamError {
    /// There is no parameter of that name.
    #[error("no parameter `{0}`")]
    Unknown(String),
    /// It has no default and was not given.
    #[error("parameter `{0}` must be given")]
    Missing(String),
    /// The value is not of its type.
    #[error("parameter `{name}`: {message}")]
    Type {
        /// The parameter.
        name: String,
        /// Expected, then found.
        message: String,
    },
    /// The number is not in its interval.
    #[error("parameter `{name}` must be in `{interval}`, found `{found}`")]
    Range {
        /// The parameter.
        name: String,
        /// What it may be.
        interval: String,
        /// What it is.
        found: String,
    },
}

impl ParamError {
    /// The name of the parameter that is wrong.
    pub fn name(&self) -> &str {
        match self {
            Self::Unknown(name)
            | Self::Missing(name)
            | Self::Type { name, .. }
            | Self::Range { name, .. } => name,
        }
    }
}

impl ParamSpec {
    /// Makes `value` a value of this parameter.
    ///
    /// # Errors
    /// [`ParamError::Type`] or [`ParamError::Range`].
    pub fn check(&self, value: Value) -> Result<Value, ParamError> {
        let value = self
            .ty
            .coerce(value)
            .map_err(|e| ParamError::Type { name: self.name.clone(), message: e.to_string() })?;
        if let Some(interval) = &self.interval
            && let Some(found) = outside(interval, &value)
        {
            let interval = interval.to_string();
            return Err(ParamError::Range { name: self.name.clone(), interval, found });
        }
        if let Some(found) = self.unlisted(&value) {
            let interval = Value::List(self.allowed.clone()).to_string();
            return Err(ParamError::Range { name: self.name.clone(), interval, found: found.to_string() });
        }
        Ok(value)
    }

    /// The first value that is not among those allowed.
    fn unlisted<'v>(&self, value: &'v Value) -> Option<&'v Value> {
        match value {
            Value::None => None,
            Value::List(items) => items.iter().find_map(|item| self.unlisted(item)),
            value => (!self.allowed.is_empty() && !self.allowed.contains(value)).then_some(value),
        }
    }

    /// Checks all of `given` against `schema` and fills in defaults; reports every mistake.
    ///
    /// # Errors
    /// All that is unknown, missing, of a wrong type or out of range.
    pub fn fill(schema: &[Self], mut given: Record) -> Result<Record, Vec<ParamError>> {
        let (mut record, mut errors) = (Record::new(), Vec::new());
        for spec in schema {
            match (given.remove(&spec.name), &spec.default) {
                (Some(value), _) => match spec.check(value) {
                    Ok(value) => {
                        record.insert(spec.name.clone(), value);
                    }
                    Err(error) => errors.push(error),
                },
                (None, Some(default)) => {
                    record.insert(spec.name.clone(), default.clone());
                }
                (None, None) => errors.push(ParamError::Missing(spec.name.clone())),
            }
        }
        errors.extend(given.into_keys().map(ParamError::Unknown));
        if errors.is_empty() { Ok(record) } else { Err(errors) }
    }
}

/// The first number in `value` that lies outside.
fn outside(interval: &Interval, value: &Value) -> Option<String> {
    let bad = |x: f64| (!interval.contains(x)).then(|| value.to_string());
    match value {
        Value::Int(i) => bad(*i as f64),
        Value::Float(x) => bad(*x),
        Value::Duration(ms) => bad(*ms as f64 / 1000.0),
        Value::Size(bytes) => bad(*bytes as f64),
        Value::List(items) => items.iter().find_map(|item| outside(interval, item)),
        _ => None,
    }
}

/// A Rust type that a parameter can have.
pub trait FromRecord: Sized {
    /// The type as a user writes it.
    fn ty() -> Type;
    /// The value as it stands in a record.
    fn into_value(self) -> Value;
    /// Reads a value that [`Type::coerce`] has passed.
    fn from_value(value: &Value) -> Option<Self>;
}

macro_rules! from_record {
    ($($rust:ty, $ty:expr, $variant:ident;)*) => {$(
        impl FromRecord for $rust {
            fn ty() -> Type {
                $ty
            }
            fn into_value(self) -> Value {
                Value::$variant(self.into())
            }
            fn from_value(value: &Value) -> Option<Self> {
                match value {
                    Value::$variant(x) => x.clone().try_into().ok(),
                    _ => None,
                }
            }
        }
    )*};
}

from_record! {
    bool, Type::Bool, Bool;
    i64, Type::Int, Int;
    i32, Type::Int, Int;
    u32, Type::Int, Int;
    f64, Type::Float, Float;
    String, Type::Str, Str;
}

impl FromRecord for usize {
    fn ty() -> Type {
        Type::Int
    }
    fn into_value(self) -> Value {
        Value::Int(self as i64)
    }
    fn from_value(value: &Value) -> Option<Self> {
        match value {
            Value::Int(i) => Self::try_from(*i).ok(),
            _ => None,
        }
    }
}

impl FromRecord for u64 {
    fn ty() -> Type {
        Type::Int
    }
    fn into_value(self) -> Value {
        Value::Int(self as i64)
    }
    fn from_value(value: &Value) -> Option<Self> {
        match value {
            Value::Int(i) => Self::try_from(*i).ok(),
            _ => None,
        }
    }
}

impl FromRecord for f32 {
    fn ty() -> Type {
        Type::Float
    }
    fn into_value(self) -> Value {
        // The shortest decimal that reads back as the same f32: `1e-3`, not `0.0010000000474974513`.
        Value::Float(self.to_string().parse().unwrap_or(f64::from(self)))
    }
    fn from_value(value: &Value) -> Option<Self> {
        match value {
            Value::Float(x) => Some(*x as f32),
            _ => None,
        }
    }
}

impl FromRecord for std::path::PathBuf {
    fn ty() -> Type {
        Type::Path
    }
    fn into_value(self) -> Value {
        Value::Path(self.to_string_lossy().into_owned())
    }
    fn from_value(value: &Value) -> Option<Self> {
        match value {
            Value::Path(p) => Some(Self::from(p)),
            _ => None,
        }
    }
}

impl<T: FromRecord> FromRecord for Vec<T> {
    fn ty() -> Type {
        Type::List(Box::new(T::ty()))
    }
    fn into_value(self) -> Value {
        Value::List(self.into_iter().map(T::into_value).collect())
    }
    fn from_value(value: &Value) -> Option<Self> {
        match value {
            Value::List(items) => items.iter().map(T::from_value).collect(),
            _ => None,
        }
    }
}

impl<T: FromRecord> FromRecord for Option<T> {
    fn ty() -> Type {
        Type::Optional(Box::new(T::ty()))
    }
    fn into_value(self) -> Value {
        self.map_or(Value::None, T::into_value)
    }
    fn from_value(value: &Value) -> Option<Self> {
        match value {
            Value::None => Some(None),
            other => T::from_value(other).map(Some),
        }
    }
}

/// Builds one [`ParamSpec`]; `params!` calls it, people do not.
#[doc(hidden)]
pub fn schema_param<T: FromRecord>(
    name: &str,
    default: Option<T>,
    interval: Option<Interval>,
    unit: Option<&str>,
    doc: &[&str],
) -> ParamSpec {
    ParamSpec {
        name: name.to_owned(),
        ty: T::ty(),
        default: default.map(T::into_value),
        interval,
        allowed: Vec::new(),
        unit: unit.map(str::to_owned),
        doc: doc.iter().map(|line| line.trim()).collect::<Vec<_>>().join(" ").trim().to_owned(),
    }
}

/// Declares the parameters of a stage: the struct, its decoder and its schema in one place.
///
/// A field is `name: Type`, then optionally `= default`, `in range` and `unit "…"`; its doc comment is the user's
/// documentation. Choices are enums made by [`choice!`](crate::choice).
///
/// ```
/// runpipe_base::params! {
///     /// Parameters of a trainer.
///     pub struct Train {
///         /// Peak learning rate.
///         lr: f32 = 1e-3, in 0.0..=1.0;
///         /// Passes over the corpus.
///         epochs: u32 = 10, in 1..=1000, unit "epochs";
///         /// One random stream a purpose is derived from it.
///         seed: u64;
///     }
/// }
/// use runpipe_base::{Params, Record, Value};
/// let record = Record::from([("seed".to_owned(), Value::Int(3))]);
/// let train = Train::decode(&record).expect("all other parameters have defaults");
/// assert_eq!((train.epochs, train.seed), (10, 3));
/// ```
#[macro_export]
macro_rules! params {
    ($(#[$meta:meta])* $vis:vis struct $name:ident {
        $($(#[doc = $doc:literal])* $field:ident : $ty:ty $(= $default:expr)? $(, in $range:expr)? $(, unit $unit:literal)? ;)*
    }) => {
        $(#[$meta])*
        #[derive(Debug, Clone, PartialEq)]
        $vis struct $name { $($(#[doc = $doc])* pub $field: $ty,)* }

        impl $crate::Params for $name {
            fn schema() -> ::std::vec::Vec<$crate::ParamSpec> {
                ::std::vec![$({
                    #[allow(unused_mut, unused_assignments)]
                    let mut default: ::std::option::Option<$ty> = ::std::option::Option::None;
                    $(default = ::std::option::Option::Some($default);)?
                    #[allow(unused_mut, unused_assignments)]
                    let mut interval: ::std::option::Option<$crate::Interval> = ::std::option::Option::None;
                    $(interval = ::std::option::Option::Some(::std::convert::Into::into($range));)?
                    #[allow(unused_mut, unused_assignments)]
                    let mut unit: ::std::option::Option<&str> = ::std::option::Option::None;
                    $(unit = ::std::option::Option::Some($unit);)?
                    $crate::schema_param::<$ty>(stringify!($field), default, interval, unit, &[$($doc),*])
                }),*]
            }

            fn from_filled(record: &$crate::Record) -> ::std::option::Option<Self> {
                ::std::option::Option::Some(Self {
                    $($field: <$ty as $crate::FromRecord>::from_value(record.get(stringify!($field))?)?,)*
                })
            }
        }
    };
}

/// Declares a parameter that is one of a few words.
///
/// ```
/// runpipe_base::choice! {
///     /// Where a word's tag is read.
///     pub enum Site {
///         /// At the word's first subword.
///         Tokcls = "tokcls",
///         /// At a mask before the word.
///         Prepend = "prepend",
///     }
/// }
/// assert_eq!(Site::Prepend.as_str(), "prepend");
/// ```
#[macro_export]
macro_rules! choice {
    ($(#[$meta:meta])* $vis:vis enum $name:ident { $($(#[$vmeta:meta])* $variant:ident = $word:literal),* $(,)? }) => {
        $(#[$meta])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
        $vis enum $name { $($(#[$vmeta])* $variant),* }

        impl $name {
            /// The word as a user writes it.
            pub const fn as_str(self) -> &'static str {
                match self { $(Self::$variant => $word),* }
            }
        }

        impl $crate::FromRecord for $name {
            fn ty() -> $crate::Type {
                $crate::Type::Choice(::std::vec![$($word.to_owned()),*])
            }
            fn into_value(self) -> $crate::Value {
                $crate::Value::Str(self.as_str().to_owned())
            }
            fn from_value(value: &$crate::Value) -> ::std::option::Option<Self> {
                match value {
                    $crate::Value::Str(s) => match s.as_str() { $($word => ::std::option::Option::Some(Self::$variant),)* _ => ::std::option::Option::None },
                    _ => ::std::option::Option::None,
                }
            }
        }
    };
}

/// Parameters of a stage; made by [`params!`](crate::params).
pub trait Params: Sized {
    /// What the parameters are.
    fn schema() -> Vec<ParamSpec>;

    /// Reads a record that [`ParamSpec::fill`] has filled; `None` when a number does not fit its Rust type.
    fn from_filled(record: &Record) -> Option<Self>;

    /// Checks `record`, fills in defaults and reads it.
    ///
    /// # Errors
    /// All that is wrong with it.
    fn decode(record: &Record) -> Result<Self, Vec<ParamError>> {
        let filled = ParamSpec::fill(&Self::schema(), record.clone())?;
        Self::from_filled(&filled).ok_or_else(|| {
            let numbers = filled
                .iter()
                .filter_map(|(name, v)| if let Value::Int(i) = v { Some((name, *i)) } else { None });
            // A negative number first, else the largest: nothing else fails to fit.
            let (name, found) = numbers
                .max_by_key(|(_, i)| *i as u64)
                .map_or((String::new(), 0), |(name, i)| (name.clone(), i));
            let interval = if found < 0 { "0.." } else { "0..=4294967295" };
            vec![ParamError::Range { name, interval: interval.into(), found: found.to_string() }]
        })
    }
}

/// A stage without parameters.
impl Params for () {
    fn schema() -> Vec<ParamSpec> {
        Vec::new()
    }
    fn from_filled(_: &Record) -> Option<Self> {
        Some(())
    }
}
