//! The cases of a file beside an agent's: there or not, and which of them are wanted.

use std::path::{Path, PathBuf};

use largestack_config as config;
use largestack_types::errors::{Code, LargestackError, Result};

/// What was read of a file of cases; `None` where there is none.
type Read<C> = std::result::Result<Option<(PathBuf, Vec<C>)>, config::Error>;

/// The cases whose name holds a text, with their file; all of them where none is said.
pub(crate) fn chosen<C>(
    read: Read<C>,
    (expected, advice): (&Path, &'static str),
    only: Option<&str>,
    name: impl Fn(&C) -> &str,
) -> Result<(PathBuf, Vec<C>)> {
    let found = read.map_err(|error| LargestackError::from_coded(&error))?;
    let Some((file, mut cases)) = found else {
        let detail = format!("there is no {}", expected.display());
        return Err(LargestackError::with_advice(Code::NotFound, detail, advice));
    };
    if let Some(only) = only {
        cases.retain(|case| name(case).contains(only));
        if cases.is_empty() {
            return Err(LargestackError::with_advice(
                Code::NotFound,
                format!("no case of {} has `{only}` in its name", file.display()),
                "Leave --only out to see every case",
            ));
        }
    }
    Ok((file, cases))
}
