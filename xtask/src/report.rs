//! The figures of one measurement: medians with their spread, and ratios with what they aim at.
//! Written as JSON beside the build output, printed for people, and, when asked, recorded in
//! `docs/figures`, from where the docs take every number they show.

use std::fmt;
use std::fs;
use std::path::Path;

use serde::{Deserialize, Serialize};

use crate::Outcome;

/// Where figures are recorded.
pub(crate) const RECORDED: &str = "docs/figures/";

/// The figures of one measurement.
#[derive(Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct Report {
    pub(crate) bench: String,
    pub(crate) machine: Machine,
    /// How often each row was measured, warm-up left out.
    pub(crate) rounds: usize,
    pub(crate) rows: Vec<Row>,
    pub(crate) ratios: Vec<Ratio>,
}

/// What the figures were measured on.
#[derive(Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct Machine {
    pub(crate) cores: usize,
}

/// One measured quantity.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct Row {
    pub(crate) name: String,
    pub(crate) median: f64,
    pub(crate) min: f64,
    pub(crate) max: f64,
    pub(crate) unit: String,
}

/// A figure that has an aim.
#[derive(Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct Ratio {
    pub(crate) name: String,
    pub(crate) value: f64,
    pub(crate) aim: Aim,
    pub(crate) met: bool,
    /// The samples lie further apart than the aim is wide: nothing is said by them.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub(crate) unresolved: bool,
}

/// What a figure should be.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Aim {
    AtMost(f64),
    AtLeast(f64),
}

impl Aim {
    fn is_met_by(self, value: f64) -> bool {
        match self {
            Self::AtMost(aim) => value <= aim,
            Self::AtLeast(aim) => value >= aim,
        }
    }
}

impl fmt::Display for Aim {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::AtMost(aim) => write!(f, "at most {aim}"),
            Self::AtLeast(aim) => write!(f, "at least {aim}"),
        }
    }
}

impl Ratio {
    pub(crate) fn new(name: impl Into<String>, value: f64, aim: Aim) -> Self {
        Self { name: name.into(), value, aim, met: aim.is_met_by(value), unresolved: false }
    }

    /// The same, unless its samples say nothing.
    pub(crate) fn resolved(self, resolved: bool) -> Self {
        Self { met: self.met && resolved, unresolved: !resolved, ..self }
    }

    /// In a word.
    pub(crate) const fn verdict(&self) -> &'static str {
        match (self.unresolved, self.met) {
            (true, _) => "unresolved",
            (false, true) => "yes",
            (false, false) => "no",
        }
    }
}

impl Row {
    /// The median of the samples and their spread.
    pub(crate) fn of(name: &str, unit: &str, samples: &[f64]) -> Self {
        let fold = |pick: fn(f64, f64) -> f64, start| samples.iter().copied().fold(start, pick);
        Self {
            name: name.to_owned(),
            median: median(samples),
            min: fold(f64::min, f64::INFINITY),
            max: fold(f64::max, f64::NEG_INFINITY),
            unit: unit.to_owned(),
        }
    }
}

/// The middle sample, or the mean of the two in the middle; not a number when there are none.
pub(crate) fn median(samples: &[f64]) -> f64 {
    let mut sorted = samples.to_vec();
    sorted.sort_by(f64::total_cmp);
    let middle = sorted.len() / 2;
    let at = |index: usize| sorted.get(index).copied().unwrap_or(f64::NAN);
    if sorted.len() % 2 == 1 {
        at(middle)
    } else {
        f64::midpoint(at(middle.wrapping_sub(1)), at(middle))
    }
}

/// The quarter and three quarters of the samples, between which their middle half lies.
pub(crate) fn quartiles(samples: &[f64]) -> (f64, f64) {
    let mut sorted = samples.to_vec();
    sorted.sort_by(f64::total_cmp);
    let at = |quarter: usize| {
        let place = (sorted.len() * quarter / 4).min(sorted.len().saturating_sub(1));
        sorted.get(place).copied().unwrap_or(f64::NAN)
    };
    (at(1), at(3))
}

impl Report {
    pub(crate) fn new(bench: &str, rounds: usize, rows: Vec<Row>, ratios: Vec<Ratio>) -> Self {
        let cores = std::thread::available_parallelism().map_or(1, std::num::NonZero::get);
        Self { bench: bench.to_owned(), machine: Machine { cores }, rounds, rows, ratios }
    }

    /// Writes the figures beside the build output, and into the docs when they are to be recorded.
    pub(crate) fn save(&self, root: &Path, target: &Path, record: bool) -> Outcome<()> {
        let text = serde_json::to_string_pretty(self)? + "\n";
        let mut folders = vec![target.join("bench")];
        if record {
            folders.push(root.join(RECORDED));
        }
        for folder in folders {
            fs::create_dir_all(&folder)?;
            fs::write(folder.join(format!("{}.json", self.bench)), &text)?;
        }
        Ok(())
    }

    /// Whether every aim is met, as far as anything can be said.
    pub(crate) fn is_met(&self) -> bool {
        self.ratios.iter().all(|ratio| ratio.met || ratio.unresolved)
    }
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "{} ({} rounds, {} cores)", self.bench, self.rounds, self.machine.cores)?;
        for row in &self.rows {
            let (median, min, max) = (short(row.median), short(row.min), short(row.max));
            writeln!(f, "  {:<56} {median:>10} {} ({min} to {max})", row.name, row.unit)?;
        }
        for ratio in &self.ratios {
            let met = match ratio.verdict() {
                "yes" => "met",
                "no" => "NOT met",
                other => other,
            };
            writeln!(f, "  {:<56} {:>10} {} ({met})", ratio.name, short(ratio.value), ratio.aim)?;
        }
        Ok(())
    }
}

/// A figure with three digits that mean something.
pub(crate) fn short(value: f64) -> String {
    let places = match value.abs() {
        large if large >= 100.0 => 0,
        medium if medium >= 10.0 => 1,
        small if small >= 1.0 => 2,
        _ => 3,
    };
    format!("{value:.places$}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_median_is_the_middle_of_the_samples() {
        assert!((median(&[3.0, 1.0, 2.0]) - 2.0).abs() < 1e-12);
        assert!((median(&[4.0, 1.0, 2.0, 3.0]) - 2.5).abs() < 1e-12);
        assert!(median(&[]).is_nan());
    }

    #[test]
    fn an_aim_is_met_up_to_itself() {
        assert!(Ratio::new("x", 1.6, Aim::AtMost(1.6)).met);
        assert!(!Ratio::new("x", 1.61, Aim::AtMost(1.6)).met);
        assert!(Ratio::new("x", 5.0, Aim::AtLeast(5.0)).met);
        assert!(!Ratio::new("x", 4.9, Aim::AtLeast(5.0)).met);
        assert!(!Ratio::new("x", f64::NAN, Aim::AtMost(1.0)).met);
    }

    #[test]
    fn what_lies_too_far_apart_is_neither_met_nor_missed() {
        let ratio = |value| Ratio::new("x", value, Aim::AtMost(1.0));
        let report = |ratio| Report::new("x", 1, vec![], vec![ratio]);
        assert_eq!(ratio(0.5).resolved(false).verdict(), "unresolved");
        assert_eq!(ratio(0.5).resolved(true).verdict(), "yes");
        assert_eq!(ratio(2.0).resolved(true).verdict(), "no");
        assert!(report(ratio(2.0).resolved(false)).is_met());
        assert!(!report(ratio(2.0)).is_met());
        assert_eq!(quartiles(&[4.0, 1.0, 3.0, 2.0]), (2.0, 4.0));
        assert!(quartiles(&[]).0.is_nan());
    }

    #[test]
    fn a_report_is_written_with_the_names_that_the_docs_read() {
        let row = Row::of("help", "ms", &[2.0, 1.0, 4.0]);
        let report =
            Report::new("start", 3, vec![row], vec![Ratio::new("r", 1.0, Aim::AtMost(3.0))]);
        let text = serde_json::to_string(&report).unwrap();
        assert!(text.contains(r#""median":2.0,"min":1.0,"max":4.0,"unit":"ms""#), "{text}");
        assert!(text.contains(r#""aim":{"at_most":3.0},"met":true"#), "{text}");
        assert_eq!(serde_json::from_str::<Report>(&text).unwrap(), report);
    }
}
