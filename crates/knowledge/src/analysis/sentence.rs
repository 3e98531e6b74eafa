//! Where sentences end inside a paragraph, so that nothing is ever quoted or cut in the middle of one.

use std::ops::Range;

/// Abbreviations whose full stop does not end a sentence.
const ABBREVIATIONS: &[&str] = &[
    "e.g", "i.e", "eg", "ie", "cf", "vs", "approx", "mr", "mrs", "ms", "dr", "prof", "sr", "jr",
    "st", "no", "nos", "fig", "figs", "vol", "ca", "incl", "excl", "ext", "tel", "dept", "min",
    "max", "resp", "al", "jan", "feb", "mar", "apr", "jun", "jul", "aug", "sep", "sept", "oct",
    "nov", "dec", "viz", "p", "pp", "par", "sec", "ch", "ed", "eds", "a.k.a", "u.s", "u.k",
];

fn is_closer(c: char) -> bool {
    matches!(c, '"' | '\'' | '\u{201d}' | '\u{2019}' | ')' | ']' | '*' | '_' | '`' | '\u{bb}')
}

fn is_cjk_stop(c: char) -> bool {
    matches!(c, '\u{3002}' | '\u{ff01}' | '\u{ff1f}')
}

/// Whether the word before a full stop says that the sentence goes on.
fn goes_on_after(before: &str) -> bool {
    let word = before
        .rsplit(|c: char| c.is_whitespace() || matches!(c, '(' | '[' | '*' | '_' | '"'))
        .next()
        .unwrap_or_default();
    let lower = word.trim_start_matches('.').to_lowercase();
    let initial = word.chars().count() == 1 && word.chars().all(char::is_uppercase);
    let list_number = before.trim().chars().all(|c| c.is_ascii_digit());
    initial || list_number || ABBREVIATIONS.contains(&lower.as_str())
}

/// Whether what follows the end mark and its closers can begin a sentence.
fn begins_sentence(after: &str) -> bool {
    match after.chars().next() {
        None => true,
        Some(c) if !c.is_whitespace() => false,
        Some(_) => after
            .trim_start()
            .chars()
            .next()
            .is_none_or(|c| !c.is_lowercase() && !matches!(c, ',' | ';' | ')' | '&' | '|')),
    }
}

/// The byte span of every sentence of `text`, trimmed of white space, in order. Together they hold everything but white space.
pub fn sentences(text: &str) -> Vec<Range<usize>> {
    let mut out = Vec::new();
    let mut start = 0;
    let mut in_code = false;
    let mut chars = text.char_indices().peekable();
    while let Some((at, c)) = chars.next() {
        if c == '`' {
            in_code = !in_code;
        }
        let hard_break = c == '\n'
            && text.get(..at).is_some_and(|head| head.ends_with("  ") || head.ends_with('\\'));
        if hard_break {
            push(text, start..at, &mut out);
            start = at;
            in_code = false;
            continue;
        }
        if (!matches!(c, '.' | '!' | '?' | '\u{2026}') || in_code) && !is_cjk_stop(c) {
            continue;
        }
        while let Some((_, next)) = chars.peek() {
            if matches!(next, '.' | '!' | '?') || is_closer(*next) && (*next != '`') {
                chars.next();
            } else {
                break;
            }
        }
        let end = chars.peek().map_or(text.len(), |(at, _)| *at);
        let ends = is_cjk_stop(c)
            || (begins_sentence(text.get(end..).unwrap_or_default())
                && !(c == '.' && goes_on_after(text.get(start..at).unwrap_or_default())));
        if ends {
            push(text, start..end, &mut out);
            start = end;
        }
    }
    push(text, start..text.len(), &mut out);
    out
}

fn push(text: &str, span: Range<usize>, out: &mut Vec<Range<usize>>) {
    let Some(slice) = text.get(span.clone()) else { return };
    let start = span.start + (slice.len() - slice.trim_start().len());
    let end = start + slice.trim().len();
    if end > start {
        out.push(start..end);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn split(text: &str) -> Vec<&str> {
        sentences(text).into_iter().map(|span| &text[span]).collect()
    }

    #[test]
    fn end_marks_before_a_capital_end_a_sentence() {
        assert_eq!(
            split("One is here. Two (is too). \"Three?\" Yes! 4 more."),
            ["One is here.", "Two (is too).", "\"Three?\"", "Yes!", "4 more."]
        );
    }

    #[test]
    fn abbreviations_decimals_and_code_do_not() {
        assert_eq!(split("Use e.g. Linux at 2.5 GB, i.e. `a. B` or Mr. J. Doe.").len(), 1);
        assert_eq!(split("See example.com for more. It is vs. Others").len(), 2);
    }

    #[test]
    fn lines_join_unless_the_break_is_hard() {
        assert_eq!(split("It goes\non here.\nNext."), ["It goes\non here.", "Next."]);
        assert_eq!(split("Street 5  \nTown"), ["Street 5", "Town"]);
    }

    #[test]
    fn full_width_marks_end_sentences_without_space() {
        assert_eq!(split("一。二！").len(), 2);
    }

    proptest::proptest! {
        #[test]
        fn nothing_but_white_space_is_lost(text in "[a-zA-Z .!?\n`)\"]{0,120}") {
            let mut joined = String::new();
            for span in sentences(&text) {
                joined.push_str(&text[span]);
            }
            let squeeze = |s: &str| s.chars().filter(|c| !c.is_whitespace()).collect::<String>();
            // A hard break's backslash is never in the alphabet above, so equality is exact.
            proptest::prop_assert_eq!(squeeze(&joined), squeeze(&text));
        }
    }
}
