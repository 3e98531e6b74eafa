//! The file's form: one line that names the form and the key, then everything else, sealed and
//! bound to that line.

use std::collections::BTreeMap;
use std::path::Path;

use largestack_ports::ids::Ids;
use largestack_ports::vault::Sensitive;
use largestack_types::hash::Hash;

use crate::error::{Result, StoreError};
use crate::seal::Key;

/// By tenant, then by name.
pub(super) type Contents = BTreeMap<String, BTreeMap<String, Sensitive>>;

/// What the first line begins with, before the form's number.
const MAGIC: &str = "largestack secrets ";
/// The form that is written.
const FORM: &str = "1";

fn wrong(path: &Path, problem: &'static str) -> StoreError {
    StoreError::Secrets { path: path.to_owned(), problem }
}

fn line(key: &str) -> String {
    format!("{MAGIC}{FORM} {key}\n")
}

fn split<'b>(path: &Path, bytes: &'b [u8]) -> Result<(&'b str, &'b [u8])> {
    let no_file = || wrong(path, "is not a file of secrets");
    let end = bytes.iter().position(|byte| *byte == b'\n').ok_or_else(no_file)?;
    let (line, sealed) = bytes.split_at_checked(end + 1).ok_or_else(no_file)?;
    let line = std::str::from_utf8(line).ok().and_then(|line| line.strip_prefix(MAGIC));
    let (form, key) = line.and_then(|line| line.trim_end().split_once(' ')).ok_or_else(no_file)?;
    if form != FORM {
        return Err(wrong(path, "was written by a newer version"));
    }
    Ok((key, sealed))
}

/// The name of the key that a file is sealed with.
pub(super) fn key_name<'b>(path: &Path, bytes: &'b [u8]) -> Result<&'b str> {
    split(path, bytes).map(|(key, _)| key)
}

/// What a sealed file holds.
pub(super) fn open(path: &Path, key: &Key, bytes: &[u8]) -> Result<Contents> {
    let changed = || wrong(path, "does not open: it was changed or is damaged");
    let (name, sealed) = split(path, bytes)?;
    let clear = key.open(&Hash::of(line(name).as_bytes()), sealed).map_err(|_| changed())?;
    let contents: BTreeMap<String, BTreeMap<String, String>> =
        serde_json::from_slice(&clear).map_err(|_| changed())?;
    let secrets = |(tenant, secrets): (String, BTreeMap<String, String>)| {
        (tenant, secrets.into_iter().map(|(name, value)| (name, Sensitive::new(value))).collect())
    };
    Ok(contents.into_iter().map(secrets).collect())
}

/// The file that holds this.
pub(super) fn seal(key: &Key, ids: &dyn Ids, contents: &Contents) -> Result<Vec<u8>> {
    let shown: BTreeMap<&str, BTreeMap<&str, &str>> = contents
        .iter()
        .map(|(tenant, secrets)| {
            // Exposed to be sealed in the next statement, and nowhere else.
            let secrets = secrets.iter().map(|(name, value)| (name.as_str(), value.expose()));
            (tenant.as_str(), secrets.collect())
        })
        .collect();
    let clear = serde_json::to_vec(&shown)
        .map_err(|source| StoreError::Unwritable { what: "secrets", source })?;
    let mut file = line(&key.name()).into_bytes();
    let place = Hash::of(&file);
    file.extend(key.seal(ids, &place, &clear)?);
    Ok(file)
}
