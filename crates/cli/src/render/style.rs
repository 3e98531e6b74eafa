//! The few styles in use. A terminal that wants none gets none: the screen strips them.

use std::fmt::Display;

use anstyle::{AnsiColor, Style};
use largestack_engine::Status;

/// Names of things.
pub(crate) const STRONG: Style = Style::new().bold();
/// What matters less.
pub(crate) const FAINT: Style = Style::new().dimmed();
/// What went well.
pub(crate) const GOOD: Style = AnsiColor::Green.on_default();
/// What wants attention.
pub(crate) const WARN: Style = AnsiColor::Yellow.on_default();
/// What went wrong.
pub(crate) const BAD: Style = AnsiColor::Red.on_default();

/// The text in a style.
pub(crate) fn painted(style: Style, text: impl Display) -> String {
    format!("{style}{text}{style:#}")
}

/// The style of a run's status.
pub(crate) const fn of_status(status: Status) -> Style {
    match status {
        Status::Completed => GOOD,
        Status::Running | Status::Suspended | Status::Incomplete | Status::Cancelled => WARN,
        Status::Failed => BAD,
    }
}
