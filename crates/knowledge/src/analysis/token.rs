//! Splitting text into words, folded so that case, accents and typographic variants do not matter.

use std::ops::Range;

use unicode_normalization::UnicodeNormalization;
use unicode_normalization::char::is_combining_mark;

/// One word of a text.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Token<'a> {
    /// Folded form: lower case, no accents, no possessive, digits without separators.
    pub text: String,
    /// The word as written.
    pub raw: &'a str,
    /// Byte span of `raw` in the text.
    pub span: Range<usize>,
}

impl<'a> Token<'a> {
    /// The parts of a `camelCase` word; empty when it is not one.
    pub fn camel_parts(&self) -> Vec<&'a str> {
        let mut cuts = vec![0];
        let mut last_lower = false;
        for (at, c) in self.raw.char_indices() {
            if c.is_uppercase() && last_lower {
                cuts.push(at);
            }
            last_lower = c.is_lowercase();
        }
        if cuts.len() < 2 {
            return Vec::new();
        }
        cuts.push(self.raw.len());
        cuts.windows(2).filter_map(|pair| self.raw.get(*pair.first()?..*pair.get(1)?)).collect()
    }

    /// Whether the word begins with a capital letter.
    pub fn is_capitalised(&self) -> bool {
        self.raw.chars().next().is_some_and(char::is_uppercase)
    }

    /// Whether the word is an acronym such as `API`: two or more letters, all capital.
    pub fn is_acronym(&self) -> bool {
        self.raw.chars().filter(|c| c.is_alphabetic()).count() >= 2
            && self.raw.chars().all(|c| c.is_uppercase() || c.is_numeric())
    }

    /// Whether the word is a number.
    pub fn is_number(&self) -> bool {
        self.text.starts_with(|c: char| c.is_ascii_digit())
            && self.text.chars().all(|c| c.is_ascii_digit() || c == '.' || c == ':')
    }
}

/// Lower-cases and strips accents and apostrophes.
pub fn fold(word: &str) -> String {
    if word.is_ascii() {
        return word.chars().filter(|c| *c != '\'').map(|c| c.to_ascii_lowercase()).collect();
    }
    word.nfkd()
        .filter(|c| !is_combining_mark(*c) && !matches!(c, '\'' | '\u{2019}'))
        .flat_map(char::to_lowercase)
        .collect()
}

fn is_apostrophe(c: char) -> bool {
    matches!(c, '\'' | '\u{2019}')
}

/// Scripts written without spaces, where each character is taken as a word of its own.
fn stands_alone(c: char) -> bool {
    matches!(c, '\u{3040}'..='\u{30ff}' | '\u{3400}'..='\u{4dbf}' | '\u{4e00}'..='\u{9fff}' | '\u{f900}'..='\u{faff}')
}

/// The end of the number that starts `text`, with inner separators (`1,000`, `2.5`, `10:30`).
fn number_end(text: &str) -> usize {
    let bytes = text.as_bytes();
    let digit = |at: usize| bytes.get(at).is_some_and(u8::is_ascii_digit);
    let mut end = 0;
    while digit(end)
        || (matches!(bytes.get(end), Some(b'.' | b',' | b':')) && digit(end + 1) && end > 0)
    {
        end += 1;
    }
    end
}

/// The end of the word that starts `text`: letters and digits, inner apostrophes, and a hyphen after a single letter (`e-mail`).
fn word_end(text: &str) -> usize {
    let mut end = 0;
    let mut letters = 0;
    let mut chars = text.char_indices().peekable();
    while let Some((at, c)) = chars.next() {
        let next_is_letter = chars.peek().is_some_and(|(_, next)| next.is_alphabetic());
        let inner = (is_apostrophe(c) && letters > 0 || c == '-' && letters == 1) && next_is_letter;
        if inner || (is_word_char(c) && !stands_alone(c)) {
            letters += 1;
            end = at + c.len_utf8();
        } else {
            break;
        }
    }
    end
}

fn is_word_char(c: char) -> bool {
    c.is_alphanumeric() || is_combining_mark(c)
}

/// The words of `text` in order. Everything that is neither letter nor digit separates, with the exceptions of apostrophes, number
/// separators and single-letter prefixes; `5GB` is two words.
pub fn tokens(text: &str) -> Vec<Token<'_>> {
    let mut out = Vec::new();
    let mut at = 0;
    while let Some(rest) = text.get(at..) {
        let Some(first) = rest.chars().next() else { break };
        let length = if first.is_ascii_digit() {
            number_end(rest)
        } else if stands_alone(first) {
            first.len_utf8()
        } else if is_word_char(first) {
            word_end(rest)
        } else {
            at += first.len_utf8();
            continue;
        };
        let length = length.max(first.len_utf8());
        let raw = rest.get(..length).unwrap_or(rest);
        let text = normal(raw);
        if !text.is_empty() {
            out.push(Token { text, raw, span: at..at + length });
        }
        at += length;
    }
    out
}

/// A word written in parts: `fork-lift`, `max_retries`, `task::spawn`, `HTTP/3`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Compound {
    /// Positions of its parts among the tokens.
    pub parts: Range<usize>,
    /// The folded parts without what joins them.
    pub text: String,
    /// Whether it is written as a name of a program: with `_` or `::`, or with a digit.
    pub is_name: bool,
}

/// A compound of more parts than this is a path or a table of figures.
const MAX_PARTS: usize = 4;

/// The compounds among the tokens of `text`.
pub fn compounds(text: &str, tokens: &[Token<'_>]) -> Vec<Compound> {
    let mut out = Vec::new();
    let mut start = 0;
    while start < tokens.len() {
        let mut end = start + 1;
        let mut is_name = false;
        while let (Some(last), Some(next)) = (tokens.get(end - 1), tokens.get(end)) {
            let gap = text.get(last.span.end..next.span.start).unwrap_or_default();
            if !matches!(gap, "-" | "_" | "::" | "/") {
                break;
            }
            is_name |= matches!(gap, "_" | "::") || next.is_number() && !last.is_number();
            end += 1;
        }
        let parts = tokens.get(start..end).unwrap_or_default();
        if (2..=MAX_PARTS).contains(&parts.len()) && !parts.iter().all(Token::is_number) {
            out.push(Compound {
                parts: start..end,
                text: parts.iter().map(|t| t.text.as_str()).collect(),
                is_name,
            });
        }
        start = end;
    }
    out
}

fn normal(raw: &str) -> String {
    if raw.starts_with(|c: char| c.is_ascii_digit()) {
        return raw.chars().filter(|c| *c != ',').collect();
    }
    let stripped = raw.strip_suffix("'s").or_else(|| raw.strip_suffix("\u{2019}s")).unwrap_or(raw);
    let folded = fold(stripped);
    let folded = if folded.contains('-') { folded.replace('-', "") } else { folded };
    match folded.as_str() {
        "zero" => "0",
        "two" => "2",
        "three" => "3",
        "four" => "4",
        "five" => "5",
        "six" => "6",
        "seven" => "7",
        "eight" => "8",
        "nine" => "9",
        "ten" => "10",
        "eleven" => "11",
        "twelve" => "12",
        "fourteen" => "14",
        "fifteen" => "15",
        "twenty" => "20",
        "thirty" => "30",
        "forty" => "40",
        "fifty" => "50",
        "sixty" => "60",
        "ninety" => "90",
        "hundred" => "100",
        _ => return folded,
    }
    .to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn words(text: &str) -> Vec<String> {
        tokens(text).into_iter().map(|t| t.text).collect()
    }

    #[test]
    fn case_accents_and_possessives_fold() {
        assert_eq!(words("The Café's door, O\u{2019}Neil"), ["the", "cafe", "door", "oneil"]);
        assert_eq!(words("E-mail a 30-day report"), ["email", "a", "30", "day", "report"]);
    }

    #[test]
    fn numbers_keep_decimals_and_lose_separators() {
        assert_eq!(
            words("1,000 at 2.5% by 10:30. 5GB fourteen"),
            ["1000", "at", "2.5", "by", "10:30", "5", "gb", "14"]
        );
    }

    #[test]
    fn identifiers_split_into_their_words() {
        assert_eq!(
            words("`max_retries` --dry-run a::b"),
            ["max", "retries", "dry", "run", "a", "b"]
        );
        let camel = tokens("maxRetryCount");
        assert_eq!(camel[0].camel_parts(), ["max", "Retry", "Count"]);
        assert!(tokens("HTTP")[0].camel_parts().is_empty());
    }

    #[test]
    fn words_in_parts_are_also_one_word() {
        let text = "fork-lift route_layer HTTP/3 2024-05-01 a/b/c/d/e";
        let found: Vec<(String, bool)> =
            compounds(text, &tokens(text)).into_iter().map(|c| (c.text, c.is_name)).collect();
        assert_eq!(
            found,
            [
                ("forklift".to_owned(), false),
                ("routelayer".to_owned(), true),
                ("http3".to_owned(), true)
            ]
        );
    }

    #[test]
    fn scripts_without_spaces_give_one_word_a_character() {
        assert_eq!(words("退货 ok"), ["退", "货", "ok"]);
    }

    proptest::proptest! {
        #[test]
        fn spans_are_the_words_as_written(text in ".{0,80}") {
            let mut last = 0;
            for token in tokens(&text) {
                proptest::prop_assert_eq!(&text[token.span.clone()], token.raw);
                proptest::prop_assert!(token.span.start >= last);
                last = token.span.end;
            }
        }
    }
}
