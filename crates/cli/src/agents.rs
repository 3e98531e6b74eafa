//! Which file an agent came from, by the hash of its definition, so that a run can be taken up
//! from anywhere: one small file for each definition, in the state's `agents` folder.

use std::fs;
use std::path::{Path, PathBuf};

use largestack_types::errors::Result;
use largestack_types::hash::Hash;

use crate::failure::unwritten;

fn entry(state: &Path, definition: Hash) -> PathBuf {
    state.join("agents").join(definition.to_string())
}

/// Remembers the file of a definition.
pub(crate) fn remember(state: &Path, definition: Hash, file: &Path) -> Result<()> {
    let entry = entry(state, definition);
    let file = std::path::absolute(file).map_err(|error| unwritten(&entry, &error))?;
    let path = file.to_string_lossy();
    if fs::read_to_string(&entry).is_ok_and(|known| known == path) {
        return Ok(());
    }
    let folder = entry.parent().unwrap_or(state);
    fs::create_dir_all(folder)
        .and_then(|()| fs::write(&entry, path.as_bytes()))
        .map_err(|error| unwritten(&entry, &error))
}

/// The same of a workflow whose agents were given a model: its definition is made with it.
pub(crate) fn remember_with(
    state: &Path,
    definition: Hash,
    (file, model): (&Path, Option<&str>),
) -> Result<()> {
    remember(state, definition, file)?;
    let Some(model) = model else { return Ok(()) };
    let entry = entry(state, definition).with_extension("model");
    fs::write(&entry, model.as_bytes()).map_err(|error| unwritten(&entry, &error))
}

/// The file of a definition, where it is known.
pub(crate) fn recall(state: &Path, definition: Hash) -> Option<PathBuf> {
    fs::read_to_string(entry(state, definition)).ok().map(PathBuf::from)
}

/// The model that the agents of a workflow were given.
pub(crate) fn model(state: &Path, definition: Hash) -> Option<String> {
    fs::read_to_string(entry(state, definition).with_extension("model")).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_definition_remembers_its_file_and_a_moved_one_is_written_anew() {
        let state = tempfile::tempdir().unwrap();
        let (one, other) = (Hash::of(b"one"), Hash::of(b"other"));
        remember(state.path(), one, Path::new("/a/agent.yaml")).unwrap();
        assert_eq!(recall(state.path(), one).unwrap(), Path::new("/a/agent.yaml"));
        assert_eq!(recall(state.path(), other), None);
        remember(state.path(), one, Path::new("/b/agent.yaml")).unwrap();
        assert_eq!(recall(state.path(), one).unwrap(), Path::new("/b/agent.yaml"));
    }
}
