//! The master key of the vault where no secret store holds one: a file beside the state that only
//! its owner may read. It keeps sealed values from whoever gets the database alone, and from
//! nobody who gets the whole folder.

use std::fs::{self, OpenOptions};
use std::io::{self, Write};
use std::path::Path;

use largestack_ports::ids::Ids;

use crate::error::{Result, StoreError};
use crate::seal::Key;

/// The key in the file; `None` when there is no file.
pub(crate) fn read(path: &Path) -> Result<Option<Key>> {
    let text = match fs::read_to_string(path) {
        Ok(text) => text,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(StoreError::io(path, error)),
    };
    if !is_private(path)? {
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

/// The error of a key file that is gone while values are sealed with its key.
pub(crate) fn gone(path: &Path) -> StoreError {
    wrong(path, "is gone, and values are sealed with its key")
}

/// The error of a key file whose key is not the one that values are sealed with.
pub(crate) fn another(path: &Path) -> StoreError {
    wrong(path, "holds another key than the one values are sealed with")
}

/// Makes the file with a new key and syncs it. Fails when it is there. Callers hold the store's
/// write transaction, so only one process gets here.
pub(crate) fn make(path: &Path, ids: &dyn Ids) -> Result<Key> {
    let key = Key::random(ids);
    let failed = |error| StoreError::io(path, error);
    // Written under another name first: a crash in the middle leaves no half key behind.
    let fresh = path.with_extension("new");
    let mut options = OpenOptions::new();
    options.write(true).create(true).truncate(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    let mut file = options.open(&fresh).map_err(failed)?;
    writeln!(file, "{}", hex::encode(key.bytes())).map_err(failed)?;
    file.sync_all().map_err(failed)?;
    fs::rename(&fresh, path).map_err(failed)?;
    sync_folder(path).map_err(failed)?;
    Ok(key)
}

#[cfg(unix)]
fn sync_folder(path: &Path) -> io::Result<()> {
    path.parent().map_or(Ok(()), |folder| fs::File::open(folder)?.sync_all())
}

#[cfg(not(unix))]
fn sync_folder(_: &Path) -> io::Result<()> {
    Ok(())
}

/// Bits of a mode that are not the owner's.
#[cfg(unix)]
const OTHERS: u32 = 6;

#[cfg(unix)]
fn is_private(path: &Path) -> Result<bool> {
    use std::os::unix::fs::PermissionsExt;
    let metadata = fs::metadata(path).map_err(|error| StoreError::io(path, error))?;
    Ok(metadata.permissions().mode().trailing_zeros() >= OTHERS)
}

#[cfg(not(unix))]
fn is_private(_: &Path) -> Result<bool> {
    Ok(true)
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
        assert!(is_private(&path).unwrap());
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
