//! How wide words are without a font at hand: an upper bound, so that what is set by it has room.

/// The width of words in pixels at a size of letters, in the common fonts of screens.
pub(super) fn width(words: &str, size: f64, bold: bool) -> f64 {
    let ems: f64 = words.chars().map(em).sum();
    ems * size * if bold { 1.08 } else { 1.0 }
}

/// The width of a letter, as a part of the size.
fn em(letter: char) -> f64 {
    match letter {
        'i' | 'j' | 'l' | '.' | ',' | ':' | ';' | '\'' | '|' | '!' => 0.32,
        'f' | 't' | 'r' | ' ' | '-' | '(' | ')' | '/' | 'I' | '·' => 0.42,
        'm' | 'w' | 'M' | 'W' | '@' | '%' | '…' => 0.98,
        'A'..='Z' | '_' | '&' => 0.74,
        _ if letter.is_ascii() => 0.62,
        // Scripts in which a letter fills its square, and pictures.
        '\u{1100}'..='\u{11ff}'
        | '\u{2e80}'..='\u{d7ff}'
        | '\u{f900}'..='\u{faff}'
        | '\u{ff00}'..='\u{ffef}'
        | '\u{1f000}'.. => 1.15,
        _ => 0.8,
    }
}

/// At most so many letters, with `…` where some are left out.
pub(super) fn cut(words: &str, most: usize) -> String {
    if words.chars().count() <= most {
        return words.to_owned();
    }
    let kept: String = words.chars().take(most.saturating_sub(1)).collect();
    format!("{kept}…")
}

/// Text that can stand in an XML element or attribute. What XML 1.0 has no place for is left out
/// (<https://www.w3.org/TR/xml/#charsets>).
pub(super) fn escaped(words: &str) -> String {
    let mut text = String::with_capacity(words.len());
    for letter in words.chars() {
        match letter {
            '&' => text.push_str("&amp;"),
            '<' => text.push_str("&lt;"),
            '>' => text.push_str("&gt;"),
            '"' => text.push_str("&quot;"),
            '\'' => text.push_str("&#39;"),
            // Overrides of the writing direction can make text read as another, too.
            '\u{fffe}' | '\u{ffff}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}' => {}
            letter if letter.is_control() => text.push(' '),
            letter => text.push(letter),
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_are_cut_at_their_limit_and_not_before() {
        assert_eq!(cut("abcd", 4), "abcd");
        assert_eq!(cut("abcde", 4), "abc…");
    }

    #[test]
    fn nothing_in_words_ends_the_text_that_they_stand_in() {
        assert_eq!(
            escaped("<a href=\"x\">'&\u{0}\u{202e}"),
            "&lt;a href=&quot;x&quot;&gt;&#39;&amp; "
        );
    }

    #[test]
    fn wide_letters_take_more_room() {
        assert!(width("ill", 10.0, false) < width("mmm", 10.0, false));
        assert!(width("日本語", 10.0, false) > 30.0);
    }
}
