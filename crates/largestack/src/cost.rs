//! What a call will cost, before it is made.
//!
//! ```
//! let guess = largestack::cost::predict("openai/gpt-4o-mini", "Why is the sky blue?", Some(200))?;
//! assert!(guess.low <= guess.expected && guess.expected <= guess.high);
//! assert!(guess.high < guess.worst_case, "this much a budget must have left");
//! # Ok::<(), largestack::LargestackError>(())
//! ```

use std::sync::Arc;

use largestack_http::SystemClock;
use largestack_ports::clock::Clock as _;
use largestack_types::call::{Call, Settings, ToolChoice};
use largestack_types::errors::Result;
use largestack_types::message::Message;
use largestack_types::part::PartId;
use largestack_wire::Registry;
use largestack_wire::price::Book;

pub use largestack_wire::price::Prediction;

/// What asking this model will cost today, by the built-in providers and prices. The answer is
/// expected to be half as long again as the input, and never longer than `max_output_tokens`, or
/// than what is sent when nobody says. `LARGESTACK_BUDGET` where the price is not known,
/// `LARGESTACK_MODEL_UNKNOWN` where the model is not.
pub fn predict(model: &str, input: &str, max_output_tokens: Option<u32>) -> Result<Prediction> {
    let call = Call {
        model: model.into(),
        messages: Arc::new(vec![Arc::new(Message::user(PartId::default(), input))]),
        tools: Arc::new([]),
        tool_choice: ToolChoice::Auto,
        settings: Arc::new(Settings { max_output_tokens, ..Settings::default() }),
        stream: false,
    };
    let now = SystemClock.now();
    largestack_gateway::predict(Registry::builtin(), Book::builtin(), &call, now, None)
}
