//! Showing: values in, text or JSON out. Nothing here reads or writes anything.

pub(crate) mod amount;
pub(crate) mod answer;
pub(crate) mod checks;
pub(crate) mod diff;
pub(crate) mod flow;
pub(crate) mod flow_state;
pub(crate) mod junit;
pub(crate) mod problem;
pub(crate) mod questions;
pub(crate) mod run_json;
pub(crate) mod runs;
pub(crate) mod sarif;
pub(crate) mod session_json;
pub(crate) mod sessions;
pub(crate) mod state;
pub(crate) mod style;
pub(crate) mod table;
pub(crate) mod text;
pub(crate) mod timeline;
pub(crate) mod tree;
pub(crate) mod work;
