//! Lines with their byte spans, and what a single line looks like in markdown.

use std::ops::Range;

/// One line of a document.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Line<'a> {
    /// The line without its ending.
    pub(crate) text: &'a str,
    /// Byte offset of its first byte.
    pub(crate) start: usize,
}

impl Line<'_> {
    /// Byte offset after its last byte, the ending left out.
    pub(crate) fn end(&self) -> usize {
        self.start + self.text.len()
    }

    /// Columns of leading white space, a tab counting four.
    pub(crate) fn indent(&self) -> usize {
        self.text
            .chars()
            .take_while(|c| c.is_whitespace())
            .map(|c| if c == '\t' { 4 } else { 1 })
            .sum()
    }

    pub(crate) fn is_blank(&self) -> bool {
        self.text.trim().is_empty()
    }
}

/// All lines of `text`; `\n` and `\r\n` end a line.
pub(crate) fn lines(text: &str) -> Vec<Line<'_>> {
    let mut out = Vec::new();
    let mut start = 0;
    for raw in text.split_inclusive('\n') {
        let line = raw.strip_suffix('\n').unwrap_or(raw);
        let line = line.strip_suffix('\r').unwrap_or(line);
        out.push(Line { text: line, start });
        start += raw.len();
    }
    out
}

/// The level and byte span of the text of a `#` heading.
pub(crate) fn atx(line: &Line<'_>) -> Option<(u8, Range<usize>)> {
    let trimmed = line.text.trim_start();
    let hashes = trimmed.bytes().take_while(|b| *b == b'#').count();
    let rest = trimmed.get(hashes..)?;
    if line.indent() > 3
        || !(1..=6).contains(&hashes)
        || !(rest.is_empty() || rest.starts_with([' ', '\t']))
    {
        return None;
    }
    let body = rest.trim().trim_end_matches('#').trim_end();
    let start = line.end() - rest.trim_start().len();
    let level = u8::try_from(hashes).ok()?;
    Some((level, start..start + body.len()))
}

/// The level that a line of one repeated mark gives the line above it.
pub(crate) fn underline(line: &str, marks: &[char]) -> Option<u8> {
    let line = line.trim_end();
    let first = line.chars().next()?;
    let level = marks.iter().position(|mark| *mark == first)?;
    (line.len() >= 2 && line.chars().all(|c| c == first))
        .then(|| u8::try_from(level + 1).unwrap_or(6))
}

/// The fence that opens a code block.
pub(crate) fn fence(line: &Line<'_>) -> Option<&'static str> {
    let trimmed = line.text.trim_start();
    ["```", "~~~"].into_iter().find(|mark| trimmed.starts_with(mark))
}

/// The width of a list marker with the white space around it, when the line is a list item.
pub(crate) fn list_marker(text: &str) -> Option<usize> {
    let trimmed = text.trim_start();
    let lead = text.len() - trimmed.len();
    let digits = trimmed.bytes().take_while(u8::is_ascii_digit).count();
    let after = if (1..=9).contains(&digits) && trimmed.get(digits..)?.starts_with(['.', ')']) {
        digits + 1
    } else if trimmed.starts_with(['-', '*', '+', '\u{2022}']) {
        trimmed.chars().next()?.len_utf8()
    } else {
        return None;
    };
    let rest = trimmed.get(after..)?;
    let space = rest.len() - rest.trim_start().len();
    (space > 0 && !rest.trim().is_empty()).then_some(lead + after + space)
}

/// Whether the line separates a table's head from its rows.
pub(crate) fn is_table_rule(text: &str) -> bool {
    let text = text.trim();
    text.contains('-')
        && text.contains('|')
        && text.chars().all(|c| matches!(c, '|' | '-' | ':' | ' ' | '\t'))
}

/// Whether the line is a thematic break.
pub(crate) fn is_rule(text: &str) -> bool {
    let squeezed: Vec<char> = text.chars().filter(|c| !c.is_whitespace()).collect();
    squeezed.len() >= 3
        && squeezed
            .first()
            .is_some_and(|f| matches!(f, '-' | '*' | '_' | '=') && squeezed.iter().all(|c| c == f))
}

/// Whether a line of plain text is a heading by its capitals: short, at least one word of three letters, no lower case.
pub(crate) fn is_capital_heading(text: &str) -> bool {
    let text = text.trim();
    text.len() <= 80
        && text.chars().filter(|c| c.is_alphabetic()).count() >= 4
        && !text.chars().any(char::is_lowercase)
        && !text.ends_with(['.', ',', ';'])
}
