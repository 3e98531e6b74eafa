//! The laws of the guard, over texts put together from what it looks for and what it should not.

mod identifiers;
mod laws;
mod texts;
