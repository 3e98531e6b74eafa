//! What keeps a command from the rest of the machine (Linux). The kernel's rules are put on by the
//! process that becomes the command, and nothing between `fork` and `exec` can be written without
//! unsafe code: so a program of ours is started twice, and the command by that.
//!
//! 1. `launch`, the leader of the group, leaves the namespaces of users, processes, mounts, network,
//!    hosts and messages, starts the second and waits for it.
//! 2. `inside`, process 1 of the new ones, makes a root of its own with nothing in it but what is
//!    granted (`root`, `mounts`), gives up every capability, sets limits, has Landlock (`files`) and seccomp
//!    (`calls`) say the same again, and runs the command. When the command ends, so does process 1,
//!    and with it, by the kernel, whatever the command has started and set free.
//!
//! What happened is written into a file of the caller's (`plan`), which the command cannot reach.
//! Whatever of this the kernel denies is a refusal: nothing is run with less.

use std::ffi::OsString;
use std::process::ExitCode;

mod calls;
mod files;
mod inside;
mod launch;
mod mounts;
pub(crate) mod plan;
mod root;

pub(crate) use root::TEMPORARY;

/// The first argument of a program that is started to confine a command.
pub(crate) const VERB: &str = "__confine";
/// The same, of the program's second start.
const INSIDE: &str = "__confined";
/// The program that is running, as a path that always leads to it.
const ITSELF: &str = "/proc/self/exe";

/// What to look at where the kernel makes no namespaces, or gives no rights in them.
const SETTINGS: &str = " (settings that deny it: kernel.unprivileged_userns_clone, \
kernel.apparmor_restrict_unprivileged_userns, user.max_user_namespaces)";

/// Exit code of a start that came to nothing; what is in the report counts.
const REFUSED: u8 = 125;

/// Confines and runs the command that the arguments name, where they come from
/// [`Processes`](crate::Processes); `None` for everybody else's. A program that confines calls it
/// first of all, while it has a single thread, and ends with the code.
pub fn launched(arguments: impl IntoIterator<Item = OsString>) -> Option<ExitCode> {
    let mut arguments = arguments.into_iter().skip(1);
    let verb = arguments.next()?;
    let perform: fn(&plan::Plan, &OsString, Vec<OsString>) -> u8 = match verb.to_str()? {
        VERB => launch::perform,
        INSIDE => inside::perform,
        _ => return None,
    };
    let code = match arguments.next().and_then(|text| plan::read(&text).map(|plan| (plan, text))) {
        Some((plan, text)) => perform(&plan, &text, arguments.collect()),
        None => REFUSED,
    };
    Some(ExitCode::from(code))
}
