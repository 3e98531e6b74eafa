//! Files that only their owner may read, written whole or not at all.

use std::fs::{self, DirBuilder, OpenOptions};
use std::io::{self, Write};
use std::path::Path;

use crate::error::{Result, StoreError};

/// Puts a file in the place of the one of this name, synced. Written under another name first: a
/// crash in the middle leaves the old one as it was. Callers see to it that nobody else writes it.
pub(crate) fn write(path: &Path, bytes: &[u8]) -> Result<()> {
    let failed = |error| StoreError::io(path, error);
    let fresh = path.with_extension("new");
    let mut options = OpenOptions::new();
    options.write(true).create(true).truncate(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    let mut file = options.open(&fresh).map_err(failed)?;
    file.write_all(bytes).map_err(failed)?;
    file.sync_all().map_err(failed)?;
    fs::rename(&fresh, path).map_err(failed)?;
    sync_folder(path).map_err(failed)
}

/// Makes a folder, and those above it, that only their owner may enter, where there is none.
pub(crate) fn folder(path: &Path) -> Result<()> {
    let mut builder = DirBuilder::new();
    builder.recursive(true);
    #[cfg(unix)]
    std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
    builder.create(path).map_err(|error| StoreError::io(path, error))
}

/// Syncs the folder that a file is in.
#[cfg(unix)]
pub(crate) fn sync_folder(path: &Path) -> io::Result<()> {
    path.parent().map_or(Ok(()), |folder| fs::File::open(folder)?.sync_all())
}

#[cfg(not(unix))]
pub(crate) fn sync_folder(_: &Path) -> io::Result<()> {
    Ok(())
}

/// Bits of a mode that are not the owner's.
#[cfg(unix)]
const OTHERS: u32 = 6;

/// Whether nobody but its owner may read a file.
#[cfg(unix)]
pub(crate) fn is_private(path: &Path) -> Result<bool> {
    use std::os::unix::fs::PermissionsExt;
    let metadata = fs::metadata(path).map_err(|error| StoreError::io(path, error))?;
    Ok(metadata.permissions().mode().trailing_zeros() >= OTHERS)
}

#[cfg(not(unix))]
pub(crate) fn is_private(_: &Path) -> Result<bool> {
    Ok(true)
}
