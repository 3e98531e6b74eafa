//! The guard over prose of four scripts and over texts made to be slow, beside one automaton of all
//! the shapes that it looks for: what looking costs, and what being right about it costs more.
//!
//! The automaton is the `regex` crate's, over the same bytes, and says where a shape stands: it
//! checks no digit, no context and no overlap, sees through nothing, and is built before it is
//! measured, as the guard's tables are.

mod texts;

use std::hint::black_box;

use largestack_guard::{Guard, Kind, Policy, detectors};
use regex::bytes::{Regex, RegexBuilder};

use super::contest::{Contestant, Standings, hold};
use crate::Outcome;
use crate::measure::process_cpu;
use crate::report::{Aim, Ratio, Report, median};

const ROUNDS: usize = 9;
/// Length of a measured text, bytes.
const LENGTH: usize = 1 << 20;
/// Texts of 1 KB that are scanned in one turn.
const SHORT: usize = 500;
/// What regular expressions may weigh, bytes.
const AUTOMATON: usize = 256 << 20;

const ONE_KB: &str = "guard, 1 KB of English prose";

pub(super) fn measure() -> Outcome<Report> {
    let guard = Guard::new(Policy::default());
    let automaton = automaton(*guard.policy())?;
    let prose: Vec<(String, String)> = named(texts::PROSE, "prose");
    let hostile: Vec<(String, String)> = named(texts::ADVERSARIAL, "adversarial");
    let mut contestants = vec![short(guard)];
    for (name, text) in prose.iter().chain(&hostile) {
        contestants
            .push(contestant("guard", name, text, move |text| guard.scan(text).findings.len()));
    }
    for (name, text) in &prose {
        let automaton = &automaton;
        let count = move |text: &str| automaton.find_iter(text.as_bytes()).count();
        contestants.push(contestant("one automaton", name, text, count));
    }
    let standings = hold(ROUNDS, contestants)?;
    report(&standings, &hostile)
}

fn named(texts: &[(&str, &str)], kind: &str) -> Vec<(String, String)> {
    let long = |text: &str| text.repeat(LENGTH / text.len());
    texts.iter().map(|(name, text)| (format!("{kind}: {name}"), long(text))).collect()
}

/// Every shape of the kinds that a policy looks for, in one expression.
fn automaton(policy: Policy) -> Outcome<Regex> {
    let wanted = |kind: Kind| policy.action(kind) != largestack_guard::Action::Allow;
    let shapes = detectors().into_iter().filter(|one| wanted(one.kind)).map(|one| one.shape);
    let mut shapes: Vec<String> = shapes.collect();
    shapes.push("<[A-Z]+_[0-9]+:[a-z0-9]+>".to_owned());
    let mut builder = RegexBuilder::new(&shapes.join("|"));
    Ok(builder.unicode(false).size_limit(AUTOMATON).dfa_size_limit(AUTOMATON).build()?)
}

fn row(who: &str, text: &str) -> String {
    format!("{who}, {text}")
}

/// How many million bytes a second of CPU time are read.
fn contestant<'a>(
    who: &str,
    name: &str,
    text: &'a str,
    read: impl Fn(&str) -> usize + 'a,
) -> Contestant<'a> {
    Contestant::new(&[(&row(who, name), "MB/s")], move || {
        let (_, used) = process_cpu(|| Ok(black_box(read(black_box(text)))))?;
        #[expect(clippy::cast_precision_loss, reason = "a length far below 2^52")]
        let bytes = text.len() as f64;
        Ok(vec![bytes / 1e6 / used.as_secs_f64()])
    })
}

/// How long a text of 1 KB takes.
fn short(guard: Guard) -> Contestant<'static> {
    let (_, prose) = texts::PROSE.first().copied().unwrap_or_default();
    let text: String = prose.chars().filter(char::is_ascii).take(1024).collect();
    Contestant::new(&[(ONE_KB, "us")], move || {
        let (_, used) = process_cpu(|| {
            let scan = || guard.scan(black_box(&text)).findings.len();
            Ok(black_box((0..SHORT).map(|_| scan()).sum::<usize>()))
        })?;
        #[expect(clippy::cast_precision_loss, reason = "a few hundred")]
        let texts = SHORT as f64;
        Ok(vec![used.as_secs_f64() * 1e6 / texts])
    })
}

fn report(standings: &Standings, hostile: &[(String, String)]) -> Outcome<Report> {
    let mut ratios =
        vec![Ratio::new("1 KB, microseconds", median(standings.of(ONE_KB)?), Aim::AtMost(20.0))];
    for (name, _) in texts::PROSE {
        let aim = if *name == "English" { 200.0 } else { 100.0 };
        let prose = format!("prose: {name}");
        let guard = row("guard", &prose);
        let speed = median(standings.of(&guard)?);
        ratios.push(Ratio::new(format!("{prose}, MB/s"), speed, Aim::AtLeast(aim)));
        ratios.push(standings.ratio(&row("one automaton", &prose), &guard, Aim::AtMost(1.5))?);
    }
    let mut slowest = (f64::INFINITY, "");
    for (name, _) in hostile {
        let speed = median(standings.of(&row("guard", name))?);
        if speed < slowest.0 {
            slowest = (speed, name);
        }
    }
    let (speed, name) = slowest;
    ratios.push(Ratio::new(format!("slowest is {name}, MB/s"), speed, Aim::AtLeast(50.0)));
    Ok(Report::new("guard", ROUNDS, standings.rows(), ratios))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn prose_holds_nothing_and_the_automaton_has_every_shape() {
        let guard = Guard::new(Policy::default());
        for (name, text) in texts::PROSE {
            assert!(guard.scan(text).findings.is_empty(), "{name}");
        }
        let automaton = automaton(*guard.policy()).unwrap();
        assert!(automaton.is_match(b"4111 1111 1111 1111"));
        assert!(automaton.is_match(b"ada@example.org"));
        assert!(!automaton.is_match(b"nothing of note"));
    }

    #[test]
    fn the_slowest_of_the_hostile_texts_is_named() {
        let turn =
            |name: String, value: f64| Contestant::new(&[(&name, "MB/s")], move || Ok(vec![value]));
        let mut contestants = vec![turn(ONE_KB.to_owned(), 5.0)];
        for (name, _) in texts::PROSE {
            contestants.push(turn(row("guard", &format!("prose: {name}")), 250.0));
            contestants.push(turn(row("one automaton", &format!("prose: {name}")), 500.0));
        }
        let hostile = [("a".to_owned(), String::new()), ("b".to_owned(), String::new())];
        contestants.push(turn(row("guard", "a"), 90.0));
        contestants.push(turn(row("guard", "b"), 40.0));
        let standings = hold(2, contestants).unwrap();
        let report = report(&standings, &hostile).unwrap();
        let missed: Vec<&str> =
            report.ratios.iter().filter(|r| !r.met).map(|r| r.name.as_str()).collect();
        assert_eq!(missed.len(), 5, "{missed:?}");
        assert_eq!(missed.last(), Some(&"slowest is b, MB/s"));
    }
}
