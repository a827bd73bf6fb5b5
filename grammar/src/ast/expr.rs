//! Expressions.

use std::sync::Arc;

use super::{Ident, Path};
use crate::source::Span;

/// An expression and its place.
#[derive(Clone, Debug, PartialEq)]
pub struct Expr {
    /// What it is.
    pub kind: ExprKind,
    /// Where it stands, with parentheses around it.
    pub span: Span,
}

/// What an expression is.
///
/// Parentheses leave no trace but in the span: the tree's shape says what they said.
#[derive(Clone, Debug, PartialEq)]
pub enum ExprKind {
    /// `none`
    None,
    /// `true`, `false`
    Bool(bool),
    /// `1500`; never negative, that is [`UnaryOp::Neg`]
    Int(i64),
    /// `0.5`, `1e-3`; never negative, always finite
    Float(f64),
    /// `90 s`, `8 GiB`
    Quantity {
        /// How many.
        number: Number,
        /// Of what.
        unit: Unit,
    },
    /// `"{lang}/train"`; no two texts side by side, none empty
    Str(Vec<StrPart>),
    /// `[1, 2, 3]`
    List(Vec<Expr>),
    /// `a..b`, `a..=b`
    Range {
        /// The first value.
        start: Box<Expr>,
        /// The value to stop at.
        end: Box<Expr>,
        /// Written `..=`: `end` belongs to it.
        inclusive: bool,
    },
    /// `corpus`
    Name(Arc<str>),
    /// `corpus.train`
    Field {
        /// Of what.
        base: Box<Expr>,
        /// Which part, metric or import's member.
        field: Ident,
    },
    /// `scores[site = "prepend"]`: the members of a family at these indices
    Index {
        /// The family.
        base: Box<Expr>,
        /// Loop names and their values; never empty.
        at: Vec<Named>,
    },
    /// `data.take(corpus, 100, seed = 1)`
    Call(Call),
    /// `corpus -> data.take(100)`: the call with `input` as its first input
    Arrow {
        /// What goes in first.
        input: Box<Expr>,
        /// The call, as written after the arrow.
        call: Call,
    },
    /// `if a { x } else if b { y } else { z }`
    If {
        /// Conditions and values, in order; never empty.
        branches: Vec<Branch>,
        /// The value when no condition is true.
        otherwise: Box<Expr>,
    },
    /// `-x`, `not x`
    Unary {
        /// Which operator.
        op: UnaryOp,
        /// Of what.
        operand: Box<Expr>,
    },
    /// `a + b`
    Binary {
        /// Which operator.
        op: BinaryOp,
        /// What stands left of it.
        left: Box<Expr>,
        /// What stands right of it.
        right: Box<Expr>,
    },
}

/// `name = value`.
#[derive(Clone, Debug, PartialEq)]
pub struct Named {
    /// What it is for.
    pub name: Ident,
    /// The value.
    pub value: Expr,
}

impl Named {
    /// From the name to the value's end.
    pub fn span(&self) -> Span {
        self.name.span.to(self.value.span)
    }
}

/// A call: `data.take(corpus, 100, seed = 1)`.
#[derive(Clone, Debug, PartialEq)]
pub struct Call {
    /// What is called.
    pub callee: Path,
    /// What is passed; those with a name stand after those without.
    pub args: Vec<Arg>,
    /// From the callee to the closing parenthesis.
    pub span: Span,
}

/// One argument of a call.
#[derive(Clone, Debug, PartialEq)]
pub struct Arg {
    /// The name before `=`, if any.
    pub name: Option<Ident>,
    /// The value.
    pub value: Expr,
}

impl Arg {
    /// From the name, if any, to the value's end.
    pub fn span(&self) -> Span {
        self.name.as_ref().map_or(self.value.span, |name| name.span.to(self.value.span))
    }
}

/// `if condition { value }`, or its `else if`.
#[derive(Clone, Debug, PartialEq)]
pub struct Branch {
    /// When.
    pub condition: Expr,
    /// What.
    pub value: Expr,
}

/// A piece of a string.
#[derive(Clone, Debug, PartialEq)]
pub enum StrPart {
    /// Text, decoded: escapes and doubled braces are resolved.
    Text(Arc<str>),
    /// `{expr}`
    Expr(Expr),
}

/// The number of a quantity.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Number {
    /// `90`
    Int(i64),
    /// `1.5`
    Float(f64),
}

/// The unit of a quantity.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Unit {
    /// `ms`
    Millisecond,
    /// `s`
    Second,
    /// `min`
    Minute,
    /// `h`
    Hour,
    /// `day`
    Day,
    /// `B`
    Byte,
    /// `kB`
    Kilobyte,
    /// `MB`
    Megabyte,
    /// `GB`
    Gigabyte,
    /// `KiB`
    Kibibyte,
    /// `MiB`
    Mebibyte,
    /// `GiB`
    Gibibyte,
}

impl Unit {
    /// Every unit: durations, then sizes, each from small to large.
    pub const ALL: [Self; 12] = [
        Self::Millisecond,
        Self::Second,
        Self::Minute,
        Self::Hour,
        Self::Day,
        Self::Byte,
        Self::Kilobyte,
        Self::Megabyte,
        Self::Gigabyte,
        Self::Kibibyte,
        Self::Mebibyte,
        Self::Gibibyte,
    ];

    /// How it is written.
    pub fn symbol(self) -> &'static str {
        match self {
            Self::Millisecond => "ms",
            Self::Second => "s",
            Self::Minute => "min",
            Self::Hour => "h",
            Self::Day => "day",
            Self::Byte => "B",
            Self::Kilobyte => "kB",
            Self::Megabyte => "MB",
            Self::Gigabyte => "GB",
            Self::Kibibyte => "KiB",
            Self::Mebibyte => "MiB",
            Self::Gibibyte => "GiB",
        }
    }

    /// The unit that is written so.
    pub fn from_symbol(symbol: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|unit| unit.symbol() == symbol)
    }

    /// Whether it measures time; else it measures bytes.
    pub fn is_duration(self) -> bool {
        matches!(self, Self::Millisecond | Self::Second | Self::Minute | Self::Hour | Self::Day)
    }

    /// How many milliseconds (of a duration) or bytes (of a size) it is.
    pub fn scale(self) -> u64 {
        match self {
            Self::Millisecond | Self::Byte => 1,
            Self::Second | Self::Kilobyte => 1_000,
            Self::Minute => 60_000,
            Self::Hour => 3_600_000,
            Self::Day => 86_400_000,
            Self::Megabyte => 1_000_000,
            Self::Gigabyte => 1_000_000_000,
            Self::Kibibyte => 1 << 10,
            Self::Mebibyte => 1 << 20,
            Self::Gibibyte => 1 << 30,
        }
    }
}

/// An operator before its operand.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum UnaryOp {
    /// `-`
    Neg,
    /// `not`
    Not,
}

impl UnaryOp {
    /// How it is written.
    pub fn symbol(self) -> &'static str {
        match self {
            Self::Neg => "-",
            Self::Not => "not",
        }
    }
}

/// An operator between two operands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum BinaryOp {
    /// `or`
    Or,
    /// `and`
    And,
    /// `==`
    Eq,
    /// `!=`
    Ne,
    /// `<`
    Lt,
    /// `<=`
    Le,
    /// `>`
    Gt,
    /// `>=`
    Ge,
    /// `in`
    In,
    /// `+`
    Add,
    /// `-`
    Sub,
    /// `*`
    Mul,
    /// `/`
    Div,
    /// `%`
    Rem,
}

impl BinaryOp {
    /// Every operator, the loosest first.
    pub const ALL: [Self; 14] = [
        Self::Or,
        Self::And,
        Self::Eq,
        Self::Ne,
        Self::Lt,
        Self::Le,
        Self::Gt,
        Self::Ge,
        Self::In,
        Self::Add,
        Self::Sub,
        Self::Mul,
        Self::Div,
        Self::Rem,
    ];

    /// The operator that is written so.
    pub fn from_symbol(symbol: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|op| op.symbol() == symbol)
    }

    /// How it is written.
    pub fn symbol(self) -> &'static str {
        match self {
            Self::Or => "or",
            Self::And => "and",
            Self::Eq => "==",
            Self::Ne => "!=",
            Self::Lt => "<",
            Self::Le => "<=",
            Self::Gt => ">",
            Self::Ge => ">=",
            Self::In => "in",
            Self::Add => "+",
            Self::Sub => "-",
            Self::Mul => "*",
            Self::Div => "/",
            Self::Rem => "%",
        }
    }

    /// Whether it is `==`, `!=`, `<`, `<=`, `>`, `>=` or `in`; such operators do not chain.
    pub fn is_comparison(self) -> bool {
        matches!(self, Self::Eq | Self::Ne | Self::Lt | Self::Le | Self::Gt | Self::Ge | Self::In)
    }
}
