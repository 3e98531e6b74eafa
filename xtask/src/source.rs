//! Rust text taken apart: code, string contents and comments, each with everything else blanked
//! out, so that a check for a word cannot be fooled by where the word stands. Byte positions and
//! lines are those of the file.

use std::ops::Range;

/// The three views of a file.
pub(crate) struct Source {
    /// Code; comments and the contents of literals are spaces.
    pub(crate) code: String,
    /// The contents of string literals.
    pub(crate) strings: String,
    /// Where `#[cfg(test)]` items stand.
    tests: Vec<Range<usize>>,
}

#[derive(Clone, Copy, PartialEq)]
enum Kind {
    Code,
    Text,
    Comment,
}

impl Source {
    pub(crate) fn of(text: &str) -> Self {
        let kinds = classify(text);
        let code = keep(text, &kinds, Kind::Code);
        let tests = test_items(&code);
        Self { strings: keep(text, &kinds, Kind::Text), code, tests }
    }

    /// Whether this byte belongs to test code.
    pub(crate) fn in_tests(&self, at: usize) -> bool {
        self.tests.iter().any(|range| range.contains(&at))
    }

    /// The line (from 1) of a byte.
    pub(crate) fn line(&self, at: usize) -> usize {
        line_of(&self.code, at)
    }

    /// Lines that are not test code.
    pub(crate) fn production_lines(&self) -> usize {
        let test_lines: usize = self
            .tests
            .iter()
            .filter_map(|range| self.code.get(range.clone()))
            .map(|text| text.lines().count())
            .sum();
        self.code.lines().count().saturating_sub(test_lines)
    }
}

/// The line (from 1) of a byte of a text.
pub(crate) fn line_of(text: &str, at: usize) -> usize {
    text.bytes().take(at).filter(|byte| *byte == b'\n').count() + 1
}

fn keep(text: &str, kinds: &[Kind], wanted: Kind) -> String {
    let mut bytes = Vec::with_capacity(text.len());
    for (byte, kind) in text.bytes().zip(kinds) {
        bytes.push(if *kind == wanted || byte == b'\n' { byte } else { b' ' });
    }
    String::from_utf8_lossy(&bytes).into_owned()
}

/// What each byte is. Quotes count as code.
fn classify(text: &str) -> Vec<Kind> {
    let mut kinds = Vec::with_capacity(text.len());
    let mut rest = text;
    let mut before = ' ';
    while let Some(first) = rest.chars().next() {
        let (length, kind) = token(rest, first, before);
        let (opening, closing) = match kind {
            Kind::Text => quotes(rest, length),
            _ => (0, 0),
        };
        kinds.extend(std::iter::repeat_n(Kind::Code, opening));
        kinds.extend(std::iter::repeat_n(kind, length - opening - closing));
        kinds.extend(std::iter::repeat_n(Kind::Code, closing));
        let (taken, remaining) = rest.split_at(length);
        before = taken.chars().next_back().unwrap_or(' ');
        rest = remaining;
    }
    kinds
}

/// The length and kind of what `rest` begins with.
fn token(rest: &str, first: char, before: char) -> (usize, Kind) {
    let in_word = before.is_alphanumeric() || before == '_';
    match first {
        '/' if rest.starts_with("//") => (rest.find('\n').unwrap_or(rest.len()), Kind::Comment),
        '/' if rest.starts_with("/*") => (block_comment(rest), Kind::Comment),
        '"' => (1 + until_quote(rest.get(1..).unwrap_or_default()), Kind::Text),
        'r' | 'b' | 'c' if !in_word => match raw_string(rest) {
            Some(length) => (length, Kind::Text),
            None => (1, Kind::Code),
        },
        '\'' => match char_literal(rest) {
            Some(length) => (length, Kind::Text),
            None => (1, Kind::Code),
        },
        _ => (first.len_utf8(), Kind::Code),
    }
}

/// How many bytes at each end of a literal are its quotes.
fn quotes(rest: &str, length: usize) -> (usize, usize) {
    let opening = rest.find(['"', '\'']).map_or(0, |at| at + 1).min(length);
    let hashes = rest.get(..opening).unwrap_or_default().matches('#').count();
    (opening, (hashes + 1).min(length - opening))
}

fn until_quote(rest: &str) -> usize {
    let mut escaped = false;
    for (at, byte) in rest.bytes().enumerate() {
        match byte {
            _ if escaped => escaped = false,
            b'\\' => escaped = true,
            b'"' => return at + 1,
            _ => {}
        }
    }
    rest.len()
}

fn block_comment(rest: &str) -> usize {
    let mut depth = 0_usize;
    let mut at = 0;
    while let Some(tail) = rest.get(at..).filter(|tail| !tail.is_empty()) {
        if tail.starts_with("/*") {
            depth += 1;
            at += 2;
        } else if tail.starts_with("*/") {
            depth -= 1;
            at += 2;
            if depth == 0 {
                return at;
            }
        } else {
            at += tail.chars().next().map_or(1, char::len_utf8);
        }
    }
    rest.len()
}

/// The length of `r"..."`, `br#"..."#` and their like, if that is what stands here.
fn raw_string(rest: &str) -> Option<usize> {
    let prefix = ["br", "cr", "r"].into_iter().find(|prefix| rest.starts_with(prefix))?;
    let tail = rest.get(prefix.len()..)?;
    let hashes = tail.bytes().take_while(|byte| *byte == b'#').count();
    let body = tail.get(hashes..)?.strip_prefix('"')?;
    let close = format!("\"{}", "#".repeat(hashes));
    let end = body.find(&close).map_or(body.len(), |at| at + close.len());
    Some(prefix.len() + hashes + 1 + end)
}

/// The length of a character literal; `None` for a lifetime.
fn char_literal(rest: &str) -> Option<usize> {
    let mut chars = rest.char_indices().skip(1);
    let (_, first) = chars.next()?;
    if first == '\\' {
        let (_, _) = chars.next()?;
        return chars.find(|(_, c)| *c == '\'').map(|(at, _)| at + 1);
    }
    chars.next().filter(|(_, c)| *c == '\'').map(|(at, _)| at + 1)
}

/// The items under `#[cfg(test)]`: to the `;`, or to the brace that closes what they open.
fn test_items(code: &str) -> Vec<Range<usize>> {
    let mut items = Vec::new();
    let mut from = 0;
    while let Some(start) = code.get(from..).and_then(|rest| rest.find("#[cfg(test)]")) {
        let start = from + start;
        let mut depth = 0_usize;
        let mut end = code.len();
        for (at, byte) in code.bytes().enumerate().skip(start) {
            match byte {
                b'{' => depth += 1,
                b'}' => depth = depth.saturating_sub(1),
                b';' => {}
                _ => continue,
            }
            if depth == 0 {
                end = at + 1;
                break;
            }
        }
        items.push(start..end);
        from = end;
    }
    items
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_in_comments_and_strings_are_not_code() {
        let source =
            Source::of("let a = \"fs // x\"; // env\n/* /* time */ y */ call(b'\"', 'z');");
        assert!(!source.code.contains("fs") && !source.code.contains("env"));
        assert!(!source.code.contains("time") && !source.code.contains('y'));
        assert!(source.code.contains("call(b' ', ' ');"), "{}", source.code);
        let strings: Vec<&str> = source.strings.split_whitespace().collect();
        assert_eq!(strings, ["fs", "//", "x", "\"", "z"]);
    }

    #[test]
    fn raw_strings_escapes_and_lifetimes_are_told_apart() {
        let source = Source::of(
            "fn f<'a>(x: &'a str) { g(r#\"in \"side\"\"#, \"\\\"q\\\\\", '\\'', '\\n'); end }",
        );
        assert!(source.code.contains("fn f<'a>(x: &'a str) { g(r#\""), "{}", source.code);
        assert!(source.code.ends_with("end }"));
        assert!(source.strings.contains("in \"side\""));
        assert!(!source.code.contains("side") && !source.code.contains("q\\"));
    }

    #[test]
    fn test_code_ends_where_its_item_ends() {
        let text = "a\n#[cfg(test)]\nuse x;\nb\n#[cfg(test)]\nmod tests {\n  fn t() { c }\n}\nd\n";
        let source = Source::of(text);
        let tested = |word: &str| source.in_tests(text.find(word).unwrap());
        assert!(tested("use x") && tested("c }"));
        assert!(!tested("b\n") && !tested("d\n"));
        assert_eq!(source.production_lines(), 3);
        assert_eq!(source.line(text.find("d\n").unwrap()), 9);
    }

    #[test]
    fn a_file_cut_short_is_read_to_its_end() {
        for text in ["\"open", "/* open", "r#\"open", "'", "b", "é\"ü"] {
            assert_eq!(Source::of(text).code.lines().count(), 1, "{text}");
        }
    }
}
