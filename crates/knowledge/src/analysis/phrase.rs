//! Phrases that stand for one word: `get rid of` is to remove, `at most` a maximum.

use std::collections::HashMap;
use std::sync::OnceLock;

use super::stem::stem;
use super::token::Token;

/// One phrase a line.
const PHRASES: &str = include_str!("phrases.txt");

struct Phrase {
    /// The words after the first, as they stand.
    rest: Vec<&'static str>,
    /// The stem of what it means.
    meaning: String,
}

/// Phrases by the stem of their first word.
fn table() -> &'static HashMap<String, Vec<Phrase>> {
    static TABLE: OnceLock<HashMap<String, Vec<Phrase>>> = OnceLock::new();
    TABLE.get_or_init(|| {
        let mut out: HashMap<String, Vec<Phrase>> = HashMap::new();
        let lines = PHRASES.lines().filter(|line| !line.starts_with('#'));
        for (words, meaning) in lines.filter_map(|line| line.split_once(" = ")) {
            let mut words = words.split(' ');
            let first = stem(words.next().unwrap_or_default());
            let phrase = Phrase { rest: words.collect(), meaning: stem(meaning) };
            out.entry(first).or_default().push(phrase);
        }
        out
    })
}

/// The stem of the word that the words from `at` on amount to.
pub fn phrase(words: &[Token<'_>], at: usize) -> Option<&'static str> {
    let first = words.get(at)?;
    let follow = words.get(at + 1..)?;
    let known = table().get(&stem(&first.text))?;
    let found = known.iter().find(|phrase| {
        follow.len() >= phrase.rest.len()
            && phrase.rest.iter().zip(follow).all(|(word, token)| *word == token.text)
    })?;
    Some(&found.meaning)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::analysis::tokens;

    fn meanings(text: &str) -> Vec<&'static str> {
        let words = tokens(text);
        (0..words.len()).filter_map(|at| phrase(&words, at)).collect()
    }

    #[test]
    fn a_phrase_stands_for_one_word() {
        assert_eq!(meanings("We sent it back; send back the rest"), [stem("return")]);
        assert_eq!(meanings("at most five"), [stem("maximum")]);
        assert!(meanings("green back").is_empty());
    }

    #[test]
    fn every_line_is_a_phrase_and_its_meaning() {
        let lines = PHRASES.lines().filter(|line| !line.starts_with('#'));
        for line in lines {
            let (words, meaning) = line.split_once(" = ").expect(line);
            assert!(words.contains(' ') && !meaning.contains(' '), "{line}");
        }
    }
}
