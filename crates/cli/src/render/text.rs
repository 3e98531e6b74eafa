//! Text that came from outside (documents, models, tools) on its way to a terminal: without
//! control characters, which could move the cursor or change what was printed before.

use std::borrow::Cow;

/// What stands in for a control character.
const STAND_IN: char = '\u{FFFD}';

fn is_unsafe(c: char) -> bool {
    (c.is_control() && c != '\n' && c != '\t')
        // Overrides of the writing direction can make text read as another.
        || matches!(c, '\u{202A}'..='\u{202E}' | '\u{2066}'..='\u{2069}')
}

/// The text without control characters but line ends and tabs. Carriage returns are dropped.
pub(crate) fn clean(text: &str) -> Cow<'_, str> {
    if !text.contains(is_unsafe) {
        return Cow::Borrowed(text);
    }
    // A carriage return before a line end is a spelling of it; pieces of a stream can part the two.
    let chars = text.chars().filter(|c| *c != '\r');
    Cow::Owned(chars.map(|c| if is_unsafe(c) { STAND_IN } else { c }).collect())
}

/// The text in one line of at most `most` characters, cleaned, with `…` where it was cut.
pub(crate) fn one_line(text: &str, most: usize) -> String {
    let words = text.split_whitespace();
    let mut line = String::new();
    let mut count = 0;
    for word in words {
        if count > 0 {
            line.push(' ');
            count += 1;
        }
        for c in clean(word).chars() {
            if count >= most {
                line.pop();
                line.push('…');
                return line;
            }
            line.push(c);
            count += 1;
        }
    }
    line
}

/// `1 turn`, `2 turns`.
pub(crate) fn counted(count: u64, what: &str) -> String {
    let s = if count == 1 { "" } else { "s" };
    format!("{} {what}{s}", super::amount::grouped(count))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn control_characters_do_not_reach_the_terminal() {
        assert_eq!(clean("plain\ttext\n"), "plain\ttext\n");
        assert_eq!(clean("a\u{1b}[2Jb\rc\u{202e}d"), "a\u{FFFD}[2Jbc\u{FFFD}d");
        assert_eq!(clean("line\u{7}\r\nnext"), "line\u{FFFD}\nnext");
    }

    #[test]
    fn one_line_is_cut_at_its_limit_and_not_before() {
        assert_eq!(one_line(" a\n  b\tc ", 5), "a b c");
        assert_eq!(one_line("abcdef", 6), "abcdef");
        assert_eq!(one_line("abcdefg", 6), "abcde…");
        assert_eq!(one_line("", 6), "");
    }

    #[test]
    fn one_thing_has_no_plural() {
        assert_eq!(counted(1, "turn"), "1 turn");
        assert_eq!(counted(1_200, "token"), "1,200 tokens");
    }
}
