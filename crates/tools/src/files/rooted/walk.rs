//! The walk on systems with `openat`.

use std::collections::VecDeque;
use std::ffi::CString;
use std::fs::File;
use std::io::{Read as _, Write as _};
use std::os::fd::OwnedFd;
use std::os::unix::ffi::OsStrExt as _;
use std::path::Path;
use std::sync::atomic::{AtomicU64, Ordering};

use rustix::fs::{AtFlags, Dir, FileType, Mode, OFlags};
use rustix::io::Errno;

use super::{Entry, Refused};
use crate::files::MAX_ENTRIES;

/// Links walked on the way to one file.
const MAX_LINKS: usize = 40;
/// Names of files that are not finished.
const UNFINISHED: &str = ".largestack-unfinished-";
static NEXT: AtomicU64 = AtomicU64::new(0);

/// A folder that is not left.
#[derive(Debug)]
pub struct Root {
    folder: OwnedFd,
    max_bytes: usize,
}

/// Where a walk ends: the folder, and the name in it; none for the folder itself.
struct Place {
    folder: OwnedFd,
    name: Option<CString>,
}

fn folder_flags() -> OFlags {
    OFlags::RDONLY | OFlags::DIRECTORY | OFlags::NOFOLLOW | OFlags::CLOEXEC
}

fn refused(path: &str, errno: Errno) -> Refused {
    match errno {
        Errno::NOENT => Refused::Missing(path.to_owned()),
        Errno::NOTDIR => Refused::Kind(path.to_owned(), "folder"),
        Errno::ISDIR => Refused::Kind(path.to_owned(), "file"),
        Errno::EXIST => Refused::Exists(path.to_owned()),
        // What was no link a moment ago.
        Errno::LOOP | Errno::MLINK => Refused::Outside(path.to_owned()),
        errno => Refused::System(path.to_owned(), errno.to_string()),
    }
}

impl Root {
    /// Opens a folder in which files of up to `max_bytes` are read and written.
    pub fn open(folder: &Path, max_bytes: usize) -> Result<Self, Refused> {
        // Whoever names the folder may do so by a link.
        let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::CLOEXEC;
        let folder = rustix::fs::open(folder, flags, Mode::empty())
            .map_err(|errno| refused(&folder.display().to_string(), errno))?;
        Ok(Self { folder, max_bytes })
    }

    /// The text of a file.
    pub fn read(&self, path: &str) -> Result<String, Refused> {
        let bytes = self.read_bytes(path)?;
        String::from_utf8(bytes).map_err(|_| Refused::NotText(path.to_owned()))
    }

    /// The bytes of a file.
    pub fn read_bytes(&self, path: &str) -> Result<Vec<u8>, Refused> {
        let place = self.walk(path, false)?;
        let name = place.name.ok_or_else(|| Refused::Kind(path.to_owned(), "file"))?;
        // A pipe must not keep anybody waiting.
        let flags = OFlags::RDONLY | OFlags::NOFOLLOW | OFlags::NONBLOCK | OFlags::CLOEXEC;
        let file = rustix::fs::openat(&place.folder, &name, flags, Mode::empty());
        let file = File::from(file.map_err(|errno| refused(path, errno))?);
        let system = |error: std::io::Error| Refused::System(path.to_owned(), error.to_string());
        if !file.metadata().map_err(system)?.is_file() {
            return Err(Refused::Kind(path.to_owned(), "file"));
        }
        let mut bytes = Vec::new();
        let most = u64::try_from(self.max_bytes).unwrap_or(u64::MAX);
        file.take(most.saturating_add(1)).read_to_end(&mut bytes).map_err(system)?;
        if bytes.len() > self.max_bytes {
            return Err(Refused::TooLarge(path.to_owned(), self.max_bytes));
        }
        Ok(bytes)
    }

    /// The entries of a folder by name, and whether there are more than are listed.
    pub fn list(&self, path: &str) -> Result<(Vec<Entry>, bool), Refused> {
        let place = self.walk(path, false)?;
        let name = place.name.as_deref().unwrap_or(c".");
        let folder = rustix::fs::openat(&place.folder, name, folder_flags(), Mode::empty())
            .map_err(|errno| refused(path, errno))?;
        let mut entries = Vec::new();
        for entry in Dir::read_from(&folder).map_err(|errno| refused(path, errno))? {
            let entry = entry.map_err(|errno| refused(path, errno))?;
            let name = entry.file_name();
            if name == c"." || name == c".." {
                continue;
            }
            if entries.len() == MAX_ENTRIES {
                return Ok((entries, true));
            }
            let found = rustix::fs::statat(&folder, name, AtFlags::SYMLINK_NOFOLLOW);
            let (kind, bytes) = match found {
                Ok(stat) => match FileType::from_raw_mode(stat.st_mode) {
                    FileType::RegularFile => ("file", u64::try_from(stat.st_size).ok()),
                    FileType::Directory => ("folder", None),
                    FileType::Symlink => ("link", None),
                    _ => ("other", None),
                },
                // Gone meanwhile.
                Err(_) => continue,
            };
            entries.push(Entry { name: name.to_string_lossy().into_owned(), kind, bytes });
        }
        entries.sort();
        Ok((entries, false))
    }

    /// Puts a file in its place, whole or not at all.
    pub fn write(&self, path: &str, text: &str, replace: bool) -> Result<(), Refused> {
        if text.len() > self.max_bytes {
            return Err(Refused::TooLarge(path.to_owned(), self.max_bytes));
        }
        let place = self.walk(path, true)?;
        let name = place.name.ok_or_else(|| Refused::Kind(path.to_owned(), "file"))?;
        match rustix::fs::statat(&place.folder, &name, AtFlags::SYMLINK_NOFOLLOW) {
            Ok(stat) if FileType::from_raw_mode(stat.st_mode) != FileType::RegularFile => {
                return Err(Refused::Kind(path.to_owned(), "file"));
            }
            Ok(_) if !replace => return self.same(path, text),
            _ => {}
        }
        let number = NEXT.fetch_add(1, Ordering::Relaxed);
        let unfinished = format!("{UNFINISHED}{}-{number}", std::process::id());
        let flags =
            OFlags::WRONLY | OFlags::CREATE | OFlags::EXCL | OFlags::NOFOLLOW | OFlags::CLOEXEC;
        let file =
            rustix::fs::openat(&place.folder, &*unfinished, flags, Mode::from_raw_mode(0o644));
        let mut file = File::from(file.map_err(|errno| refused(path, errno))?);
        let written = file.write_all(text.as_bytes()).and_then(|()| file.sync_all());
        let written = written.map_err(|error| Refused::System(path.to_owned(), error.to_string()));
        let placed = written.and_then(|()| {
            let (folder, unfinished) = (&place.folder, &*unfinished);
            let placed = if replace {
                rustix::fs::renameat(folder, unfinished, folder, &name)
            } else {
                // A link to what is finished: fails where somebody was faster.
                rustix::fs::linkat(folder, unfinished, folder, &name, AtFlags::empty())
            };
            placed.map_err(|errno| refused(path, errno))
        });
        if placed.is_err() || !replace {
            let _ = rustix::fs::unlinkat(&place.folder, &*unfinished, AtFlags::empty());
        }
        placed
    }

    /// A file that exists is no error where it holds what was to be written: a call that is made
    /// again finds its own work.
    fn same(&self, path: &str, text: &str) -> Result<(), Refused> {
        match self.read(path) {
            Ok(there) if there == text => Ok(()),
            _ => Err(Refused::Exists(path.to_owned())),
        }
    }

    /// Walks to the folder that a path's last name is in. With `make`, folders that are missing
    /// are made.
    fn walk(&self, path: &str, make: bool) -> Result<Place, Refused> {
        let outside = || Refused::Outside(path.to_owned());
        if path.starts_with('/') || path.contains('\0') {
            return Err(outside());
        }
        let clone = self.folder.try_clone();
        let clone = clone.map_err(|e| Refused::System(path.to_owned(), e.to_string()))?;
        let mut folders = vec![clone];
        let mut names: VecDeque<Vec<u8>> = split(path.as_bytes()).collect();
        let mut links = 0;
        let mut last = None;
        while let Some(name) = names.pop_front() {
            if name == b".." {
                // Never above the folder that was opened first.
                if folders.len() == 1 {
                    return Err(outside());
                }
                folders.pop();
                continue;
            }
            let name = CString::new(name).map_err(|_| outside())?;
            let here = folders.last().ok_or_else(outside)?;
            if let Ok(target) = rustix::fs::readlinkat(here, &name, Vec::new()) {
                links += 1;
                if links > MAX_LINKS || target.as_bytes().starts_with(b"/") {
                    return Err(outside());
                }
                for name in split(target.as_bytes()).collect::<Vec<_>>().into_iter().rev() {
                    names.push_front(name);
                }
                continue;
            }
            if names.is_empty() {
                last = Some(name);
                break;
            }
            let opened = match rustix::fs::openat(here, &name, folder_flags(), Mode::empty()) {
                Err(Errno::NOENT) if make => {
                    match rustix::fs::mkdirat(here, &name, Mode::from_raw_mode(0o755)) {
                        Ok(()) | Err(Errno::EXIST) => {
                            rustix::fs::openat(here, &name, folder_flags(), Mode::empty())
                        }
                        Err(errno) => Err(errno),
                    }
                }
                opened => opened,
            };
            folders.push(opened.map_err(|errno| refused(path, errno))?);
        }
        let folder = folders.pop().ok_or_else(outside)?;
        Ok(Place { folder, name: last })
    }
}

/// The names of a path, without those that mean nothing.
fn split(path: &[u8]) -> impl Iterator<Item = Vec<u8>> {
    let names = path.split(|byte| *byte == b'/');
    let names = names.filter(|name| !name.is_empty() && *name != b".");
    names.map(|name| std::ffi::OsStr::from_bytes(name).as_bytes().to_vec())
}
