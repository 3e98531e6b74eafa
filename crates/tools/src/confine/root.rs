//! A root with nothing in it but what is granted: what is not there cannot be read, changed, or asked
//! about. Landlock by itself would leave names, sizes, modes and owners of everybody's files open.

use std::fs;
use std::io;
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};

use rustix::mount::{
    MountFlags, MountPropagationFlags, UnmountFlags, mount, mount_bind, mount_bind_recursive,
    mount_change, mount_remount, unmount,
};
use rustix::process::pivot_root;

use super::mounts;
use super::plan::Plan;

/// The command's own folder for temporary files, which ends with it.
pub(crate) const TEMPORARY: &str = "/tmp";

/// What programs need of a system: themselves, their libraries, and how to find them.
const SYSTEM: &[&str] = &[
    "/bin",
    "/etc/alternatives",
    "/etc/group",
    "/etc/ld.so.cache",
    "/etc/ld.so.conf",
    "/etc/ld.so.conf.d",
    "/etc/localtime",
    "/etc/nsswitch.conf",
    "/etc/passwd",
    "/gnu/store",
    "/lib",
    "/lib32",
    "/lib64",
    "/libx32",
    "/nix/store",
    "/sbin",
    "/usr",
];
/// What is needed to reach others by name and to know them.
const NETWORK: &[&str] = &[
    "/etc/ca-certificates",
    "/etc/gai.conf",
    "/etc/host.conf",
    "/etc/hosts",
    "/etc/pki/tls/certs",
    "/etc/resolv.conf",
    "/etc/services",
    "/etc/ssl/certs",
    "/etc/ssl/openssl.cnf",
];
/// Devices that hold nothing.
pub(super) const DEVICES: &[&str] =
    &["/dev/full", "/dev/null", "/dev/random", "/dev/urandom", "/dev/zero"];
const LINKS: &[(&str, &str)] = &[
    ("/dev/fd", "/proc/self/fd"),
    ("/dev/shm", TEMPORARY),
    ("/dev/stderr", "/proc/self/fd/2"),
    ("/dev/stdin", "/proc/self/fd/0"),
    ("/dev/stdout", "/proc/self/fd/1"),
];

/// What may be read, with whatever links lead to.
pub(super) fn readable(plan: &Plan) -> Vec<PathBuf> {
    let network = if plan.network { NETWORK } else { &[] };
    let system = SYSTEM.iter().chain(network).map(PathBuf::from);
    let named = plan.reads.iter().chain(&plan.program).cloned();
    let mut paths: Vec<PathBuf> = Vec::new();
    for path in system.chain(named) {
        if let Ok(real) = path.canonicalize() {
            paths.extend([path, real]);
        }
    }
    paths
}

/// Makes the root and enters it.
pub(super) fn enter(plan: &Plan) -> io::Result<()> {
    let place = plan.report.parent().ok_or_else(|| io::Error::other("the report has no folder"))?;
    let place = &place.canonicalize()?;
    let private = MountPropagationFlags::PRIVATE | MountPropagationFlags::REC;
    mount_change("/", private)?;
    let bare = MountFlags::NOSUID | MountFlags::NODEV;
    mount("tmpfs", place, "tmpfs", bare, c"mode=755,size=1m,nr_inodes=4096")?;
    let new = New { root: place };
    new.grant(plan)?;
    new.devices()?;
    new.processes()?;
    for path in &plan.hidden {
        new.hide(path)?;
    }
    mount_remount(place, MountFlags::BIND | MountFlags::RDONLY | bare, c"")?;
    std::env::set_current_dir(place)?;
    // pivot_root(2): with one folder for both, the old root lies above the new one.
    pivot_root(".", ".")?;
    unmount(".", UnmountFlags::DETACH)?;
    std::env::set_current_dir("/")
}

struct New<'p> {
    root: &'p Path,
}

impl New<'_> {
    fn at(&self, path: &Path) -> PathBuf {
        self.root.join(path.strip_prefix("/").unwrap_or(path))
    }

    /// Parents first, so that what is granted inside of something else lies on top of it.
    fn grant(&self, plan: &Plan) -> io::Result<()> {
        let temporary = self.at(Path::new(TEMPORARY));
        fs::create_dir(&temporary)?;
        // tmpfs(5): a size of nothing is no limit.
        let size = format!("mode=700,size={},nr_inodes=65536\0", plan.file.max(4096));
        let size = std::ffi::CStr::from_bytes_with_nul(size.as_bytes()).unwrap_or(c"");
        mount("tmpfs", &temporary, "tmpfs", MountFlags::NOSUID | MountFlags::NODEV, size)?;
        let reads = readable(plan).into_iter().map(|path| (path, false));
        let writes = plan.writes.iter().map(|path| (path.clone(), true));
        let mut all: Vec<(PathBuf, bool)> = reads.chain(writes).collect();
        all.sort();
        all.dedup();
        let mut done: Vec<(PathBuf, bool)> = Vec::new();
        for (path, writes) in all {
            // The nearest one above it, which is as generous or not.
            let above = done.iter().rev().find(|(above, _)| path.starts_with(above));
            if above.is_none_or(|(_, more)| writes && !more) {
                self.bind(&path, writes)?;
                done.push((path, writes));
            }
        }
        Ok(())
    }

    fn bind(&self, path: &Path, writes: bool) -> io::Result<()> {
        let there = self.at(path);
        if path.is_symlink() {
            fs::create_dir_all(there.parent().unwrap_or(self.root))?;
            return symlink(fs::read_link(path)?, there);
        }
        self.place(path, &there)?;
        mount_bind_recursive(path, &there)?;
        let mut flags = MountFlags::NOSUID | MountFlags::NODEV;
        if !writes {
            flags |= MountFlags::RDONLY;
        }
        mounts::restrict(&there, flags)
    }

    /// Something of its kind to mount it on.
    fn place(&self, path: &Path, there: &Path) -> io::Result<()> {
        if path.is_dir() {
            return fs::create_dir_all(there);
        }
        fs::create_dir_all(there.parent().unwrap_or(self.root))?;
        if !there.exists() {
            fs::File::create(there)?;
        }
        Ok(())
    }

    fn devices(&self) -> io::Result<()> {
        for path in DEVICES.iter().map(Path::new) {
            let there = self.at(path);
            self.place(path, &there)?;
            bind_device(path, &there)?;
        }
        for (link, to) in LINKS {
            symlink(to, self.at(Path::new(link)))?;
        }
        Ok(())
    }

    /// The processes of this namespace and nothing else of the kernel's.
    fn processes(&self) -> io::Result<()> {
        let there = self.at(Path::new("/proc"));
        fs::create_dir(&there)?;
        let flags =
            MountFlags::NOSUID | MountFlags::NODEV | MountFlags::NOEXEC | MountFlags::RDONLY;
        Ok(mount("proc", &there, "proc", flags, c"subset=pid")?)
    }

    fn hide(&self, path: &Path) -> io::Result<()> {
        let there = self.at(path);
        let kind = match fs::metadata(&there) {
            Ok(found) => found.file_type(),
            // Nothing above it is granted: it is not there to be seen.
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(()),
            // Whoever may change the rights of a folder above it would see it later.
            Err(error) => {
                return Err(io::Error::other(format!("{}, to hide it: {error}", path.display())));
            }
        };
        if !kind.is_dir() {
            return bind_device(Path::new("/dev/null"), &there);
        }
        let flags = MountFlags::RDONLY | MountFlags::NOSUID | MountFlags::NODEV;
        Ok(mount("tmpfs", &there, "tmpfs", flags, c"mode=555,size=4k,nr_inodes=1")?)
    }
}

/// A device of the machine's: it is read and written by what it is, and its owner, mode and times stay
/// as they are.
fn bind_device(device: &Path, there: &Path) -> io::Result<()> {
    mount_bind(device, there)?;
    mounts::restrict(there, MountFlags::RDONLY | MountFlags::NOSUID | MountFlags::NOEXEC)
}
