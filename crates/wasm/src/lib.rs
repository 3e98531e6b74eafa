//! Commands that are WebAssembly, run in this process by wasmtime: a component with `wasi:cli/run`, or a
//! module with `_start` (WASI 0.1). They have a standard input, output and error, arguments, the
//! variables that are named, clocks, random numbers, and the folders that are named; no network, no
//! other file, no process, on every system. It is deliberately no second kind of tool:
//! what runs commands also runs these.
//!
//! Everything is behind the feature `runtime`.

#[cfg(feature = "runtime")]
mod commands;
#[cfg(feature = "runtime")]
mod folders;
#[cfg(feature = "runtime")]
mod kept;
#[cfg(feature = "runtime")]
mod limits;
#[cfg(feature = "runtime")]
mod programs;

#[cfg(feature = "runtime")]
pub use commands::WasmCommands;
