//! Markdown to reading text. A quoted sentence should read like a sentence, not like its source.

/// Text without emphasis marks, link targets, images, inline HTML and footnote marks; code keeps its back ticks' content; white space is
/// one blank.
pub fn inline(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut rest = text;
    let mut last = ' ';
    while let Some(c) = rest.chars().next() {
        let (taken, emit) = piece(rest, c, last);
        out.push_str(&emit);
        let taken = taken.max(c.len_utf8());
        last = rest.get(..taken).and_then(|s| s.chars().next_back()).unwrap_or(' ');
        rest = rest.get(taken..).unwrap_or_default();
    }
    out.split_whitespace().collect::<Vec<_>>().join(" ")
}

/// Tags of HTML that carry no words of their own.
const TAGS: &[&str] = &[
    "br", "b", "i", "em", "strong", "code", "kbd", "sub", "sup", "span", "a", "p", "div", "img",
    "details", "summary",
];

/// How many bytes to take from `rest` and what to say for them.
fn piece(rest: &str, c: char, last: char) -> (usize, String) {
    match c {
        '`' => {
            let ticks = rest.bytes().take_while(|b| *b == b'`').count();
            let mark = rest.get(..ticks).unwrap_or("`");
            let inner = rest.get(ticks..).unwrap_or_default();
            inner.find(mark).map_or((ticks, String::new()), |end| {
                (end + 2 * ticks, inner.get(..end).unwrap_or_default().trim().to_owned())
            })
        }
        '\\' => match rest.chars().nth(1) {
            Some(next) if next.is_ascii_punctuation() => (1 + next.len_utf8(), next.to_string()),
            _ => (1, "\\".to_owned()),
        },
        '*' => (
            1,
            if last.is_whitespace() && rest.get(1..).is_some_and(|r| r.starts_with(' ')) {
                "*".to_owned()
            } else {
                String::new()
            },
        ),
        '_' => {
            let next = rest.get(1..).and_then(|r| r.chars().next()).unwrap_or(' ');
            let inside =
                (last.is_alphanumeric() || last == '_') && (next.is_alphanumeric() || next == '_');
            (1, if inside { "_".to_owned() } else { String::new() })
        }
        '!' if rest.starts_with("![") => {
            link(rest.get(1..).unwrap_or_default()).map_or((1, "!".to_owned()), |(n, s)| (n + 1, s))
        }
        '[' if rest.starts_with("[^") => {
            rest.find(']').map_or((1, "[".to_owned()), |end| (end + 1, String::new()))
        }
        '[' => link(rest).unwrap_or((1, "[".to_owned())),
        '<' => tag(rest).unwrap_or((1, "<".to_owned())),
        _ => (c.len_utf8(), c.to_string()),
    }
}

/// `[text](target)` or `[text][reference]`.
fn link(rest: &str) -> Option<(usize, String)> {
    let mut depth = 0_usize;
    let close = rest.char_indices().find_map(|(at, c)| {
        match c {
            '[' => depth += 1,
            ']' => depth -= 1,
            _ => {}
        }
        (depth == 0).then_some(at)
    })?;
    let text = rest.get(1..close)?;
    let after = rest.get(close + 1..)?;
    let target = match after.chars().next()? {
        '(' => after.find(')')? + 1,
        '[' => after.find(']')? + 1,
        _ => return None,
    };
    Some((close + 1 + target, inline(text)))
}

/// An inline HTML tag vanishes (`<br>` is a blank); `<https://...>` keeps its address.
fn tag(rest: &str) -> Option<(usize, String)> {
    let end = rest.find('>')?;
    let inner = rest.get(1..end)?;
    if inner.starts_with("http") || inner.contains('@') && !inner.contains(' ') {
        return Some((end + 1, inner.to_owned()));
    }
    let name = inner.trim_start_matches('/').split([' ', '/']).next()?;
    TAGS.contains(&name)
        .then(|| (end + 1, if name == "br" { " ".to_owned() } else { String::new() }))
}

/// A sentence or item without its list marker, quotation mark and task box, cleaned inside.
pub fn sentence(text: &str) -> String {
    let lines: Vec<&str> = text
        .lines()
        .map(|line| line.trim_start().trim_start_matches("> ").trim_start_matches('>'))
        .collect();
    let joined = lines.join(" ");
    let joined = joined.trim_start();
    let body = crate::chunk::line::list_marker(joined)
        .and_then(|width| joined.get(width..))
        .unwrap_or(joined);
    let body =
        ["[ ] ", "[x] ", "[X] "].iter().find_map(|task| body.strip_prefix(task)).unwrap_or(body);
    inline(body)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn marks_go_and_words_stay() {
        assert_eq!(
            inline(
                "**Bold** and _it_, `code_x`, [link](http://a.b/c), ![pic](x.png) snake_case<br>end[^1]."
            ),
            "Bold and it, code_x, link, pic snake_case end."
        );
        assert_eq!(inline("2 * 3 \\* 4, mail <a@b.c>, x < y"), "2 * 3 * 4, mail a@b.c, x < y");
    }

    #[test]
    fn list_and_quote_marks_are_no_part_of_the_sentence() {
        assert_eq!(sentence("- [ ] Do it\n  now"), "Do it now");
        assert_eq!(sentence("> Quoted\n> text"), "Quoted text");
        assert_eq!(sentence("12. Twelve"), "Twelve");
    }

    proptest::proptest! {
        #[test]
        fn cleaning_never_fails_and_keeps_plain_words(text in ".{0,100}", word in "[a-z]{3,8}") {
            let _ = inline(&text);
            proptest::prop_assert_eq!(inline(&word), word);
        }
    }
}
