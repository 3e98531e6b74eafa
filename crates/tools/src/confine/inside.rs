//! The second start: process 1 of the new namespaces, which puts on the rest and runs the command.

use std::ffi::OsString;
use std::fmt::Display;
use std::fs;
use std::io;
use std::os::unix::process::ExitStatusExt as _;
use std::path::Path;
use std::process::{Command, ExitStatus};

use rustix::process::{
    DumpableBehavior, Pid, Resource, Rlimit, Signal, WaitOptions, set_dumpable_behavior,
    set_parent_process_death_signal, setrlimit, wait,
};
use rustix::thread::{
    CapabilitySet, CapabilitySets, clear_ambient_capability_set, set_capabilities,
};

use super::plan::{Plan, Report};
use super::{REFUSED, SETTINGS, calls, files, root};

/// Processes that a namespace cannot do without: the kernel keeps the lowest numbers back.
const KEPT_BACK: u64 = 301;

/// Confines, runs, waits, reports.
pub(super) fn perform(plan: &Plan, _: &OsString, arguments: Vec<OsString>) -> u8 {
    let Ok(mut report) = plan.report() else { return REFUSED };
    let said = match confine(plan) {
        Ok(()) => run(plan, arguments),
        Err(why) => Report::Refused(why),
    };
    said.write(&mut report);
    match said {
        Report::Ended { code: Some(code), .. } => u8::try_from(code).unwrap_or(REFUSED),
        _ => REFUSED,
    }
}

fn confine(plan: &Plan) -> Result<(), String> {
    let step = |name: &'static str| move |error: &dyn Display| format!("{name}: {error}");
    set_parent_process_death_signal(Some(Signal::KILL)).map_err(|e| step("signals")(&e))?;
    count_processes(plan)?;
    root::enter(plan).map_err(|error| {
        let denied = error.kind() == io::ErrorKind::PermissionDenied;
        format!("mounts: {error}{}", if denied { SETTINGS } else { "" })
    })?;
    give_up().map_err(|error| step("capabilities")(&error))?;
    limit(plan).map_err(|error| step("limits")(&error))?;
    files::restrict(plan).map_err(|error| step("landlock")(&error))?;
    close().map_err(|error| step("itself")(&error))?;
    calls::restrict(plan.network).map_err(|error| step("seccomp")(&error))
}

/// Nobody else asks the kernel about this process: by `/proc/1/exe` and `/proc/1/fd` files of the machine
/// would be reached by the mounts that this process still came from (proc(5), `PR_SET_DUMPABLE`).
fn close() -> io::Result<()> {
    Ok(set_dumpable_behavior(DumpableBehavior::NotDumpable)?)
}

/// The kernel counts no processes of root's for the limit that everybody else has; then the namespace
/// itself has to be told how many numbers it has. Before Linux 6.14 that number is the whole machine's,
/// which is not touched.
fn count_processes(plan: &Plan) -> Result<(), String> {
    let unread = |error: io::Error| format!("processes: {error}");
    let release = fs::read_to_string("/proc/sys/kernel/osrelease").map_err(unread)?;
    let root = is_root_outside().map_err(unread)?;
    if !numbers_by_namespace(&release) {
        let release = release.trim();
        let refused = format!(
            "processes: as root none are counted, and Linux {release} does not number them by \
namespace (6.14 does); run as another user"
        );
        return if root { Err(refused) } else { Ok(()) };
    }
    match fs::write("/proc/sys/kernel/pid_max", (KEPT_BACK + plan.processes).to_string()) {
        Err(error) if root => Err(format!(
            "processes: as root none are counted, and their numbers cannot be limited: {error}; \
run as another user"
        )),
        _ => Ok(()),
    }
}

/// Whether a namespace of processes has a `pid_max` of its own, by the kernel's release. One that is
/// not understood has none.
fn numbers_by_namespace(release: &str) -> bool {
    let mut parts = release.trim().split(['.', '-', '+']).map(str::parse::<u32>);
    match (parts.next(), parts.next()) {
        (Some(Ok(major)), Some(Ok(minor))) => (major, minor) >= (6, 14),
        _ => false,
    }
}

/// Whether the user who started this is root where the namespace was made.
fn is_root_outside() -> io::Result<bool> {
    let map = fs::read_to_string("/proc/self/uid_map")?;
    Ok(map.split_whitespace().nth(1).is_none_or(|outside| outside == "0"))
}

fn give_up() -> io::Result<()> {
    clear_ambient_capability_set()?;
    let none = CapabilitySet::empty();
    set_capabilities(None, CapabilitySets { effective: none, permitted: none, inheritable: none })?;
    Ok(())
}

fn limit(plan: &Plan) -> io::Result<()> {
    let most = [
        (Resource::Core, 0),
        (Resource::Cpu, plan.processor),
        (Resource::As, plan.memory),
        // The two that start it are among them.
        (Resource::Nproc, plan.processes + 2),
        (Resource::Fsize, plan.file),
        (Resource::Nofile, plan.open_files),
        (Resource::Memlock, 0),
        (Resource::Msgqueue, 0),
    ];
    for (resource, most) in most {
        setrlimit(resource, Rlimit { current: Some(most), maximum: Some(most) })?;
    }
    Ok(())
}

fn run(plan: &Plan, arguments: Vec<OsString>) -> Report {
    let Some(program) = &plan.program else { return Report::Ended { code: Some(0), signal: None } };
    let mut command = Command::new(program);
    command
        .args(arguments)
        .current_dir(plan.folder.as_deref().unwrap_or(Path::new(root::TEMPORARY)));
    let started = command.spawn();
    let child = match &started {
        Ok(child) => i32::try_from(child.id()).ok().and_then(Pid::from_raw),
        Err(error) => return Report::NotStarted(error.to_string()),
    };
    loop {
        match wait(WaitOptions::empty()) {
            Ok(Some((ended, status))) if Some(ended) == child => {
                let status = ExitStatus::from_raw(status.as_raw());
                return Report::Ended { code: status.code(), signal: status.signal() };
            }
            // Somebody whom nobody else waits for.
            Ok(_) | Err(rustix::io::Errno::INTR) => {}
            Err(error) => return Report::NotStarted(error.to_string()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::numbers_by_namespace;

    #[test]
    fn namespaces_number_their_processes_from_6_14_on() {
        for newer in ["6.14.0\n", "6.14-rc1", "6.14.0-15-generic", "6.18.44-fc", "7.0.0", "10.2+"] {
            assert!(numbers_by_namespace(newer), "{newer}");
        }
        for older in ["6.13.12", "6.2.0-39-generic", "5.19.0", "4.4.0", "2.6.60", "5.14.0-427.el9"]
        {
            assert!(!numbers_by_namespace(older), "{older}");
        }
        for unknown in ["", "6", "six.fourteen", "6.x", "-6.14"] {
            assert!(!numbers_by_namespace(unknown), "{unknown}");
        }
    }
}
