//! The laws of the guard, over texts put together from what it looks for and what it should not.

mod corpus;
mod corpus_laws;
mod identifiers;
#[cfg(test)]
mod injection;
mod laws;
mod probes;
mod self_harm;
mod self_harm_table;
mod texts;
