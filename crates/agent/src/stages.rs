//! The stages themselves, one struct each.

pub(crate) mod after_tool;
pub(crate) mod before_tool;
pub(crate) mod input;
pub(crate) mod reply;
