//! What numbers reach on cases.

use std::fmt::Write as _;

use largestack_knowledge::answer::{Feature, Features};

use crate::data::{Candidate, Case};
use crate::learn::{Numbers, hits, leading, ranked};

/// What becomes of a case, whatever the threshold.
pub(crate) struct Outcome {
    /// Log-odds of each clause, and whether what would be cited for it holds the answer.
    clauses: Vec<(f64, bool)>,
    /// Whether any candidate at all holds it.
    pub(crate) reachable: bool,
    /// Place of the first that does, from 0.
    pub(crate) place: Option<usize>,
    top: String,
}

pub(crate) fn outcome(case: &Case, numbers: &Numbers) -> Outcome {
    let mut place = None;
    let mut top = String::new();
    let clauses = case.clauses.iter().filter_map(|candidates| {
        let ranked = ranked(candidates, &numbers.order);
        let (features, best) = (leading(&ranked)?, ranked.first()?.1);
        let found = ranked.iter().position(|(_, c)| c.cites);
        place = place.or(found);
        let odds = features.dot(&numbers.decision);
        top = explained(best, &features, odds, found.filter(|at| *at > 0).map(|at| ranked[at].1));
        Some((odds, hits(&ranked)))
    });
    let clauses = clauses.collect();
    let reachable = case.clauses.iter().flatten().any(|candidate| candidate.cites);
    Outcome { clauses, reachable, place, top }
}

/// The first unit with its measures, or how they differ from those of the right one.
fn explained(
    best: &Candidate,
    features: &Features,
    odds: f64,
    right: Option<&Candidate>,
) -> String {
    let start = |text: &str| text.chars().take(150).collect::<String>();
    let mut out = format!("\n      {odds:.2} {}", start(&best.text));
    match right {
        Some(right) => write!(out, "\n      right: {}", start(&right.text)).unwrap(),
        None => out.push_str("\n     "),
    }
    for feature in Feature::ALL {
        let here = features.get(feature);
        match right.map(|right| right.features.get(feature)) {
            Some(there) if (here - there).abs() > 0.05 => {
                write!(out, " {feature:?} {here:.2}/{there:.2}").unwrap();
            }
            Some(_) => {}
            None => write!(out, " {feature:?} {here:.2}").unwrap(),
        }
    }
    out
}

impl Outcome {
    fn answered(&self, threshold: f64) -> bool {
        self.clauses.iter().any(|(odds, _)| *odds >= threshold)
    }

    fn hit(&self, threshold: f64) -> bool {
        self.clauses.iter().any(|(odds, right)| *odds >= threshold && *right)
    }
}

/// Shares of answerable questions that hit, and of the others that stay silent.
fn shares<'a>(
    outcomes: impl Iterator<Item = &'a (&'a Case, Outcome)>,
    threshold: f64,
) -> (f64, f64) {
    let (mut hits, mut yes, mut silent, mut no) = (0.0, 0.0, 0.0, 0.0);
    for (case, outcome) in outcomes {
        if case.answerable {
            yes += 1.0;
            hits += f64::from(u8::from(outcome.hit(threshold)));
        } else {
            no += 1.0;
            silent += f64::from(u8::from(!outcome.answered(threshold)));
        }
    }
    (hits / yes, silent / no)
}

/// No-answers that are wanted where nothing answers, whatever that costs in answers. It is below the aim because nearly all of these
/// unanswerable questions are made of the documents' own words.
const SILENCE: f64 = 0.83;

/// Prints the curve and returns the lowest threshold at which the folders alone are silent often enough.
pub(crate) fn curve(outcomes: &[(&Case, Outcome)]) -> f64 {
    println!("threshold  alone: answerable  no-answer  among others: answerable  no-answer");
    let mut least: Option<f64> = None;
    for step in -60..=60 {
        let threshold = f64::from(step) / 20.0;
        let of = |alone| shares(outcomes.iter().filter(|(c, _)| c.alone == alone), threshold);
        let ((hits, silence), others) = (of(true), of(false));
        if silence >= SILENCE {
            least = least.or(Some(threshold));
        }
        if step % 6 == 0 {
            println!(
                "{threshold:>9.2}  {hits:>17.3}  {silence:>9.3}  {:>25.3}  {:>9.3}",
                others.0, others.1
            );
        }
    }
    least.unwrap()
}

/// Prints what is reached in each folder.
pub(crate) fn by_folder(outcomes: &[(&Case, Outcome)], folders: &[&str], threshold: f64) {
    let line = |name: &str, of: &dyn Fn(&(&Case, Outcome)) -> bool| {
        let mine = || outcomes.iter().filter(|outcome| of(outcome));
        let (hits, silence) = shares(mine(), threshold);
        let yes = || mine().filter(|(case, _)| case.answerable);
        let all = yes().count();
        let reachable = yes().filter(|(_, outcome)| outcome.reachable).count();
        let first = yes().filter(|(_, outcome)| outcome.place == Some(0)).count();
        let third = yes().filter(|(_, outcome)| outcome.place.is_some_and(|p| p < 3)).count();
        let quoted = yes().filter(|(_, outcome)| outcome.hit(f64::MIN)).count();
        println!(
            "{name:<10} answerable {hits:.3}  no-answer {silence:.3}   of {all}: retrieved {reachable}, first {first}, in three {third}, quoted {quoted}"
        );
    };
    for folder in folders {
        line(folder, &|(case, _)| case.folder == *folder);
    }
    println!("at threshold {threshold}");
    line("together", &|_| true);
}

/// Names every question that went wrong.
pub(crate) fn tell(outcomes: &[(&Case, Outcome)], threshold: f64) {
    for (case, outcome) in outcomes {
        let good =
            if case.answerable { outcome.hit(threshold) } else { !outcome.answered(threshold) };
        if !good {
            let place = outcome.place;
            let mark = if case.answerable { '+' } else { '-' };
            println!("{mark} {} {} (place {place:?}){}", case.id, case.question, outcome.top);
        }
    }
}
