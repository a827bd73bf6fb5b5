//! Text that knows where it may be broken, and how to break it.

use unicode_width::UnicodeWidthStr;

use super::WIDTH;

/// A piece of text that may be laid out on one line or on several.
#[derive(Clone, Debug)]
pub(crate) enum Layout {
    /// Text without a line end.
    Text(String),
    /// A blank, or a line end in a broken group.
    Line,
    /// Nothing, or a line end in a broken group.
    SoftLine,
    /// A line end; the groups around it are broken.
    HardLine,
    /// A comment: it has no width, and the groups around it are broken.
    Comment(String),
    /// Whole lines that are laid out already, from a line end to the blanks before what follows.
    Lines(String),
    /// Text that is there only in a broken group.
    IfBroken(&'static str),
    /// Pieces one after the other.
    Join(Vec<Layout>),
    /// Pieces whose line ends are indented one step more.
    Indent(Vec<Layout>),
    /// Pieces that are broken all together or not at all.
    Group(Vec<Layout>),
    /// A value and the one call that follows it after an arrow: the arrow begins a line only if the call then fits on it.
    Step(Box<[Layout; 2]>),
    /// Pieces with as many of them on a line as fit.
    Fill(Vec<Layout>),
}

impl Layout {
    /// Text without a line end.
    pub(crate) fn text(text: impl Into<String>) -> Self {
        Self::Text(text.into())
    }

    /// The layout without any break.
    pub(crate) fn flat(&self) -> String {
        let mut out = String::new();
        self.write_flat(&mut out);
        out
    }

    fn write_flat(&self, out: &mut String) {
        match self {
            Self::Text(text) | Self::Comment(text) | Self::Lines(text) => out.push_str(text),
            Self::Line | Self::HardLine => out.push(' '),
            Self::SoftLine | Self::IfBroken(_) => {}
            Self::Join(parts) | Self::Indent(parts) | Self::Group(parts) => {
                for part in parts {
                    part.write_flat(out);
                }
            }
            Self::Step(parts) => {
                parts[0].write_flat(out);
                out.push_str(ARROW);
                parts[1].write_flat(out);
            }
            Self::Fill(parts) => {
                for (index, part) in parts.iter().enumerate() {
                    if index > 0 {
                        out.push(' ');
                    }
                    part.write_flat(out);
                }
            }
        }
    }

    /// The width on one line; nothing when it must be broken.
    pub(crate) fn flat_width(&self) -> Option<usize> {
        match self {
            Self::Text(text) => Some(text.width()),
            Self::Line => Some(1),
            Self::SoftLine | Self::IfBroken(_) => Some(0),
            Self::HardLine | Self::Comment(_) | Self::Lines(_) => None,
            Self::Join(parts) | Self::Indent(parts) | Self::Group(parts) => {
                parts.iter().map(Self::flat_width).sum()
            }
            Self::Step(parts) => Some(parts[0].flat_width()? + ARROW.len() + parts[1].flat_width()?),
            Self::Fill(parts) => {
                let width: Option<usize> = parts.iter().map(Self::flat_width).sum();
                width.map(|width| width + parts.len().saturating_sub(1))
            }
        }
    }

    /// The layout as text that begins at `column` with the given indent, broken to fit; `after` columns follow it.
    pub(crate) fn render(&self, indent: usize, column: usize, after: usize) -> String {
        let mut writer = Writer { out: String::new(), column };
        writer.write(self, indent, false, after);
        writer.out
    }
}

/// An arrow on a line.
const ARROW: &str = " -> ";

struct Writer {
    out: String,
    column: usize,
}

impl Writer {
    fn text(&mut self, text: &str) {
        self.out.push_str(text);
        self.column += text.width();
    }

    fn line(&mut self, indent: usize) {
        let end = self.out.trim_end_matches(' ').len();
        self.out.truncate(end);
        self.out.push('\n');
        self.out.extend(std::iter::repeat_n(' ', indent));
        self.column = indent;
    }

    /// Writes a layout; `after` columns follow it on its last line.
    fn write(&mut self, layout: &Layout, indent: usize, broken: bool, after: usize) {
        match layout {
            Layout::Text(text) => self.text(text),
            Layout::Comment(text) | Layout::Lines(text) => self.out.push_str(text),
            Layout::HardLine => self.line(indent),
            Layout::Line | Layout::SoftLine if broken => self.line(indent),
            Layout::Line => self.text(" "),
            Layout::IfBroken(text) if broken => self.text(text),
            Layout::SoftLine | Layout::IfBroken(_) => {}
            Layout::Join(parts) => self.parts(parts, indent, broken, after),
            Layout::Indent(parts) => self.parts(parts, indent + 4, broken, after),
            Layout::Group(parts) => {
                let fits = layout.flat_width().is_some_and(|width| self.column + width + after <= WIDTH);
                self.parts(parts, indent, !fits, after);
            }
            Layout::Step(parts) => {
                let [input, call] = &**parts;
                let fits = |column: usize, width: Option<usize>| {
                    width.is_some_and(|width| column + width + after <= WIDTH)
                };
                let on_one_line = fits(self.column, layout.flat_width());
                let on_two = input.flat_width().is_some()
                    && fits(indent + 4 + ARROW.trim().len() + 1, call.flat_width());
                self.write(input, indent, broken, ARROW.len());
                if on_two && !on_one_line {
                    self.line(indent + 4);
                    self.text(ARROW.trim_start());
                } else {
                    self.text(ARROW);
                }
                self.write(call, indent, broken, after);
            }
            Layout::Fill(parts) => {
                for (index, part) in parts.iter().enumerate() {
                    let width = part.flat_width().unwrap_or(WIDTH);
                    if index > 0 && self.column + 1 + width > WIDTH {
                        self.line(indent);
                    } else if index > 0 {
                        self.text(" ");
                    }
                    self.write(part, indent, broken, 0);
                }
            }
        }
    }

    fn parts(&mut self, parts: &[Layout], indent: usize, broken: bool, after: usize) {
        for (index, part) in parts.iter().enumerate() {
            self.write(part, indent, broken, rest_width(&parts[index + 1..], broken).unwrap_or(after));
        }
    }
}

/// The columns that follow on the same line; nothing when no line end comes before the end of the parts.
fn rest_width(rest: &[Layout], broken: bool) -> Option<usize> {
    let mut width = 0;
    for part in rest {
        match part {
            Layout::Line | Layout::SoftLine if broken => return Some(width),
            Layout::HardLine | Layout::Lines(_) => return Some(width),
            Layout::IfBroken(text) if broken => width += text.len(),
            // A group or an indent may begin with a line end; it is enough that its first text fits.
            Layout::Indent(parts) | Layout::Join(parts) => match rest_width(parts, broken) {
                Some(inner) => return Some(width + inner),
                None => width += part.flat_width().unwrap_or(0),
            },
            Layout::Group(parts) => return Some(width + lead_width(parts)),
            part => width += part.flat_width().unwrap_or(0),
        }
    }
    if width == 0 { None } else { Some(width) }
}

/// The width of what stands before the first possible break.
fn lead_width(parts: &[Layout]) -> usize {
    let mut width = 0;
    for part in parts {
        match part {
            Layout::Text(text) => width += text.width(),
            Layout::Join(parts) | Layout::Group(parts) | Layout::Indent(parts) => {
                return width + lead_width(parts);
            }
            _ => return width,
        }
    }
    width
}
