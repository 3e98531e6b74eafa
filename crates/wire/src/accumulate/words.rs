//! Text that arrives whole or in pieces.

use std::sync::Arc;

/// Text as far as it has arrived. What comes in one piece is copied once.
#[derive(Debug, Default)]
pub(super) enum Words {
    #[default]
    Empty,
    Whole(Arc<str>),
    Pieces(String),
}

impl Words {
    pub(super) fn push(&mut self, text: &str) {
        match self {
            Self::Empty => *self = Self::Whole(text.into()),
            Self::Whole(first) => {
                let mut all = String::with_capacity(4 * (first.len() + text.len()));
                all.push_str(first);
                all.push_str(text);
                *self = Self::Pieces(all);
            }
            Self::Pieces(all) => all.push_str(text),
        }
    }

    pub(super) fn as_str(&self) -> &str {
        match self {
            Self::Empty => "",
            Self::Whole(text) => text,
            Self::Pieces(text) => text,
        }
    }
}

impl From<Words> for Arc<str> {
    fn from(words: Words) -> Self {
        match words {
            Words::Empty => "".into(),
            Words::Whole(text) => text,
            Words::Pieces(text) => text.into(),
        }
    }
}
