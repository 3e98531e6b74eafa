//! The files with an operator's own policies about calls, read. Without the feature there is nothing that
//! reads them, and an agent that names some is refused: it would do what they were to keep it from.

use std::path::PathBuf;
use std::sync::Arc;

use largestack_ports::policies::Policies;
use largestack_types::errors::{Code, LargestackError, Result};

/// What the files say; `None` where none is named.
#[cfg(feature = "cedar")]
pub(crate) fn of(files: &[PathBuf]) -> Result<Option<Arc<dyn Policies>>> {
    if files.is_empty() {
        return Ok(None);
    }
    let mut texts = Vec::with_capacity(files.len());
    for file in files {
        let text = std::fs::read_to_string(file).map_err(|error| {
            let detail = format!("{} cannot be read: {error}", file.display());
            LargestackError::other(Code::Config, detail)
        })?;
        texts.push((file.display().to_string(), text));
    }
    let policies = largestack_cedar::CedarPolicies::parse(texts)?;
    Ok(Some(Arc::new(policies)))
}

#[cfg(not(feature = "cedar"))]
pub(crate) fn of(files: &[PathBuf]) -> Result<Option<Arc<dyn Policies>>> {
    let Some(file) = files.first() else { return Ok(None) };
    Err(LargestackError::with_advice(
        Code::Config,
        format!("{} holds policies, and this program lacks the feature `cedar`", file.display()),
        "Build it with `--features cedar`; an agent is not run without policies that its file names",
    ))
}
