//! `#[tool]`: turns a Rust function into a tool. The JSON Schema of its arguments, their
//! descriptions and constraints come from the function itself, so that they cannot drift apart.
//! Whether a call's arguments fit the schema is checked where calls are run, not here.
//!
//! ```
//! # mod shim { pub mod __private { include!("../../largestack/src/private.rs"); } }
//! use largestack_macros::tool;
//! # use shim::__private::Tool;
//!
//! /// The weather of the next days.
//! #[tool(
//!     idempotent,
//!     timeout = "10s",
//! #   crate = shim,
//! )]
//! async fn weather(
//!     /// The city, in English.
//!     city: String,
//!     /// How many days ahead.
//!     #[schemars(range(min = 1, max = 14))]
//!     days: Option<u32>,
//! ) -> Result<String, std::io::Error> {
//!     Ok(format!("Sun in {city} for {} days", days.unwrap_or(1)))
//! }
//!
//! let tool = weather();
//! let schema = tool.spec().parameters.as_str();
//! assert!(schema.contains(r#""description":"The city, in English.""#));
//! assert!(schema.contains(r#""required":["city"]"#));
//! ```

mod emit;
mod function;
mod method;
mod options;
mod parameter;
mod spelling;

#[cfg(test)]
mod tests;

use proc_macro::TokenStream;

/// Makes a free function a tool, to be handed to an agent's builder by its name. `name()` is the
/// value that implements `Tool`; the function itself stays callable as `name::direct(..)`.
///
/// Options: `name = ".."`, `description = ".."`, `idempotent`, `timeout = "30s"`, `retries = n`
/// (of an idempotent tool; of another one only where a failure says that nothing happened),
/// `backoff = "exponential"` (or `linear`, `constant`, `none`), `backoff_unit = "1s"`,
/// `backoff_max = "30s"`, `jitter = false`, `breaker = n` (failures), `breaker_window = "1m"`,
/// `breaker_cooldown = "30s"`, `calls_per_minute = n` (of an agent), `tenant_calls_per_minute = n`,
/// `cache = "1h"` (of an idempotent tool), `version = ".."`, `capabilities = "read, send"`,
/// `classes = "contact"` (what results hold), `reveals = "card"` (what is given in clear),
/// `origin = "operator"` (where results come from; unless said they are untrusted),
/// `approval = "required"`, `raise`, `max_result_chars = n`, `blocking` (runs a function that is
/// not async on a thread of its own), `crate = path`.
///
/// The doc comment is the description for the model, and doc comments on parameters describe
/// them. `Option<T>` need not be given; `#[default(expr)]` gives a value for what is absent;
/// `#[schemars(..)]`, `#[serde(..)]` and `#[validate(..)]` are passed on. A parameter of type
/// `ToolContext` or `&ToolContext` is filled in and invisible to the model. A function returns
/// anything that serialises, a `ToolOutput`, nothing, or a `Result` of these whose error turns
/// into a `ToolFailure` or can be displayed.
#[proc_macro_attribute]
pub fn tool(options: TokenStream, item: TokenStream) -> TokenStream {
    emit::tool(options.into(), item.into()).unwrap_or_else(|error| error.to_compile_error()).into()
}
