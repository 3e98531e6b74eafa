//! The built-in tools: fetching pages, asking HTTP services, searching the web, reading and writing
//! files below one folder, arithmetic, the time, questions to a database. Each says what it may do,
//! whether running it twice does harm, and where its results come from; each has limits. They reach
//! the outside by ports (`Egress`, `Clock`, `Database`, `Commands`); files they open themselves, one
//! path segment at a time. Beside them, what makes tools of commands and of services that somebody
//! else has written. They run no code.
//!
//! ```
//! use largestack_ports::tool::Tool as _;
//! use largestack_tools::calculator;
//!
//! let tool = calculator::tool();
//! assert_eq!(&*tool.spec().name, "calculator");
//! assert!(tool.spec().idempotent);
//! assert_eq!(calculator::evaluate("0.1 + 0.2").unwrap().to_string(), "0.3");
//! ```
//!
//! - `web`, `search`: pages, services and search engines, by the one way out.
//! - `files`: one folder, and nothing outside it.
//! - `media`: what a question is asked with beside words.
//! - `calculator`, `time`: what models are bad at.
//! - `sql`: questions that change nothing.
//! - `wait`: events from outside and moments.
//! - `command`, `process`: commands as tools, and how they are run; `http_call`: calls of services;
//!   `openapi`: the operations of a service as its document describes them.
//! - `shell`: commands that an operator has allowed word by word.
//! - `confine`: what keeps commands from the rest of the machine.
//! - `dynamic`: tools made of a name, a schema and a function.

mod built_in;
pub mod calculator;
pub mod command;
#[cfg(target_os = "linux")]
pub mod confine;
mod dynamic;
pub mod files;
pub mod http_call;
pub mod media;
pub mod openapi;
mod process;
pub mod reference;
pub mod search;
pub mod shell;
pub mod sql;
#[cfg(test)]
mod testing;
pub mod time;
pub mod wait;
pub mod web;
mod withheld;

pub use dynamic::DynamicTool;
pub use process::Processes;
