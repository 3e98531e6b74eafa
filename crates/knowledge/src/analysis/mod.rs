//! What a word is, when two words mean the same, and where a sentence ends. Indexing, ranking and answering share these so that a word
//! that was found by one is recognised by the others.

pub mod common;
mod comparison;
pub mod phrase;
pub mod sentence;
pub mod stem;
pub mod stop;
pub mod synonym;
pub mod token;

pub use stem::stem;
pub use token::{Token, tokens};

/// The index terms of a text: folded, stemmed, without stop words, with repeats. Phrases give their meaning as well. Compound words (`max_retries`,
/// `maxRetries`, `fork-lift`) give their parts and the whole.
pub fn terms(text: &str) -> Vec<String> {
    let words = tokens(text);
    let mut out: Vec<String> =
        token::compounds(text, &words).into_iter().map(|compound| stem(&compound.text)).collect();
    out.extend((0..words.len()).filter_map(|at| phrase::phrase(&words, at)).map(str::to_owned));
    for token in words {
        if stop::is_stop(&token.text) {
            continue;
        }
        for part in token.camel_parts() {
            let part = stem(&token::fold(part));
            if !part.is_empty() {
                out.push(part);
            }
        }
        out.push(stem(&token.text));
    }
    out
}

/// A count as a real number; counts here are far below 2^32.
pub(crate) fn real(count: usize) -> f64 {
    u32::try_from(count).map_or(f64::MAX, f64::from)
}
