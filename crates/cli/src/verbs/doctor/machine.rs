//! The program itself and the terminal.

use std::io::IsTerminal as _;

use largestack_types::errors::Coded as _;

use crate::compose;
use crate::keys::Keys;
use crate::render::checks::{Check, Finding};
use crate::render::text::counted;

/// Which program this is.
pub(super) fn program() -> Check {
    let version = env!("CARGO_PKG_VERSION");
    let (os, arch) = (std::env::consts::OS, std::env::consts::ARCH);
    let check = Check::new("program", Finding::Ok, format!("largestack {version} on {os}-{arch}"));
    if cfg!(debug_assertions) {
        let slow = Check { finding: Finding::Warn, ..check };
        return slow.advise("This is a debug build, which is slow: use `cargo run --release`");
    }
    check
}

/// The secret store; nothing where none was ever made.
pub(super) fn secrets(keys: &Keys) -> Option<Check> {
    let (file, name) = (keys.secrets()?, "secrets");
    let path = file.path();
    if !path.try_exists().unwrap_or(true) {
        return None;
    }
    Some(match file.names(&compose::scope()) {
        Err(error) => Check::new(name, Finding::Broken, error.message())
            .advise(error.suggestion().into_owned()),
        Ok(names) => {
            let count = counted(names.len() as u64, "secret");
            let detail = format!("{count} in {}, the key beside it", path.display());
            Check::new(name, Finding::Ok, detail).advise(
                "That protects from whoever gets the file alone, not from whoever gets the folder",
            )
        }
    })
}

/// Whether commands of tools can be confined, by trying it.
pub(super) async fn sandbox() -> Check {
    let name = "sandbox";
    match compose::processes().try_confinement().await {
        Ok(()) => {
            let detail = "commands of tools are confined: namespaces, landlock, seccomp, limits";
            Check::new(name, Finding::Ok, detail)
        }
        Err(error) => Check::new(name, Finding::Warn, error.message()).advise(
            "`shell` and commands refuse to run here, but for tools that say `sandbox: none`",
        ),
    }
}

/// Whether a person sits in front of it.
pub(super) fn terminal() -> Check {
    let (out, err) = (std::io::stdout().is_terminal(), std::io::stderr().is_terminal());
    let coloured = anstream::AutoStream::choice(&std::io::stdout()) != anstream::ColorChoice::Never;
    match (out, err) {
        (true, true) => {
            let colour = if coloured { "in colour" } else { "without colour" };
            Check::new("terminal", Finding::Ok, format!("answers stream to a terminal, {colour}"))
        }
        (false, true) => {
            Check::new("terminal", Finding::Ok, "standard output goes to a file or pipe: no colour")
        }
        (_, false) => Check::new("terminal", Finding::Off, "none: no progress and no colour"),
    }
}
