//! Fits the numbers of `src/answer/weights.txt` to the questions for development:
//!
//! ```text
//! cargo run --release -p largestack-knowledge --example fit            # what the numbers reach
//! cargo run --release -p largestack-knowledge --example fit -- --write # the same, and writes the file
//! ```
//!
//! What it prints is cross-validated: the questions of each folder are judged by numbers fitted to those of all
//! other folders. The numbers written are fitted to all of them.

#![expect(
    clippy::unwrap_used,
    clippy::panic,
    clippy::print_stdout,
    clippy::indexing_slicing,
    reason = "a tool for developers: it stops where it cannot go on, and prints"
)]

use std::fmt::Write as _;

mod data;
mod judge;
mod learn;

#[path = "../../tests/it/labelled.rs"]
mod labelled;
#[path = "../../tests/it/run.rs"]
mod run;

use data::Case;
use judge::{Outcome, curve, outcome};
use largestack_knowledge::answer::Feature;
use learn::{Numbers, fit};

fn main() {
    let cases = data::load("questions.dev.json");
    let mut folders: Vec<&str> = cases.iter().map(|case| case.folder.as_str()).collect();
    folders.dedup();
    let mut outcomes: Vec<(&Case, Outcome)> = Vec::new();
    for folder in &folders {
        let (held, rest): (Vec<&Case>, Vec<&Case>) =
            cases.iter().partition(|case| case.folder == *folder);
        let numbers = fit(&rest);
        outcomes.extend(held.into_iter().map(|case| (case, outcome(case, &numbers))));
    }
    let threshold = curve(&outcomes);
    judge::by_folder(&outcomes, &folders, threshold);
    if std::env::args().any(|argument| argument == "--tell") {
        judge::tell(&outcomes, threshold);
    }
    let numbers = fit(&cases.iter().collect::<Vec<_>>());
    let text = written(&numbers, threshold);
    println!("{text}");
    if std::env::args().any(|argument| argument == "--write") {
        let path = concat!(env!("CARGO_MANIFEST_DIR"), "/src/answer/weights.txt");
        std::fs::write(path, text).unwrap();
    }
}

fn written(numbers: &Numbers, threshold: f64) -> String {
    let mut out = String::from(
        "# Written by `cargo run --release -p largestack-knowledge --example fit -- --write`. Feature, weight in the order of the\n\
         # units, weight in the decision.\n",
    );
    writeln!(out, "threshold {threshold:.2}").unwrap();
    for feature in Feature::ALL {
        let (order, decision) =
            (numbers.order[feature as usize], numbers.decision[feature as usize]);
        writeln!(out, "{} {order:.2} {decision:.2}", feature.name()).unwrap();
    }
    out
}
