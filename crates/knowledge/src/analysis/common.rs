//! How ordinary a word is. An ordinary word of a question ("cover", "big", "place") is often said in other words by the document that
//! answers it; a rare one (a product, a material, a country) seldom is, and its absence is evidence that the documents do not answer.

use std::collections::HashSet;
use std::sync::OnceLock;

use super::stem::stem;

/// Ordinary English words, several forms of which share a stem.
const WORDS: &str = include_str!("common.txt");

fn stems() -> &'static HashSet<String> {
    static STEMS: OnceLock<HashSet<String>> = OnceLock::new();
    STEMS.get_or_init(|| WORDS.split_whitespace().map(stem).collect())
}

/// Whether a stem belongs to an ordinary English word.
pub fn is_common(stem: &str) -> bool {
    stems().contains(stem)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ordinary_words_are_common_and_names_are_not() {
        assert!(is_common(&stem("happened")) && is_common(&stem("places")));
        assert!(!is_common(&stem("bitcoin")) && !is_common(&stem("kubernetes")));
    }
}
