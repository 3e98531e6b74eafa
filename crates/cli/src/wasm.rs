//! Commands that are WebAssembly. Without the feature there is nothing that runs them, and an agent's file
//! that names one is refused.

use std::path::Path;
use std::sync::Arc;

use largestack_ports::clock::Clock;
use largestack_ports::command::{Commands, is_wasm};
use largestack_tools::Processes;
use largestack_types::errors::{Code, LargestackError, Result};

/// What runs every command, with a file or folder that none of them finds.
#[cfg(feature = "wasm")]
pub(crate) fn commands(
    processes: Processes,
    clock: Arc<dyn Clock>,
    hidden: &Path,
) -> Result<Arc<dyn Commands>> {
    let processes = Arc::new(processes.hiding(hidden));
    let commands = largestack_wasm::WasmCommands::new(clock, processes)
        .map_err(|error| LargestackError::from_coded(&error))?;
    Ok(Arc::new(commands.hiding(hidden)))
}

#[cfg(not(feature = "wasm"))]
#[expect(clippy::unnecessary_wraps, reason = "with the feature it can fail")]
pub(crate) fn commands(
    processes: Processes,
    _: Arc<dyn Clock>,
    hidden: &Path,
) -> Result<Arc<dyn Commands>> {
    Ok(Arc::new(processes.hiding(hidden)))
}

/// Refuses a program that nothing here runs.
pub(crate) fn check(tool: &str, program: &Path) -> Result<()> {
    if cfg!(feature = "wasm") || !is_wasm(program) {
        return Ok(());
    }
    Err(LargestackError::with_advice(
        Code::Config,
        format!(
            "tools.{tool}: {} is WebAssembly, and this program lacks the feature `wasm`",
            program.display()
        ),
        "Build it with `--features wasm`, or name a program for this machine",
    ))
}
