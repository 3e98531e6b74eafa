//! Structured answers, the pure half: which JSON value a reply means, and what may be mended on
//! the way to it.
//!
//! What is mended is what loses and guesses nothing: a fence or words around one JSON value, a
//! comma before a closing bracket, a line break inside of a string, closing brackets missing
//! behind a complete value, and a null that stands for a property which may be left out but not be
//! null (providers that demand every property make models write it). Everything else goes back to
//! the model: no renamed fields, no converted types, no quotes put where they might belong.

mod mend;
mod optional;
mod partial;
mod read;
mod rooted;

pub use optional::without_needless_nulls;
pub use partial::partial;
pub use read::{Unreadable, read};
pub use rooted::{ROOT_KEY, rooted};
