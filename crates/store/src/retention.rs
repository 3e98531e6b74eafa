//! Which trees of runs may go, and which parts they leave to nobody: the same in every database.

use std::collections::{BTreeMap, BTreeSet, HashSet};

use largestack_ports::journal::RunSummary;
use largestack_ports::retention::{Kept, Rule};
use largestack_types::id::RunId;

/// What keeps runs from going.
#[derive(Debug, Default)]
pub(crate) struct Ties {
    /// Runs that a living process holds.
    pub held: HashSet<RunId>,
    /// Runs whose words a conversation holds.
    pub in_sessions: HashSet<RunId>,
    /// Runs that were forked: the fork, and what it was forked from.
    pub forks: Vec<(RunId, RunId)>,
}

/// The runs that may go, and why others stay that are old enough.
pub(crate) fn choose(lines: &[RunSummary], ties: &Ties, rule: &Rule) -> (BTreeSet<RunId>, Kept) {
    let mut trees: BTreeMap<RunId, Vec<&RunSummary>> = BTreeMap::new();
    for line in lines {
        trees.entry(line.root).or_default().push(line);
    }
    let root_of: BTreeMap<RunId, RunId> = lines.iter().map(|line| (line.run, line.root)).collect();
    let mut kept = Kept::default();
    let mut going = BTreeSet::new();
    let keep = usize::try_from(rule.keep).unwrap_or(usize::MAX);
    for (root, runs) in trees.iter().rev().skip(keep) {
        let old = |line: &&RunSummary| rule.before.is_none_or(|before| line.updated < before);
        if !runs.iter().all(old) {
            continue;
        }
        if runs.iter().any(|line| !line.status.is_final()) {
            kept.open += 1;
        } else if runs.iter().any(|line| ties.held.contains(&line.run)) {
            kept.held += 1;
        } else if runs.iter().any(|line| ties.in_sessions.contains(&line.run)) {
            kept.in_sessions += 1;
        } else {
            going.insert(*root);
        }
    }
    kept.forked = keep_forked(&mut going, &root_of, &ties.forks);
    let goes = |line: &&RunSummary| going.contains(&line.root);
    (lines.iter().filter(goes).map(|line| line.run).collect(), kept)
}

/// The runs that are over and old enough to keep less of, and why others are not. What conversations hold
/// is kept beside their events, and a fork has its own.
pub(crate) fn over(
    lines: &[RunSummary],
    held: HashSet<RunId>,
    rule: &Rule,
) -> (BTreeSet<RunId>, Kept) {
    choose(lines, &Ties { held, ..Ties::default() }, rule)
}

/// Keeps what runs that stay were forked from, and what that was forked from.
fn keep_forked(
    going: &mut BTreeSet<RunId>,
    root_of: &BTreeMap<RunId, RunId>,
    forks: &[(RunId, RunId)],
) -> u64 {
    let mut kept = 0;
    loop {
        let before = kept;
        for (fork, of) in forks {
            let stays = root_of.get(fork).is_some_and(|root| !going.contains(root));
            if stays && root_of.get(of).is_some_and(|root| going.remove(root)) {
                kept += 1;
            }
        }
        if kept == before {
            return kept;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use largestack_engine::Status;
    use largestack_types::hash::Hash;
    use largestack_types::money::Money;
    use largestack_types::time::Timestamp;
    use largestack_types::usage::Usage;

    fn run(number: u128) -> RunId {
        RunId::from_u128(number)
    }

    fn line(number: u128, root: u128, status: Status) -> RunSummary {
        let at = Timestamp::from_micros(i64::try_from(number).unwrap());
        RunSummary {
            run: run(number),
            root: run(root),
            agent: "a".into(),
            model: "m".into(),
            definition: Hash::of(b"definition"),
            status,
            reason: None,
            input: String::new(),
            seq: 1,
            turns: 0,
            usage: Usage::default(),
            cost: Money::ZERO,
            started: at,
            updated: at,
            engine: None,
        }
    }

    fn chosen(lines: &[RunSummary], ties: &Ties, rule: Rule) -> (Vec<u128>, Kept) {
        let (runs, kept) = choose(lines, ties, &rule);
        let number = |run: &RunId| u128::from_be_bytes(*run.as_bytes());
        (runs.iter().map(number).collect(), kept)
    }

    #[test]
    fn only_whole_trees_that_are_over_and_old_enough_go() {
        let done = Status::Completed;
        let lines = [
            line(1, 1, done),
            line(2, 2, Status::Suspended),
            line(3, 3, done),
            line(4, 3, Status::Running),
            line(5, 5, done),
            line(6, 5, done),
            line(9, 9, done),
        ];
        let before = Some(Timestamp::from_micros(9));
        let rule = Rule { before, ..Rule::default() };
        let (going, kept) = chosen(&lines, &Ties::default(), rule);
        assert_eq!((going, kept.open), (vec![1, 5, 6], 2));
        let before = Some(Timestamp::from_micros(10));
        let (going, _) = chosen(&lines, &Ties::default(), Rule { before, ..Rule::default() });
        assert_eq!(going, [1, 5, 6, 9]);
        let (going, _) = chosen(&lines, &Ties::default(), Rule { keep: 2, ..Rule::default() });
        assert_eq!(going, [1], "the newest two stay: 9, and 5 with what is below it");
    }

    #[test]
    fn what_is_held_said_in_a_session_or_forked_stays() {
        let lines: Vec<_> = (1..=6).map(|n| line(n, n, Status::Completed)).collect();
        let ties = Ties {
            held: [run(1)].into(),
            in_sessions: [run(2)].into(),
            // 2 stays, and so does 3, from which it was forked, and 4, from which that was.
            forks: vec![(run(3), run(4)), (run(2), run(3)), (run(6), run(5))],
        };
        let (going, kept) = chosen(&lines, &ties, Rule::default());
        assert_eq!(going, [5, 6], "a fork that goes keeps nothing");
        assert_eq!(kept, Kept { open: 0, held: 1, in_sessions: 1, forked: 2 });
    }
}
