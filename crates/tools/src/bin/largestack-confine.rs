//! A program that confines commands and does nothing else, for libraries whose own program cannot be
//! started a second time.

use std::process::ExitCode;

fn main() -> ExitCode {
    #[cfg(target_os = "linux")]
    if let Some(code) = largestack_tools::confine::launched(std::env::args_os()) {
        return code;
    }
    ExitCode::from(2)
}
