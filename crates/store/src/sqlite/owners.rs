//! Which processes are alive. Each holds an exclusive lock on a file of its own for as long as it
//! lives; the system lets go of the lock when the process ends, however it ends, so a run held by
//! a dead process is free at once.

use std::fs::{self, File, OpenOptions, TryLockError};
use std::io::{Read, Write};
use std::path::{Path, PathBuf};

use largestack_ports::clock::Clock;
use largestack_ports::ids::{Ids, MakeId};
use largestack_types::id::OwnerId;

use crate::error::{Result, StoreError};

/// Attempts at an id that no file is named after yet: more than one only where ids are counted
/// instead of drawn.
const ATTEMPTS: usize = 10_000;

/// Whether a process lives.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Life {
    /// Nobody holds its lock.
    Dead,
    /// Somebody does.
    Alive {
        /// Its number, where it is another process and its lock file says so.
        pid: Option<u32>,
    },
}

/// This process, as other processes of the store see it.
#[derive(Debug)]
pub(crate) struct Process {
    /// What lease rows name it.
    pub id: OwnerId,
    folder: PathBuf,
    // Held, not read: closing it lets go of the lock.
    _lock: File,
}

impl Process {
    /// Enters this process in the folder, and takes out those that died without doing so.
    pub(crate) fn enter(folder: PathBuf, ids: &dyn Ids, clock: &dyn Clock) -> Result<Self> {
        fs::create_dir_all(&folder).map_err(|error| StoreError::io(&folder, error))?;
        sweep(&folder);
        for _ in 0..ATTEMPTS {
            let id = ids.owner_id(clock.now());
            let path = file_of(&folder, id);
            match OpenOptions::new().write(true).create_new(true).open(&path) {
                Ok(lock) => return Self::hold(id, folder, lock, &path),
                Err(error) if error.kind() == std::io::ErrorKind::AlreadyExists => {}
                Err(error) => return Err(StoreError::io(&path, error)),
            }
        }
        Err(StoreError::Busy { path: folder })
    }

    fn hold(id: OwnerId, folder: PathBuf, mut lock: File, path: &Path) -> Result<Self> {
        let failed = |error| StoreError::io(path, error);
        lock.lock().map_err(failed)?;
        // Only now does the file say anything: an empty one is never taken for a dead process's.
        writeln!(lock, "{}", std::process::id()).map_err(failed)?;
        Ok(Self { id, folder, _lock: lock })
    }

    /// Whether a process lives.
    pub(crate) fn life(&self, id: OwnerId) -> Life {
        if id == self.id {
            return Life::Alive { pid: None };
        }
        life(&file_of(&self.folder, id))
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        // Left behind, it is taken for a dead process's and removed by the next one.
        let _removed = fs::remove_file(file_of(&self.folder, self.id));
    }
}

/// Whether a process lives that has entered this folder.
pub(crate) fn lives(folder: &Path, id: OwnerId) -> bool {
    life(&file_of(folder, id)) != Life::Dead
}

fn file_of(folder: &Path, id: OwnerId) -> PathBuf {
    folder.join(format!("{id}.lock"))
}

fn life(path: &Path) -> Life {
    let Ok(mut file) = File::open(path) else { return Life::Dead };
    match file.try_lock() {
        Ok(()) => Life::Dead,
        Err(TryLockError::WouldBlock) => {
            let mut text = String::new();
            let read = file.read_to_string(&mut text);
            Life::Alive { pid: read.ok().and_then(|_| text.trim().parse().ok()) }
        }
        // Locks do not work here: better refused than run twice.
        Err(TryLockError::Error(_)) => Life::Alive { pid: None },
    }
}

fn sweep(folder: &Path) {
    let Ok(entries) = fs::read_dir(folder) else { return };
    for path in entries.flatten().map(|entry| entry.path()) {
        let written = path.metadata().is_ok_and(|file| file.len() > 0);
        if written && path.extension().is_some_and(|e| e == "lock") && life(&path) == Life::Dead {
            let _removed = fs::remove_file(&path);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use largestack_ports::clock::FakeClock;
    use largestack_ports::ids::CountingIds;

    fn enter(folder: &Path) -> Process {
        Process::enter(folder.to_owned(), &CountingIds::default(), &FakeClock::default()).unwrap()
    }

    #[test]
    fn a_process_is_alive_while_it_holds_its_lock() {
        let folder = tempfile::tempdir().unwrap();
        let (a, b) = (enter(folder.path()), enter(folder.path()));
        assert_ne!(a.id, b.id);
        assert_eq!(a.life(b.id), Life::Alive { pid: Some(std::process::id()) });
        let gone = b.id;
        drop(b);
        assert_eq!(a.life(gone), Life::Dead);
    }

    #[test]
    fn files_of_the_dead_are_swept_and_empty_ones_are_left() {
        let folder = tempfile::tempdir().unwrap();
        let (dead, fresh) = (folder.path().join("own_a.lock"), folder.path().join("own_b.lock"));
        fs::write(&dead, "1\n").unwrap();
        fs::write(&fresh, "").unwrap();
        let process = enter(folder.path());
        assert!(!dead.exists());
        assert!(fresh.exists());
        assert_eq!(process.life(process.id), Life::Alive { pid: None });
    }
}
