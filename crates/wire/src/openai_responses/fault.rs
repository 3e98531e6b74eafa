//! Error bodies: those of chat completions, with the same codes.

pub(super) use crate::openai_chat::fault::{in_reply, refused};
