//! How a word stands in its question: with an article, as one of many, as a verb. A document that answers says the thing that is asked
//! about in the same word; what is done with it, it may say otherwise.

use crate::analysis::Token;

/// Marks of a word's place in the question and of its form.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Standing {
    /// Right behind an article or `this`.
    pub is_definite: bool,
    /// It ends like a form of a verb.
    pub is_verbal: bool,
    /// It ends in `s`.
    pub is_plural: bool,
}

const ARTICLES: &[&str] = &["the", "a", "an", "this", "that", "these", "those"];

impl Standing {
    /// The marks of the word at `at`.
    pub(super) fn of(words: &[Token<'_>], at: usize) -> Self {
        let text = |at: Option<usize>| {
            at.and_then(|at| words.get(at)).map(|t| t.text.as_str()).unwrap_or_default()
        };
        let word = text(Some(at));
        Self {
            is_definite: ARTICLES.contains(&text(at.checked_sub(1))),
            is_verbal: word.ends_with("ed") || word.ends_with("ing"),
            is_plural: word.ends_with('s'),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::Standing;
    use crate::analysis::tokens;

    fn of(question: &str, word: &str) -> Standing {
        let words = tokens(question);
        let at = words.iter().position(|token| token.text == word).unwrap();
        Standing::of(&words, at)
    }

    #[test]
    fn a_word_stands_by_what_is_before_it_and_how_it_ends() {
        let question = "Are the boxes stored in a cycle lane?";
        let boxes = of(question, "boxes");
        assert!(boxes.is_definite && boxes.is_plural && !boxes.is_verbal);
        let stored = of(question, "stored");
        assert!(stored.is_verbal && !stored.is_definite && !stored.is_plural);
        assert!(of(question, "cycle").is_definite);
        assert_eq!(of(question, "lane"), Standing::default());
    }
}
