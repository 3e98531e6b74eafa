//! What `doctor` found.

use std::fmt::Write as _;

use serde::Serialize;

use super::style::{BAD, FAINT, GOOD, STRONG, WARN, painted};
use super::text::clean;

/// How a check came out.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Finding {
    /// It works.
    Ok,
    /// It is not set up; nothing is wrong with that.
    Off,
    /// It works, with something to know or to do.
    Warn,
    /// It does not work.
    Broken,
}

/// One thing that was looked at.
#[derive(Clone, Debug, Serialize)]
pub(crate) struct Check {
    /// What.
    pub(crate) name: &'static str,
    /// How it is.
    pub(crate) finding: Finding,
    /// What was found.
    pub(crate) detail: String,
    /// What to do.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) advice: Option<String>,
}

impl Check {
    /// A check without advice.
    pub(crate) fn new(name: &'static str, finding: Finding, detail: impl Into<String>) -> Self {
        Self { name, finding, detail: detail.into(), advice: None }
    }

    /// The same with what to do.
    pub(crate) fn advise(mut self, advice: impl Into<String>) -> Self {
        self.advice = Some(advice.into());
        self
    }
}

/// Whether something is broken.
pub(crate) fn any_broken(checks: &[Check]) -> bool {
    checks.iter().any(|check| check.finding == Finding::Broken)
}

/// The checks as lines, with a verdict under them.
pub(crate) fn lines(checks: &[Check]) -> String {
    let width = checks.iter().map(|check| check.name.chars().count()).max().unwrap_or(0);
    let mut text = String::new();
    for check in checks {
        let (style, mark) = match check.finding {
            Finding::Ok => (GOOD, "ok    "),
            Finding::Off => (FAINT, "off   "),
            Finding::Warn => (WARN, "note  "),
            Finding::Broken => (BAD, "BROKEN"),
        };
        let (mark, name) =
            (painted(style, mark), painted(STRONG, format!("{:<width$}", check.name)));
        // Writing to a string does not fail.
        let indent = width + 10;
        let detail = check.detail.replace('\n', &format!("\n{:indent$}", ""));
        let _ = writeln!(text, "{mark}  {name}  {}", clean(&detail));
        if let Some(advice) = &check.advice {
            let _ = writeln!(text, "{:indent$}{}", "", painted(FAINT, clean(advice)));
        }
    }
    let broken = checks.iter().filter(|check| check.finding == Finding::Broken).count();
    let verdict = match broken {
        0 => painted(GOOD, "Nothing is broken."),
        1 => painted(BAD, "1 thing is broken."),
        more => painted(BAD, format!("{more} things are broken.")),
    };
    let _ = writeln!(text, "\n{verdict}");
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_verdict_counts_what_is_broken_and_nothing_else() {
        let off = Check::new("provider", Finding::Off, "no key").advise("set one");
        let broken = Check::new("state", Finding::Broken, "cannot be written");
        let plain = |checks: &[Check]| anstream::adapter::strip_str(&lines(checks)).to_string();
        assert!(plain(std::slice::from_ref(&off)).ends_with("Nothing is broken.\n"));
        let both = [off, broken];
        assert!(plain(&both).ends_with("1 thing is broken.\n"));
        assert!(any_broken(&both) && plain(&both).contains("set one"));
    }
}
