//! The stages themselves, one struct each.

pub(crate) mod after_tool;
pub(crate) mod before_tool;
pub(crate) mod clean;
pub(crate) mod help;
pub(crate) mod injection;
pub(crate) mod input;
pub(crate) mod judge;
pub(crate) mod leak;
pub(crate) mod reply;
