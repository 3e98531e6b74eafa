//! The layers, one a file; [`crate::stack`] has their order.

pub(crate) mod breaker;
pub(crate) mod cache;
pub(crate) mod continuation;
pub(crate) mod cut;
pub(crate) mod deadline;
pub(crate) mod errand;
pub(crate) mod exchange;
pub(crate) mod fallback;
pub(crate) mod kill_switch;
pub(crate) mod meter;
pub(crate) mod rate_limit;
pub(crate) mod retry;
