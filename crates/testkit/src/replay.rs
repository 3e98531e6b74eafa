//! Recorded provider traffic held against the wires: every reply is decoded whole and in pieces,
//! every request is read and written again, and what was decoded must re-encode into the request
//! that was recorded next. Nothing here knows a wire's code; what each body says is looked up in
//! its JSON, independently of the decoders.

mod counts;
mod exchange;
mod history;
mod json;
mod judge;
mod laws;
mod report;
mod row;
mod said;
mod seen;

pub use exchange::{Exchange, load};
pub(crate) use json::equal;
pub use report::{Failure, Known, Report, Tally};
pub use row::protocol;
pub(crate) use row::{Row, of as row_of};

use std::path::Path;

use serde::Deserialize;

/// The differences that are understood and accepted.
pub fn known() -> Result<Vec<Known>, toml::de::Error> {
    #[derive(Deserialize)]
    struct Differences {
        #[serde(default)]
        difference: Vec<Known>,
    }
    toml::from_str(include_str!("replay/known.toml")).map(|table: Differences| table.difference)
}

/// Holds the laws against the exchanges of one conversation; nothing is a known difference.
pub(crate) fn check_exchanges(name: &str, exchanges: &[Exchange], report: &mut Report) {
    laws::check(name, exchanges, report);
    report.settle(&[]);
}

/// Replays every recording under a folder.
pub fn replay(folder: &Path, known: &[Known]) -> std::io::Result<Report> {
    let mut report = Report::default();
    for recording in load(folder)? {
        match recording.exchanges {
            Ok(exchanges) => laws::check(&recording.name, &exchanges, &mut report),
            Err(detail) => report.unreadable(&recording.name, &detail),
        }
    }
    report.settle(known);
    Ok(report)
}
