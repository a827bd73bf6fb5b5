//! Numbers, values and names as a reader sees them. Nothing here knows a clock, a locale or a folder.

use runpipe_base::Value;

/// `x` with so many decimals, never `-0.00`.
pub(crate) fn fixed(x: f64, decimals: usize) -> String {
    if x != 0.0 && (x.abs() >= 1e15 || decimals > 9) {
        return format!("{x:.3e}");
    }
    let text = format!("{x:.decimals$}");
    let zero = text.bytes().all(|b| matches!(b, b'-' | b'0' | b'.'));
    if zero { text.trim_start_matches('-').to_owned() } else { text }
}

/// `x` with up to six significant digits and no zeros at its end.
pub(crate) fn general(x: f64) -> String {
    if x == 0.0 {
        return "0".to_owned();
    }
    let magnitude = libm::floor(libm::log10(x.abs()));
    if !(-5.0..9.0).contains(&magnitude) {
        return format!("{x:.4e}");
    }
    let decimals = (5.0 - magnitude).max(0.0) as usize;
    let text = format!("{x:.decimals$}");
    if text.contains('.') { text.trim_end_matches('0').trim_end_matches('.').to_owned() } else { text }
}

/// Decimals that tell numbers of this size apart, and intervals as narrow as `halves`.
pub(crate) fn decimals(values: &[f64], halves: &[f64]) -> usize {
    let largest = values.iter().fold(0.0_f64, |m, v| m.max(v.abs()));
    let whole = values.iter().all(|v| v.fract() == 0.0);
    if largest == 0.0 || (whole && halves.iter().all(|h| *h == 0.0)) {
        return 0;
    }
    let magnitude = libm::floor(libm::log10(largest)) as i32;
    let base = (3 - magnitude.max(0)).max(0) + (-1 - magnitude).clamp(0, 6);
    let narrowest = halves.iter().copied().filter(|h| *h > 0.0).fold(f64::INFINITY, f64::min);
    let for_half = if narrowest.is_finite() { -libm::floor(libm::log10(narrowest)) as i32 } else { 0 };
    // Two decimals more at most: an interval of nearly nothing must not fill the page with digits.
    base.max(for_half.min(base + 2)) as usize
}

/// A p-value: two significant digits, and no more zeros than a reader can count.
pub(crate) fn p_value(p: f64) -> String {
    match p {
        p if p < 0.001 => "< 0.001".to_owned(),
        p if p < 0.1 => fixed(p, 3),
        p => fixed(p, 2),
    }
}

/// A length of time in words.
pub(crate) fn seconds(s: f64) -> String {
    let whole = s.max(0.0) as u64;
    match whole {
        0..10 => format!("{:.1} s", s.max(0.0)),
        10..60 => format!("{whole} s"),
        60..3600 => format!("{} min {:02} s", whole / 60, whole % 60),
        _ => format!("{} h {:02} min", whole / 3600, whole / 60 % 60),
    }
}

/// A number of bytes in words.
pub(crate) fn bytes(count: u64) -> String {
    match count {
        0..1024 => format!("{count} B"),
        1024..0x10_0000 => format!("{:.1} KiB", count as f64 / 1024.0),
        0x10_0000..0x4000_0000 => format!("{:.1} MiB", count as f64 / 1_048_576.0),
        _ => format!("{:.1} GiB", count as f64 / 1_073_741_824.0),
    }
}

/// A value as it stands in a `.pipe` file. Of a path only the last name: folders differ between machines.
pub(crate) fn value(value: &Value) -> String {
    match value {
        Value::Path(path) => format!("\"{}\"", leaf(path)),
        Value::List(items) => format!("[{}]", items.iter().map(self::value).collect::<Vec<_>>().join(", ")),
        other => other.to_string(),
    }
}

/// A value of an axis, without quotes.
pub(crate) fn axis_value(value: &Value) -> String {
    match value {
        Value::Path(path) => leaf(path).to_owned(),
        Value::List(_) => self::value(value),
        other => other.plain(),
    }
}

/// The last name of a path.
pub(crate) fn leaf(path: &str) -> &str {
    let path = path.trim_end_matches(['/', '\\']);
    path.rsplit(['/', '\\']).next().unwrap_or(path)
}

/// The pipeline's name: its file's, without `.pipe`.
pub(crate) fn stem(pipeline: &str) -> &str {
    let leaf = leaf(pipeline);
    leaf.strip_suffix(".pipe").unwrap_or(leaf)
}

/// `text` as a name that is safe as a file and as an anchor: letters, digits, `-` and `_`.
///
/// # Examples
/// ```
/// assert_eq!(runpipe_reports::slug("scores.f1 by site, n"), "scores-f1-by-site-n");
/// assert_eq!(runpipe_reports::slug("../.."), "report");
/// ```
pub fn slug(text: &str) -> String {
    const LONGEST: usize = 60;
    let mut slug = String::new();
    for c in text.chars() {
        if c.is_alphanumeric() || c == '_' {
            slug.push(c);
        } else if !slug.ends_with('-') && !slug.is_empty() {
            slug.push('-');
        }
        if slug.len() >= LONGEST {
            break;
        }
    }
    let slug = slug.trim_end_matches('-');
    if slug.is_empty() { "report".to_owned() } else { slug.to_owned() }
}

/// `text` where XML expects characters.
pub(crate) fn escape(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '"' => out.push_str("&quot;"),
            '\'' => out.push_str("&#39;"),
            // Not allowed in XML at all.
            c if c.is_control() && !matches!(c, '\n' | '\t') => out.push('\u{FFFD}'),
            c => out.push(c),
        }
    }
    out
}

/// `count` of a thing, with its plural.
pub(crate) fn count(count: usize, thing: &str) -> String {
    if count == 1 { format!("1 {thing}") } else { format!("{count} {thing}s") }
}

/// A text and the code in it, which stands between backticks; all of it is text where one of these is alone.
pub(crate) fn spans(text: &str) -> Vec<(bool, &str)> {
    if text.matches('`').count() % 2 == 1 {
        return vec![(false, text)];
    }
    let spans = text.split('`').enumerate().map(|(i, span)| (i % 2 == 1, span));
    spans.filter(|(_, span)| !span.is_empty()).collect()
}
