//! What a run may do with what it has read. A call of a tool is judged by what the tool does to the
//! world, by where everything in the context came from, and by where each of its arguments stands;
//! the same call in the same context is judged the same, whenever it is looked at.
//!
//! It reads labels and compares text. It does not judge whether a text looks like an attack, asks
//! nobody and performs nothing.
//!
//! ```
//! use largestack_policy::{Taint, ToolCall};
//! use largestack_types::label::{Label, Origin};
//! use largestack_types::policy::Decision;
//! use largestack_types::tool::Capability;
//!
//! let call = ToolCall {
//!     tool: "send_mail",
//!     does: &[Capability::Send].into(),
//!     label: Label::from_origin(Origin::Web),
//!     ..ToolCall::default()
//! };
//! let judged = Taint::default().judge(&call).map(|judged| judged.decision);
//! assert_eq!(judged, Some(Decision::RequireApproval));
//! ```

mod judge;
mod quote;
mod taint;

pub use judge::{Judged, ToolCall};
pub use quote::is_users_own;
pub use taint::{OnUntrusted, Taint};
