//! What is mounted, and taking rights from it. A bind brings the mounts below along (the kernel hands
//! none of them out alone to whoever has rights in a namespace only), and each has flags of its own.

use std::ffi::OsString;
use std::fs;
use std::io;
use std::os::unix::ffi::OsStringExt as _;
use std::path::{Path, PathBuf};

use rustix::io::Errno;
use rustix::mount::{MountFlags, mount_remount};

/// One line of proc_pid_mountinfo(5).
#[derive(Debug, PartialEq, Eq)]
struct Mounted {
    /// Where, as this process sees it.
    point: PathBuf,
    /// What must stay: the kernel lets nobody take it off in a namespace of less rights
    /// (mount_namespaces(7)).
    flags: MountFlags,
}

/// Adds flags to the mount at a path and to each below it.
pub(super) fn restrict(path: &Path, more: MountFlags) -> io::Result<()> {
    let path = path.canonicalize()?;
    let all = read(&fs::read("/proc/self/mountinfo")?)?;
    let mut found = false;
    for (index, Mounted { point, flags }) in all.iter().enumerate() {
        let later = all.iter().skip(index + 1);
        // Of those at one point the last lies on top, and the others are reached by nobody.
        if !point.starts_with(&path) || later.into_iter().any(|other| other.point == *point) {
            continue;
        }
        found |= *point == path;
        match mount_remount(point, MountFlags::BIND | *flags | more, c"") {
            Ok(()) => {}
            // Below something that was mounted over it: no path leads there.
            Err(Errno::NOENT | Errno::NOTDIR | Errno::INVAL) if *point != path => {}
            Err(error) => {
                let why = format!("the mount at {}: {error}", point.display());
                return Err(io::Error::new(io::Error::from(error).kind(), why));
            }
        }
    }
    if found {
        return Ok(());
    }
    Err(io::Error::other(format!("{} is not among what is mounted", path.display())))
}

fn read(text: &[u8]) -> io::Result<Vec<Mounted>> {
    let lines = text.split(|byte| *byte == b'\n').filter(|line| !line.is_empty());
    let all =
        lines.map(|line| line_of(line).ok_or_else(|| io::Error::other("mountinfo is unread")));
    all.collect()
}

fn line_of(line: &[u8]) -> Option<Mounted> {
    let mut fields = line.split(|byte| *byte == b' ').skip(4);
    let (point, options) = (fields.next()?, fields.next()?);
    let flags = options.split(|byte| *byte == b',').map(|option| match option {
        b"ro" => MountFlags::RDONLY,
        b"nosuid" => MountFlags::NOSUID,
        b"nodev" => MountFlags::NODEV,
        b"noexec" => MountFlags::NOEXEC,
        b"noatime" => MountFlags::NOATIME,
        b"nodiratime" => MountFlags::NODIRATIME,
        b"relatime" => MountFlags::RELATIME,
        b"nosymfollow" => MountFlags::NOSYMFOLLOW,
        _ => MountFlags::empty(),
    });
    Some(Mounted { point: unescaped(point)?, flags: flags.collect() })
}

/// Spaces, tabs, ends of lines and backslashes are written as three octal digits.
fn unescaped(text: &[u8]) -> Option<PathBuf> {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.iter();
    while let Some(byte) = rest.next() {
        if *byte != b'\\' {
            bytes.push(*byte);
            continue;
        }
        let digits = [*rest.next()?, *rest.next()?, *rest.next()?];
        bytes.push(u8::from_str_radix(std::str::from_utf8(&digits).ok()?, 8).ok()?);
    }
    Some(PathBuf::from(OsString::from_vec(bytes)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_says_where_and_with_what_flags() {
        let text =
            b"36 35 98:0 /m /data/a\\040b\\134 ro,nosuid,noatime master:1 - ext3 /dev/r rw,nodev\n\
37 35 0:5 / /proc rw,relatime - proc proc rw\n";
        let all = read(text).unwrap();
        let flags = MountFlags::RDONLY | MountFlags::NOSUID | MountFlags::NOATIME;
        assert_eq!(all[0], Mounted { point: "/data/a b\\".into(), flags });
        assert_eq!(all[1], Mounted { point: "/proc".into(), flags: MountFlags::RELATIME });
        assert_eq!(all.len(), 2);
    }

    #[test]
    fn a_line_that_is_not_understood_is_an_error() {
        for line in ["36 35 98:0 /m", "36 35 98:0 / /a\\04 rw", "36 35 98:0 / /a\\999 rw"] {
            assert!(read(line.as_bytes()).is_err(), "{line}");
        }
    }
}
