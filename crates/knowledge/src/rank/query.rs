//! From a question to weighted terms.

use crate::analysis::phrase::phrase;
use crate::analysis::{stem, stop, synonym, token::compounds, tokens};

/// One term that is looked for.
#[derive(Debug, Clone, PartialEq)]
pub struct Want {
    /// The stem.
    pub stem: String,
    /// How much a match counts: 1 for a word asked, less for frame words and synonyms.
    pub weight: f64,
    /// Which asked word it stands for: of all that stand for one word only the best match counts.
    pub word: usize,
}

/// A query in index terms.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Query {
    /// The terms, asked words before their synonyms.
    pub wants: Vec<Want>,
    /// The asked words and compounds, folded, each with its stem.
    pub asked: Vec<(String, String)>,
}

/// A synonym's match counts this much of its nearness.
const SYNONYM: f64 = 0.6;
/// Synonyms looked for beside one word.
const MAX_SYNONYMS: usize = 24;
/// A frame word's match counts this much.
const FRAME: f64 = 0.4;
/// Terms beyond this many are dropped: nobody asks with so many words, but somebody pastes a book.
pub const MAX_TERMS: usize = 64;

impl Query {
    /// Analyses a question. Empty when it has no words but little ones.
    pub fn parse(question: &str) -> Self {
        let words = tokens(question);
        let compounds = compounds(question, &words);
        let mut wants: Vec<Want> = Vec::new();
        let mut asked: Vec<(String, String)> = Vec::new();
        let mut seen: Vec<String> = Vec::new();
        for (at, token) in words.iter().enumerate() {
            let phrase = phrase(&words, at);
            if stop::is_stop(&token.text) && phrase.is_none() {
                continue;
            }
            let meant = phrase.filter(|_| stop::is_stop(&token.text));
            let stem = meant.map_or_else(|| stem(&token.text), str::to_owned);
            if seen.contains(&stem) {
                continue;
            }
            if seen.len() >= MAX_TERMS {
                break;
            }
            let weight = if stop::is_frame(&token.text) && phrase.is_none() { FRAME } else { 1.0 };
            let word = seen.len();
            let mut add = |stem: String, weight: f64| {
                if !wants.iter().any(|want| want.stem == stem && want.word == word) {
                    wants.push(Want { stem, weight, word });
                }
            };
            add(stem.clone(), weight);
            asked.push((meant.map_or_else(|| token.text.clone(), str::to_owned), stem.clone()));
            for (other, near) in synonym::synonyms(&stem).into_iter().take(MAX_SYNONYMS) {
                add(other.to_owned(), weight * near * SYNONYM);
            }
            if let Some(phrase) = phrase {
                for (other, near) in synonym::synonyms(phrase).into_iter().take(MAX_SYNONYMS) {
                    add(other.to_owned(), weight * near * SYNONYM);
                }
                add(phrase.to_owned(), weight);
            }
            if let Some(compound) = compounds.iter().find(|compound| compound.parts.contains(&at)) {
                let whole = crate::analysis::stem(&compound.text);
                add(whole.clone(), weight);
                asked.push((compound.text.clone(), whole));
            }
            seen.push(stem);
        }
        asked.dedup();
        Self { wants, asked }
    }

    /// Whether nothing is looked for.
    pub fn is_empty(&self) -> bool {
        self.wants.is_empty()
    }

    /// Every stem once.
    pub fn stems(&self) -> Vec<String> {
        let mut out: Vec<String> = self.wants.iter().map(|want| want.stem.clone()).collect();
        out.sort_unstable();
        out.dedup();
        out
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn asked_words_come_before_their_synonyms_and_little_words_do_not_come() {
        let query = Query::parse("Who pays the postage?");
        let asked: Vec<&str> = query.asked.iter().map(|(word, _)| word.as_str()).collect();
        assert_eq!(asked, ["pays", "postage"]);
        let ship = query.wants.iter().find(|want| want.stem == stem("shipping")).unwrap();
        assert!(ship.weight < 1.0);
        assert!(Query::parse("what is it?").is_empty());
    }

    #[test]
    fn a_pasted_book_is_cut_at_the_limit() {
        let words: Vec<String> = (0..MAX_TERMS + 5).map(|n| format!("word{n}x")).collect();
        assert_eq!(Query::parse(&words.join(" ")).asked.len(), MAX_TERMS);
        assert_eq!(Query::parse(&words[..MAX_TERMS].join(" ")).asked.len(), MAX_TERMS);
    }
}
