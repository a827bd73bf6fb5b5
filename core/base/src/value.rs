//! Values of the language and their types.

use std::collections::BTreeMap;
use std::fmt;

use serde::{Deserialize, Serialize};

/// Parameters by name, in the order of their names.
pub type Record = BTreeMap<String, Value>;

/// A value of the language.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Value {
    /// `none`.
    None,
    /// `true` or `false`.
    Bool(bool),
    /// A whole number.
    Int(i64),
    /// A number; never NaN.
    Float(f64),
    /// Text.
    Str(String),
    /// A file or folder, resolved against the place where it was written.
    Path(String),
    /// A length of time in milliseconds.
    Duration(u64),
    /// A number of bytes.
    Size(u64),
    /// Whole numbers from `start` up to, not including, `end`.
    Range {
        /// First number.
        start: i64,
        /// One past the last number.
        end: i64,
    },
    /// Values in order.
    List(Vec<Value>),
}

impl Value {
    /// The name of the value's type as a user writes it.
    pub fn type_name(&self) -> &'static str {
        match self {
            Self::None => "none",
            Self::Bool(_) => "bool",
            Self::Int(_) => "int",
            Self::Float(_) => "float",
            Self::Str(_) => "str",
            Self::Path(_) => "path",
            Self::Duration(_) => "duration",
            Self::Size(_) => "size",
            Self::Range { .. } => "range",
            Self::List(_) => "list",
        }
    }

    /// Adds the value to a hash; unlike values never add the same bytes.
    pub fn hash_into(&self, hasher: &mut crate::Hasher) {
        match self {
            Self::None => {
                hasher.u64(0);
            }
            Self::Bool(b) => {
                hasher.u64(1).u64(u64::from(*b));
            }
            Self::Int(i) => {
                hasher.u64(2).u64(*i as u64);
            }
            Self::Float(x) => {
                // -0.0 == 0.0 to a user.
                hasher.u64(3).u64(if *x == 0.0 { 0 } else { x.to_bits() });
            }
            Self::Str(s) => {
                hasher.u64(4).str(s);
            }
            Self::Path(p) => {
                hasher.u64(5).str(p);
            }
            Self::Duration(ms) => {
                hasher.u64(6).u64(*ms);
            }
            Self::Size(bytes) => {
                hasher.u64(7).u64(*bytes);
            }
            Self::Range { start, end } => {
                hasher.u64(8).u64(*start as u64).u64(*end as u64);
            }
            Self::List(items) => {
                hasher.u64(9).u64(items.len() as u64);
                for item in items {
                    item.hash_into(hasher);
                }
            }
        }
    }

    /// The value as text without quotes: what string interpolation, axis labels and command lines show.
    pub fn plain(&self) -> String {
        match self {
            Self::Str(s) | Self::Path(s) => s.clone(),
            other => other.to_string(),
        }
    }
}

/// Prints the value as it would be written in a `.pipe` file.
impl fmt::Display for Value {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::None => f.write_str("none"),
            Self::Bool(b) => write!(f, "{b}"),
            Self::Int(i) => write!(f, "{i}"),
            Self::Float(x) => write!(f, "{x:?}"),
            Self::Str(s) | Self::Path(s) => {
                f.write_str("\"")?;
                for c in s.chars() {
                    match c {
                        '"' => f.write_str("\\\"")?,
                        '\\' => f.write_str("\\\\")?,
                        '\n' => f.write_str("\\n")?,
                        '\t' => f.write_str("\\t")?,
                        '{' => f.write_str("{{")?,
                        '}' => f.write_str("}}")?,
                        c => write!(f, "{c}")?,
                    }
                }
                f.write_str("\"")
            }
            Self::Duration(ms) => match ms {
                ms if *ms > 0 && ms % 3_600_000 == 0 => write!(f, "{} h", ms / 3_600_000),
                ms if *ms > 0 && ms % 60_000 == 0 => write!(f, "{} min", ms / 60_000),
                ms if ms % 1000 == 0 => write!(f, "{} s", ms / 1000),
                ms => write!(f, "{ms} ms"),
            },
            Self::Size(bytes) => match bytes {
                b if *b > 0 && b % (1 << 30) == 0 => write!(f, "{} GiB", b >> 30),
                b if *b > 0 && b % (1 << 20) == 0 => write!(f, "{} MiB", b >> 20),
                b if *b > 0 && b % (1 << 10) == 0 => write!(f, "{} KiB", b >> 10),
                b => write!(f, "{b} B"),
            },
            Self::Range { start, end } => write!(f, "{start}..{end}"),
            Self::List(items) => {
                f.write_str("[")?;
                for (i, item) in items.iter().enumerate() {
                    if i > 0 {
                        f.write_str(", ")?;
                    }
                    write!(f, "{item}")?;
                }
                f.write_str("]")
            }
        }
    }
}

/// The type of a value.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Type {
    /// `bool`.
    Bool,
    /// `int`.
    Int,
    /// `float`; takes whole numbers too.
    Float,
    /// `str`.
    Str,
    /// `path`; takes a string.
    Path,
    /// `duration`, such as `90 s`.
    Duration,
    /// `size`, such as `8 GiB`.
    Size,
    /// `range`, such as `0..5`.
    Range,
    /// One of these texts.
    Choice(Vec<String>),
    /// `[T]`; a range is taken as the list of its numbers.
    List(Box<Type>),
    /// `T?`.
    Optional(Box<Type>),
}

impl fmt::Display for Type {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Bool => f.write_str("bool"),
            Self::Int => f.write_str("int"),
            Self::Float => f.write_str("float"),
            Self::Str => f.write_str("str"),
            Self::Path => f.write_str("path"),
            Self::Duration => f.write_str("duration"),
            Self::Size => f.write_str("size"),
            Self::Range => f.write_str("range"),
            Self::Choice(options) => {
                for (i, option) in options.iter().enumerate() {
                    if i > 0 {
                        f.write_str(" | ")?;
                    }
                    write!(f, "\"{option}\"")?;
                }
                Ok(())
            }
            Self::List(item) => write!(f, "[{item}]"),
            Self::Optional(inner) => write!(f, "{inner}?"),
        }
    }
}

/// A value is not of the type that is wanted.
#[derive(Debug, Clone, PartialEq)]
pub struct TypeMismatch {
    /// The type wanted.
    pub expected: Type,
    /// The value found.
    pub found: Value,
}

impl fmt::Display for TypeMismatch {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.expected {
            Type::Choice(_) => write!(f, "expected {}, found `{}`", self.expected, self.found),
            expected if self.found == Value::None => write!(f, "expected `{expected}`, found `none`"),
            expected => write!(f, "expected `{expected}`, found {} `{}`", self.found.type_name(), self.found),
        }
    }
}

impl Type {
    /// Makes `value` a value of this type, or says that it is none.
    ///
    /// The only conversions are those that lose nothing: a whole number where a `float` is wanted, text where a
    /// `path` is wanted (as it stands: the caller resolves it first), a range where a list of numbers is wanted.
    ///
    /// # Errors
    /// [`TypeMismatch`] when the value is of another type or not among the choices.
    pub fn coerce(&self, value: Value) -> Result<Value, Box<TypeMismatch>> {
        match (self, value) {
            (Self::Optional(_), Value::None) => Ok(Value::None),
            (Self::Optional(inner), value) => inner.coerce(value),
            (Self::Bool, v @ Value::Bool(_))
            | (Self::Int, v @ Value::Int(_))
            | (Self::Float, v @ Value::Float(_))
            | (Self::Str, v @ Value::Str(_))
            | (Self::Path, v @ Value::Path(_))
            | (Self::Duration, v @ Value::Duration(_))
            | (Self::Size, v @ Value::Size(_))
            | (Self::Range, v @ Value::Range { .. }) => Ok(v),
            (Self::Float, Value::Int(i)) => Ok(Value::Float(i as f64)),
            (Self::Path, Value::Str(s)) => Ok(Value::Path(s)),
            (Self::Choice(options), Value::Str(s)) if options.contains(&s) => Ok(Value::Str(s)),
            (Self::List(item), Value::List(values)) => {
                values.into_iter().map(|v| item.coerce(v)).collect::<Result<_, _>>().map(Value::List)
            }
            (Self::List(item), Value::Range { start, end }) => {
                (start..end).map(|i| item.coerce(Value::Int(i))).collect::<Result<_, _>>().map(Value::List)
            }
            (expected, found) => Err(Box::new(TypeMismatch { expected: expected.clone(), found })),
        }
    }
}
