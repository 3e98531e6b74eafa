//! Runs of graphs, folded by hand.

mod checks;
mod endings;
mod failures;
mod forks;
mod joins;
mod laws;
mod restarts;
mod saga;
mod world;
