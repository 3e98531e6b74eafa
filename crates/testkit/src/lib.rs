//! What tests and benches put in the place of the world: models that follow a script
//! ([`TestModel`]) or a function ([`FunctionModel`]), a provider on the loopback that answers as
//! told and fails exactly where told ([`Upstream`]), a clock that stands still and ids that count.
//! It asserts nothing itself: what was asked is recorded, and the test looks. Apart from that stand
//! the laws
//! that every form of a port must keep ([`ledger_suite`]).
//!
//! ```
//! use largestack_testkit::{TestModel, Turn};
//!
//! let model = TestModel::new([
//!     Turn::tool("search", r#"{"query": "postage"}"#).and_tool("today", "{}"),
//!     Turn::text("The shop pays the postage.").pieces(3).usage(120, 8),
//! ]);
//! assert_eq!(model.calls().len(), 0);
//! ```

pub mod approvals_suite;
mod context;
mod dice;
mod function_model;
pub mod journal_suite;
pub mod kept_suite;
pub mod ledger_suite;
pub mod limits_suite;
pub mod oracle;
pub mod queue_suite;
pub mod replay;
pub mod retention_suite;
pub mod services;
pub mod sessions_suite;
pub mod signals_suite;
pub mod switch_suite;
mod test_model;
mod turn;
pub mod upstream;
pub mod vault_suite;
pub mod wire_suite;

pub use context::{budgeted, context, question};
pub use dice::Dice;
pub use function_model::FunctionModel;
pub use largestack_ports::clock::FakeClock;
pub use largestack_ports::ids::CountingIds;
pub use test_model::TestModel;
pub use turn::Turn;
pub use upstream::{Answer, ChatReply, FoundReply, Place, Received, Upstream};
