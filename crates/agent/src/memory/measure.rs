//! How many tokens a message is: counted by the model's own tokeniser where there is one, else
//! estimated.

use std::sync::Arc;

use largestack_ports::tokenizer::Tokenizer;
use largestack_types::message::Message;
use largestack_types::part::{Body, Part};

/// The name of an estimate among encodings.
pub const ESTIMATE: &str = "estimate";

/// Characters of ASCII that are a token in an estimate: what English has on average.
const ASCII_PER_TOKEN: u64 = 4;
/// Tokens around a message: who speaks, and separators.
const PER_MESSAGE: u64 = 4;
/// Tokens of a medium: what most models make of an image of a thousand pixels' width.
const MEDIUM: u64 = 1_000;

/// Measures messages for one model.
pub(crate) struct Measure {
    exact: Option<(Arc<dyn Tokenizer>, Arc<str>)>,
}

impl Measure {
    /// The measure of this model's messages.
    pub(crate) fn of(model: &str, tokenizer: Option<&Arc<dyn Tokenizer>>) -> Self {
        let exact = tokenizer.and_then(|tokenizer| {
            let encoding = tokenizer.encoding(model)?.into();
            Some((Arc::clone(tokenizer), encoding))
        });
        Self { exact }
    }

    /// Who counts: the name of an encoding, or [`ESTIMATE`].
    pub(crate) fn name(&self) -> Arc<str> {
        self.exact.as_ref().map_or_else(|| ESTIMATE.into(), |(_, encoding)| Arc::clone(encoding))
    }

    /// The tokens of a message. What a provider puts around it is an estimate in any case.
    pub(crate) fn message(&self, message: &Message) -> u64 {
        let parts = message.parts.iter().map(|part| self.part(part));
        parts.fold(PER_MESSAGE, u64::saturating_add)
    }

    fn part(&self, part: &Part) -> u64 {
        match &part.body {
            Body::Text(text) | Body::Refusal(text) => self.text(text),
            Body::Reasoning(thought) => self.text(&thought.text),
            Body::ToolCall(call) => self.text(&call.name) + self.text(call.arguments.as_str()),
            Body::ToolResult(result) => {
                self.text(&result.text) + MEDIUM.saturating_mul(result.media.len() as u64)
            }
            Body::Media(_) => MEDIUM,
            Body::ServerTool(raw) | Body::Unknown(raw) => self.text(raw.as_str()),
            _ => 0,
        }
    }

    fn text(&self, text: &str) -> u64 {
        let exact = self.exact.as_ref();
        let exact = exact.and_then(|(tokenizer, encoding)| tokenizer.count(encoding, text));
        exact.unwrap_or_else(|| estimate(text))
    }
}

/// About as many tokens: one for each four characters of ASCII and one for each other character. Too
/// many for most scripts, so that a limit is kept rather than passed.
fn estimate(text: &str) -> u64 {
    let other = text.chars().filter(|char| !char.is_ascii()).count() as u64;
    let ascii = text.bytes().filter(u8::is_ascii).count() as u64;
    other + ascii.div_ceil(ASCII_PER_TOKEN)
}

#[cfg(test)]
mod tests {
    use super::*;
    use largestack_types::part::PartId;

    /// Knows one model, whose tokens are words.
    struct Words;

    impl Tokenizer for Words {
        fn encoding(&self, model: &str) -> Option<&str> {
            (model == "test/words").then_some("words")
        }

        fn count(&self, encoding: &str, text: &str) -> Option<u64> {
            (encoding == "words").then(|| text.split_whitespace().count() as u64)
        }
    }

    fn message(text: &str) -> Message {
        Message::user(PartId::new(0, 1), text)
    }

    #[test]
    fn an_estimate_counts_letters_by_four_and_everything_else_one_by_one() {
        let measure = Measure::of("any/model", None);
        let tokens = |text| measure.message(&message(text)) - PER_MESSAGE;
        assert_eq!([tokens(""), tokens("abcd"), tokens("abcde")], [0, 1, 2]);
        assert_eq!([tokens("日本"), tokens("ärger")], [2, 2]);
        assert_eq!(&*measure.name(), ESTIMATE);
    }

    #[test]
    fn a_models_own_tokeniser_counts_where_it_is_known() {
        let tokenizer: Arc<dyn Tokenizer> = Arc::new(Words);
        let known = Measure::of("test/words", Some(&tokenizer));
        assert_eq!((known.message(&message("one two three")), &*known.name()), (7, "words"));
        let unknown = Measure::of("test/other", Some(&tokenizer));
        assert_eq!((unknown.message(&message("one two three")), &*unknown.name()), (8, ESTIMATE));
    }
}
