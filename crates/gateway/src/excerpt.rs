//! A look at a body that is not what was expected: short, on one line, without anything that
//! might be a key.

/// The most characters shown.
const MAX_CHARS: usize = 160;
/// Runs of letters and digits at least this long that hold a digit are not shown.
const MIN_KEY: usize = 16;

/// The beginning of a body, fit for an error.
pub(crate) fn of(body: &[u8]) -> String {
    let head = body.get(..MAX_CHARS * 4).unwrap_or(body);
    let text = String::from_utf8_lossy(head);
    let words: Vec<String> = text.split_whitespace().map(without_keys).collect();
    let line: String = words.join(" ").chars().filter(|c| !c.is_control()).collect();
    if line.is_empty() {
        return "nothing".to_owned();
    }
    match line.char_indices().nth(MAX_CHARS) {
        Some((end, _)) => format!("{}...", line.get(..end).unwrap_or_default()),
        None => line,
    }
}

fn without_keys(word: &str) -> String {
    let belongs = |c: char| c.is_ascii_alphanumeric() || matches!(c, '_' | '-' | '.');
    let secret = |run: &str| run.len() >= MIN_KEY && run.contains(|c: char| c.is_ascii_digit());
    let mut clean = String::with_capacity(word.len());
    for piece in word.split_inclusive(|c| !belongs(c)) {
        let run = piece.trim_end_matches(|c| !belongs(c));
        if secret(run) {
            clean.push_str(&piece.replacen(run, "[redacted]", 1));
        } else {
            clean.push_str(piece);
        }
    }
    clean
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_excerpt_is_one_short_line() {
        assert_eq!(of(b"<html>\n  <b>Bad gateway</b>"), "<html> <b>Bad gateway</b>");
        assert_eq!(of(b" \n"), "nothing");
        let long = of("x ".repeat(500).as_bytes());
        assert_eq!(long.chars().count(), MAX_CHARS + 3);
        assert!(long.ends_with("..."));
        assert_eq!(of(&[b'a', 0xff, b'b']), "a\u{fffd}b");
    }

    #[test]
    fn what_may_be_a_key_is_not_shown() {
        let shown = of(b"{\"error\": \"bad key sk-proj-abcDEF1234567890, go away\"}");
        assert_eq!(shown, "{\"error\": \"bad key [redacted], go away\"}");
        assert_eq!(of(b"internationalisation"), "internationalisation");
    }
}
