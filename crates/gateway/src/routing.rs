//! Which model answers a call that names none: pools, how one of their models is chosen, and what
//! the choice learns.

mod bandit;
mod choice;
pub(crate) mod demand;
mod ewma;
mod learned;
mod pool;
mod random;
mod router;
mod trial;

pub use pool::{Pool, Strategy};
pub(crate) use router::{Choice, Router};
pub(crate) use trial::Trial;
