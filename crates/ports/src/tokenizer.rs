//! Counting tokens as a model's own tokeniser does, for whoever has its tables.

/// A tokeniser, of as many models as it knows.
pub trait Tokenizer: Send + Sync + 'static {
    /// The name of this model's encoding, such as `o200k_base`; `None` where it is not known.
    fn encoding(&self, model: &str) -> Option<&str>;

    /// The tokens of a text in the encoding of this name; `None` where it is not known.
    fn count(&self, encoding: &str, text: &str) -> Option<u64>;
}
