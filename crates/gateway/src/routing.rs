//! Which model answers a call that names none: pools, how one of their models is chosen, and what
//! the choice learns.

pub(crate) mod demand;
