//! Runs of graphs, folded by hand.

mod checks;
mod endings;
mod joins;
mod laws;
mod saga;
mod world;
