//! The master key of the vault where no secret store holds one: a file beside the state that only
//! its owner may read. It keeps sealed values from whoever gets the database alone, and from
//! nobody who gets the whole folder.

use std::path::{Path, PathBuf};
use std::{fs, io};

use largestack_ports::ids::Ids;

use crate::error::{Result, StoreError};
use crate::private;
use crate::seal::Key;

/// The name of the file, in the folder of a project's state.
pub const KEY_FILE: &str = "vault.key";

/// The key in the file; `None` when there is no file.
pub(crate) fn read(path: &Path) -> Result<Option<Key>> {
    let text = match fs::read_to_string(path) {
        Ok(text) => text,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(StoreError::io(path, error)),
    };
    if !private::is_private(path)? {
        return Err(wrong(path, "may be read by others"));
    }
    let mut bytes = [0; 32];
    hex::decode_to_slice(text.trim(), &mut bytes)
        .map_err(|_| wrong(path, "does not hold a key of 64 hexadecimal digits"))?;
    Ok(Some(Key::from_bytes(bytes)))
}

fn wrong(path: &Path, problem: &'static str) -> StoreError {
    StoreError::KeyFile { path: path.to_owned(), problem }
}

/// Where the key is that takes the place of the one in the file, while it does.
pub(crate) fn next(path: &Path) -> PathBuf {
    path.with_extension("next")
}

/// The key of this name: the one in the file, or the one that is about to take its place.
pub(crate) fn named(path: &Path, name: &str) -> Result<Key> {
    let current = read(path)?;
    let was_there = current.is_some();
    for key in [current, read(&next(path))?].into_iter().flatten() {
        if key.name() == name {
            return Ok(key);
        }
    }
    Err(if was_there { another(path) } else { gone(path) })
}

/// Puts the next key in the place of the one in the file.
pub(crate) fn promote(path: &Path) -> Result<()> {
    let failed = |error| StoreError::io(path, error);
    match fs::rename(next(path), path) {
        Ok(()) => private::sync_folder(path).map_err(failed),
        // Another process was faster.
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
        Err(error) => Err(failed(error)),
    }
}

/// The error of a key file that is gone while values are sealed with its key.
pub(crate) fn gone(path: &Path) -> StoreError {
    wrong(path, "is gone, and values are sealed with its key")
}

/// The error of a key file whose key is not the one that values are sealed with.
pub(crate) fn another(path: &Path) -> StoreError {
    wrong(path, "holds another key than the one values are sealed with")
}

/// Makes the file with a new key and syncs it. Callers hold a lock beside it (the store's write
/// transaction, the lock file of secrets) and have seen that there is none.
pub(crate) fn make(path: &Path, ids: &dyn Ids) -> Result<Key> {
    if let Some(folder) = path.parent().filter(|folder| !folder.as_os_str().is_empty()) {
        private::folder(folder)?;
    }
    let key = Key::random(ids);
    private::write(path, format!("{}\n", hex::encode(key.bytes())).as_bytes())?;
    Ok(key)
}

#[cfg(test)]
mod tests {
    use super::*;
    use largestack_ports::ids::CountingIds;

    #[test]
    fn a_key_file_reads_back_and_is_its_owners_alone() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("vault.key");
        assert!(read(&path).unwrap().is_none());
        let key = make(&path, &CountingIds::default()).unwrap();
        assert_eq!(read(&path).unwrap().unwrap().bytes(), key.bytes());
        assert!(private::is_private(&path).unwrap());
    }

    #[cfg(unix)]
    #[test]
    fn a_key_file_that_others_may_read_is_refused() {
        use std::os::unix::fs::PermissionsExt;
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("vault.key");
        make(&path, &CountingIds::default()).unwrap();
        fs::set_permissions(&path, fs::Permissions::from_mode(0o640)).unwrap();
        let error = read(&path).map(|_| ()).unwrap_err();
        assert!(error.to_string().contains("may be read by others"), "{error}");
    }

    #[test]
    fn a_file_that_holds_no_key_is_refused() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("vault.key");
        make(&path, &CountingIds::default()).unwrap();
        fs::write(&path, "0123").unwrap();
        assert!(matches!(read(&path), Err(StoreError::KeyFile { .. })));
    }
}
