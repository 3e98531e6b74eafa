//! Commands as processes of their own: nothing inherited, confined unless they say otherwise, in a
//! group that ends with them.
//!
//! Of an unconfined one a process that leaves its group on purpose (`setsid`) is not reached: this ends
//! what forgets to end. A confined one ends with its namespace, whatever it does.

use std::path::PathBuf;

use largestack_ports::BoxFuture;
use largestack_ports::command::{Command, CommandFailure, Commands, Ended, Sandbox};

#[cfg(target_os = "linux")]
mod confined;
#[cfg(unix)]
mod group;
#[cfg(unix)]
mod talk;
mod unconfined;

/// Runs commands on this machine. On systems without process groups it refuses.
#[derive(Clone, Debug, Default)]
pub struct Processes {
    launcher: Option<PathBuf>,
    hidden: Vec<PathBuf>,
}

impl Processes {
    /// Confines commands by a program that begins with [`confine::launched`](crate::confine::launched),
    /// such as `largestack` or this program itself (`/proc/self/exe`). Without one, commands that have
    /// to be confined are refused, as they are on every system but Linux.
    pub fn confined_by(launcher: impl Into<PathBuf>) -> Self {
        Self { launcher: Some(launcher.into()), hidden: Vec::new() }
    }

    /// A file or folder that confined commands find empty, also within what they may read or change.
    /// While it is not there, they are refused.
    #[must_use]
    pub fn hiding(mut self, path: impl Into<PathBuf>) -> Self {
        self.hidden.push(path.into());
        self
    }

    /// Whether commands can be confined here, by trying it on none; if not, what is missing.
    pub async fn try_confinement(&self) -> Result<(), CommandFailure> {
        #[cfg(target_os = "linux")]
        return confined::attempt(self).await;
        #[cfg(not(target_os = "linux"))]
        Err(elsewhere())
    }
}

impl Commands for Processes {
    fn run(&self, command: Command) -> BoxFuture<'static, Result<Ended, CommandFailure>> {
        match &command.sandbox {
            Sandbox::None => Box::pin(unconfined::run(command)),
            #[cfg(target_os = "linux")]
            Sandbox::Confined(_) => Box::pin(confined::run(self.clone(), command)),
            #[cfg(not(target_os = "linux"))]
            Sandbox::Confined(_) => Box::pin(std::future::ready(Err(elsewhere()))),
        }
    }
}

#[cfg(not(target_os = "linux"))]
fn elsewhere() -> CommandFailure {
    CommandFailure::Unconfined("only Linux can".to_owned())
}

#[cfg(test)]
mod tests;
