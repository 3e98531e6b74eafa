//! The first start: out of the namespaces of everybody else, then the second start, and waiting.

use std::ffi::OsString;
use std::fs;
use std::io;
use std::process::{Child, Command};

use nix::sched::CloneFlags;
use rustix::event::{PollFd, PollFlags, poll};
use rustix::process::{Pid, PidfdFlags, getgid, getppid, getuid, pidfd_open};
use rustix::thread::{
    CapabilitySet, capabilities, configure_capability_in_ambient_set, set_capabilities,
};

use super::plan::{Plan, Report};
use super::{INSIDE, ITSELF, REFUSED, SETTINGS};

/// Who a command is that root starts: root has rights by its number alone.
const NOBODY_SPECIAL: u32 = 1000;

/// Starts what is inside, and ends with its code.
pub(super) fn perform(plan: &Plan, text: &OsString, arguments: Vec<OsString>) -> u8 {
    close_inherited();
    let left = leave(plan).map_err(|error| io::Error::other(format!("{error}{SETTINGS}")));
    let started = left.and_then(|()| {
        let mut inside = Command::new(ITSELF);
        inside.arg(INSIDE).arg(text).args(arguments).spawn()
    });
    let ended = started.and_then(wait);
    match ended {
        Ok(code) => code,
        Err(error) => {
            if let Ok(mut file) = plan.report() {
                Report::Refused(format!("namespaces: {error}")).write(&mut file);
            }
            REFUSED
        }
    }
}

/// Closes what whoever started this has left open by mistake.
fn close_inherited() {
    let open = fs::read_dir("/proc/self/fd").map(|files| {
        let numbers = files.filter_map(|file| file.ok()?.file_name().to_str()?.parse::<i32>().ok());
        numbers.filter(|number| *number > 2).collect::<Vec<_>>()
    });
    for number in open.unwrap_or_default() {
        // One of them was the list's own and is closed already.
        let _ = nix::unistd::close(number);
    }
}

/// New namespaces, in which this process is an ordinary user who may mount.
fn leave(plan: &Plan) -> io::Result<()> {
    let (user, group) = (getuid().as_raw(), getgid().as_raw());
    let mut spaces = CloneFlags::CLONE_NEWUSER
        | CloneFlags::CLONE_NEWNS
        | CloneFlags::CLONE_NEWPID
        | CloneFlags::CLONE_NEWIPC
        | CloneFlags::CLONE_NEWUTS
        | CloneFlags::CLONE_NEWCGROUP;
    if !plan.network {
        spaces |= CloneFlags::CLONE_NEWNET;
    }
    nix::sched::unshare(spaces)?;
    let own = |outside: u32| if outside == 0 { NOBODY_SPECIAL } else { outside };
    // user_namespaces(7): a group is mapped only by who has given up to change groups.
    fs::write("/proc/self/setgroups", "deny")?;
    fs::write("/proc/self/uid_map", format!("{} {user} 1", own(user)))?;
    fs::write("/proc/self/gid_map", format!("{} {group} 1", own(group)))?;
    // The second start is a program as any: it has what is handed on by name, to mount with.
    let mut sets = capabilities(None)?;
    sets.inheritable |= CapabilitySet::SYS_ADMIN;
    set_capabilities(None, sets)?;
    configure_capability_in_ambient_set(CapabilitySet::SYS_ADMIN, true)?;
    Ok(())
}

/// Waits for its end, or for that of whoever started this.
fn wait(mut child: Child) -> io::Result<u8> {
    let number = |child: &Child| i32::try_from(child.id()).ok().and_then(Pid::from_raw);
    let (Some(inside), Some(parent)) = (number(&child), getppid()) else {
        return Err(io::Error::other("it has no number"));
    };
    let inside = pidfd_open(inside, PidfdFlags::empty())?;
    let parent = pidfd_open(parent, PidfdFlags::empty())?;
    loop {
        let mut either = [PollFd::new(&inside, PollFlags::IN), PollFd::new(&parent, PollFlags::IN)];
        match poll(&mut either, None) {
            Err(rustix::io::Errno::INTR) => continue,
            Err(error) => return Err(error.into()),
            Ok(_) => {}
        }
        let [inside, _] = &either;
        if inside.revents().is_empty() {
            child.kill()?;
        }
        let code = child.wait()?.code().and_then(|code| u8::try_from(code).ok());
        return Ok(code.unwrap_or(REFUSED));
    }
}
