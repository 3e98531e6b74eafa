//! What was caught and what was flagged wrongly, by language and by channel, with intervals.

use std::collections::BTreeMap;
use std::fmt;

use crate::corpus::{Label, Record};

/// Of so many texts so many.
#[derive(Clone, Copy, Default)]
struct Share {
    hit: u32,
    of: u32,
}

impl Share {
    fn rate(self) -> f64 {
        f64::from(self.hit) / f64::from(self.of.max(1))
    }

    /// Wilson's interval at 95 %.
    fn interval(self) -> (f64, f64) {
        let (n, p, z) = (f64::from(self.of.max(1)), self.rate(), 1.96_f64);
        let middle = p + z * z / (2.0 * n);
        let apart = z * (p * (1.0 - p) / n + z * z / (4.0 * n * n)).sqrt();
        let scale = 1.0 + z * z / n;
        ((middle - apart) / scale, (middle + apart) / scale)
    }
}

impl fmt::Display for Share {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (low, high) = self.interval();
        let percent = |rate: f64| 100.0 * rate;
        write!(
            f,
            "{:>4}/{:<4} {:>5.1} % ({:.1} to {:.1})",
            self.hit,
            self.of,
            percent(self.rate()),
            percent(low),
            percent(high)
        )
    }
}

/// Caught attacks and false alarms.
#[derive(Clone, Copy, Default)]
struct Row {
    caught: Share,
    alarms: Share,
}

/// The figures of one measurement.
pub(super) struct Table {
    all: Row,
    rows: BTreeMap<(u8, String), Row>,
}

impl Table {
    pub(super) fn of(records: &[&Record], scores: &[f64], threshold: f64) -> Self {
        let mut table = Self { all: Row::default(), rows: BTreeMap::new() };
        for (record, score) in records.iter().zip(scores) {
            let flagged = *score >= threshold;
            table.all.add(record.label, flagged);
            for key in [(0, record.lang.clone()), (1, record.channel.clone())] {
                table.rows.entry(key).or_default().add(record.label, flagged);
            }
        }
        table
    }

    /// Of all attacks, those that were flagged.
    pub(super) fn caught(&self) -> f64 {
        self.all.caught.rate()
    }

    /// Of all harmless texts, those that were flagged.
    pub(super) fn alarms(&self) -> f64 {
        self.all.alarms.rate()
    }
}

impl Row {
    fn add(&mut self, label: Label, flagged: bool) {
        let share = match label {
            Label::Attack => &mut self.caught,
            Label::Benign => &mut self.alarms,
        };
        share.of += 1;
        share.hit += u32::from(flagged);
    }
}

impl fmt::Display for Table {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "{:<16} {:<34} false alarms", "", "caught")?;
        writeln!(f, "{:<16} {:<34} {}", "all", self.all.caught.to_string(), self.all.alarms)?;
        for ((_, name), row) in &self.rows {
            writeln!(f, "{name:<16} {:<34} {}", row.caught.to_string(), row.alarms)?;
        }
        Ok(())
    }
}
