//! Tokens counted as a model's own tokeniser counts them, for models whose tables are public: those
//! of OpenAI. The tables are part of this crate's dependency and weigh some five megabytes, so that
//! nobody has them who has not asked for them. It deliberately knows nothing of what a provider puts
//! around words: whoever reserves money adds that.
//!
//! ```
//! use largestack_ports::tokenizer::Tokenizer as _;
//! use largestack_tokens::Tiktoken;
//!
//! let encoding = Tiktoken.encoding("openai/gpt-4o-mini");
//! assert_eq!(encoding, Some("o200k_base"));
//! assert_eq!(Tiktoken.count("o200k_base", "hello world"), Some(2));
//! assert_eq!(Tiktoken.encoding("anthropic/claude-sonnet-4-6"), None);
//! ```

use largestack_ports::tokenizer::Tokenizer;
use largestack_wire::profile::{Encoding, Profiles};

/// Rows of the provider table behind which a model has its maker's tokeniser. Elsewhere a name is
/// somebody's word.
const OPENAI: &[&str] = &["openai", "openai_responses", "azure", "azure_responses"];
/// Bytes of a text that are counted. Longer ones take longer than a bound is worth.
const MOST_BYTES: usize = 1 << 20;
/// Characters between two changes from space to words: the splitter of the tables gives up on runs
/// that are much longer.
const MOST_RUN: usize = 1 << 10;

/// The tokenisers of OpenAI's models.
#[derive(Clone, Copy, Debug, Default)]
pub struct Tiktoken;

impl Tokenizer for Tiktoken {
    fn encoding(&self, model: &str) -> Option<&str> {
        let (provider, name) = model.split_once('/')?;
        let encoding = Profiles::builtin().of(name).encoding?;
        OPENAI.contains(&provider).then_some(encoding.name())
    }

    fn count(&self, encoding: &str, text: &str) -> Option<u64> {
        let table = match Encoding::of(encoding)? {
            Encoding::Cl100kBase => tiktoken_rs::cl100k_base_singleton,
            Encoding::O200kBase => tiktoken_rs::o200k_base_singleton,
        };
        is_counted(text).then(|| table().count_ordinary(text) as u64)
    }
}

/// Whether a text is one that is counted within reasonable work.
fn is_counted(text: &str) -> bool {
    let mut run = (false, 0);
    text.len() <= MOST_BYTES
        && text.chars().all(|letter| {
            let space = letter.is_whitespace();
            run = if space == run.0 { (space, run.1 + 1) } else { (space, 1) };
            run.1 <= MOST_RUN
        })
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const BOTH: [&str; 2] = ["cl100k_base", "o200k_base"];

    #[test]
    fn texts_have_as_many_tokens_as_their_tables_say() {
        let known = [
            ("", 0, 0),
            ("hello world", 2, 2),
            ("tiktoken is great!", 6, 6),
            ("antidisestablishmentarianism", 6, 6),
            ("2 + 2 = 4", 7, 7),
            ("お誕生日おめでとう", 9, 8),
        ];
        for (text, cl100k, o200k) in known {
            assert_eq!(Tiktoken.count("cl100k_base", text), Some(cl100k), "{text}");
            assert_eq!(Tiktoken.count("o200k_base", text), Some(o200k), "{text}");
        }
        assert_eq!(Tiktoken.count("another", "hello"), None);
    }

    #[test]
    fn a_model_has_its_tokeniser_behind_the_rows_of_its_maker() {
        let known = [
            ("openai/gpt-4o-2024-08-06", Some("o200k_base")),
            ("openai/gpt-4.1-mini", Some("o200k_base")),
            ("azure/gpt-5", Some("o200k_base")),
            ("openai_responses/o3", Some("o200k_base")),
            ("openai/gpt-4-turbo", Some("cl100k_base")),
            ("openai/gpt-3.5-turbo", Some("cl100k_base")),
            ("openai/something-else", None),
            ("house/gpt-4o", None),
            ("gpt-4o", None),
            ("google/gemini-2.5-pro", None),
        ];
        for (model, encoding) in known {
            assert_eq!(Tiktoken.encoding(model), encoding, "{model}");
        }
    }

    #[test]
    fn what_would_take_too_long_is_not_counted_on_one_side_of_each_limit() {
        let words = "word ".repeat(MOST_BYTES / 5);
        assert!(is_counted(&words) && words.len() <= MOST_BYTES);
        assert!(!is_counted(&format!("{words}{words}")));
        for letter in [" ", "a", "\n", "字", "!", "1", "\u{301}"] {
            let most = letter.repeat(MOST_RUN);
            for encoding in BOTH {
                let count = Tiktoken.count(encoding, &format!("{most}|")[..most.len()]);
                assert!(count.is_some_and(|count| count <= most.len() as u64), "{letter:?}");
            }
            assert_eq!(Tiktoken.count(BOTH[0], &letter.repeat(MOST_RUN + 1)), None, "{letter:?}");
        }
    }

    #[test]
    fn marks_of_the_protocol_in_a_text_are_words() {
        for encoding in BOTH {
            let count = Tiktoken.count(encoding, "<|endoftext|>");
            assert!(count.is_some_and(|count| count > 1), "{count:?}");
        }
    }

    proptest! {
        #[test]
        fn no_text_has_more_tokens_than_bytes(text in any::<String>(), spaced in "[ \\t\\na-zA-Z0-9.,ö字🦀]{0,80}") {
            for encoding in BOTH {
                for text in [&text, &spaced] {
                    let count = Tiktoken.count(encoding, text).unwrap();
                    prop_assert!(count <= text.len() as u64);
                    prop_assert_eq!(count == 0, text.is_empty());
                }
            }
        }
    }
}
