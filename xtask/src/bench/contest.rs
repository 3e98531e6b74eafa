//! Rounds of several contestants, each measured in turn.

use crate::Outcome;
use crate::report::{Aim, Ratio, Row, median};

/// Something measured again and again: each turn gives one value for every row.
pub(super) struct Contestant<'a> {
    rows: Vec<(String, &'static str)>,
    turn: Box<dyn FnMut() -> Outcome<Vec<f64>> + 'a>,
}

impl<'a> Contestant<'a> {
    /// A contestant with a name and a unit for each value that a turn gives.
    pub(super) fn new(
        rows: &[(&str, &'static str)],
        turn: impl FnMut() -> Outcome<Vec<f64>> + 'a,
    ) -> Self {
        let rows = rows.iter().map(|(name, unit)| ((*name).to_owned(), *unit)).collect();
        Self { rows, turn: Box::new(turn) }
    }
}

/// What the rounds gave.
pub(super) struct Standings {
    samples: Vec<(String, &'static str, Vec<f64>)>,
}

/// One round to warm up, which does not count, then as many as asked for.
pub(super) fn hold(rounds: usize, mut contestants: Vec<Contestant<'_>>) -> Outcome<Standings> {
    let count = contestants.len().max(1);
    let mut taken: Vec<Vec<Vec<f64>>> = contestants.iter().map(|_| Vec::new()).collect();
    for round in 0..=rounds {
        for place in 0..contestants.len() {
            let index = (place + round) % count;
            let Some((contestant, taken)) = contestants.get_mut(index).zip(taken.get_mut(index))
            else {
                continue;
            };
            let values = (contestant.turn)()?;
            if values.len() != contestant.rows.len() {
                return Err("a turn gave another number of values than it has rows".into());
            }
            if round > 0 {
                taken.push(values);
            }
        }
    }
    let mut samples = Vec::new();
    for (contestant, taken) in contestants.iter().zip(&taken) {
        for (row, (name, unit)) in contestant.rows.iter().enumerate() {
            let values = taken.iter().filter_map(|values| values.get(row).copied()).collect();
            samples.push((name.clone(), *unit, values));
        }
    }
    Ok(Standings { samples })
}

impl Standings {
    /// Every row with its median and spread.
    pub(super) fn rows(&self) -> Vec<Row> {
        self.samples.iter().map(|(name, unit, values)| Row::of(name, unit, values)).collect()
    }

    /// The samples of a row.
    pub(super) fn of(&self, name: &str) -> Outcome<&[f64]> {
        let found = self.samples.iter().find(|(row, _, _)| row == name);
        found.map(|(_, _, values)| values.as_slice()).ok_or_else(|| format!("no row {name}").into())
    }

    /// One row over another, round by round.
    pub(super) fn ratio(&self, over: &str, under: &str, aim: Aim) -> Outcome<Ratio> {
        let pairs = self.of(over)?.iter().zip(self.of(under)?);
        let values: Vec<f64> = pairs.map(|(over, under)| over / under).collect();
        Ok(Ratio::new(format!("{over} / {under}"), median(&values), aim))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::cell::RefCell;

    #[test]
    fn contestants_take_turns_and_the_first_round_does_not_count() {
        let order = RefCell::new(String::new());
        let contestant = |name: &'static str| {
            let order = &order;
            let mut turns = 0.0;
            Contestant::new(&[(name, "x")], move || {
                order.borrow_mut().push_str(name);
                turns += 1.0;
                Ok(vec![turns])
            })
        };
        let standings = hold(2, vec![contestant("a"), contestant("b"), contestant("c")]).unwrap();
        assert_eq!(*order.borrow(), "abcbcacab");
        assert_eq!(standings.of("b").unwrap(), [2.0, 3.0]);
        assert_eq!(standings.rows().len(), 3);
    }

    #[test]
    fn a_ratio_is_taken_within_each_round() {
        let mut slow = [9.0, 2.0, 40.0, 6.0].into_iter();
        let mut fast = [9.0, 1.0, 20.0, 2.0].into_iter();
        let turn = |values: &mut dyn Iterator<Item = f64>| Ok(values.next().into_iter().collect());
        let contestants = vec![
            Contestant::new(&[("slow", "x")], || turn(&mut slow)),
            Contestant::new(&[("fast", "x")], || turn(&mut fast)),
        ];
        let standings = hold(3, contestants).unwrap();
        let ratio = standings.ratio("slow", "fast", Aim::AtMost(2.0)).unwrap();
        assert!((ratio.value - 2.0).abs() < 1e-12 && ratio.met);
        assert!(standings.ratio("slow", "other", Aim::AtMost(2.0)).is_err());
    }

    #[test]
    fn a_turn_that_gives_too_little_is_an_error() {
        assert!(
            hold(1, vec![Contestant::new(&[("a", "x"), ("b", "x")], || Ok(vec![1.0]))]).is_err()
        );
    }
}
