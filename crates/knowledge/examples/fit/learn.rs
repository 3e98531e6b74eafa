//! Two models fitted by gradient descent with a quadratic penalty: a conditional logit for the order of the units of one
//! question, then a logistic one for whether the first of them answers.

use largestack_knowledge::answer::{
    CLOSE, FEATURES, Feature, Features, MAX_QUOTES, Rival, Sign, lead,
};

use crate::data::{Candidate, Case};

/// The numbers of both models.
pub(crate) struct Numbers {
    pub(crate) order: [f64; FEATURES],
    pub(crate) decision: [f64; FEATURES],
}

/// Weight of the penalty, against one question.
const PENALTY: f64 = 0.6;
const ROUNDS: i32 = 400;
const RATE: f64 = 0.08;
/// An answerable question whose quotes are wrong had better not be answered, but counts less than one without answer.
const MISSED: f64 = 0.35;

/// Measures that say nothing of one unit against another, or follow from the order.
const NOT_IN_ORDER: [Feature; 19] = [
    Feature::Bias,
    Feature::Absent,
    Feature::Score,
    Feature::Mass,
    Feature::Agree,
    Feature::Better,
    Feature::Length,
    Feature::IsPerson,
    Feature::IsPlace,
    Feature::IsManner,
    Feature::IsTime,
    Feature::IsTopic,
    Feature::MissingVerbal,
    Feature::MissingPlural,
    Feature::MissingOrdinary,
    Feature::MissingRare,
    Feature::MissingDefinite,
    Feature::MissingCompound,
    Feature::MissingFirst,
];

pub(crate) fn fit(cases: &[&Case]) -> Numbers {
    let order = order(cases);
    let decision = decision(cases, &order);
    Numbers { order, decision }
}

/// Adam (Kingma, Ba 2015) on a loss whose gradient is given.
///
/// What is found can only speak for a unit and what is missing only against it: a sign that the questions at hand suggest
/// otherwise is an accident of how they were written.
fn descend(mut gradient: impl FnMut(&[f64; FEATURES]) -> [f64; FEATURES]) -> [f64; FEATURES] {
    let mut at = [0.0; FEATURES];
    let (mut mean, mut square) = ([0.0; FEATURES], [0.0; FEATURES]);
    for round in 1..=ROUNDS {
        let slope = gradient(&at);
        for i in 0..FEATURES {
            mean[i] = 0.9 * mean[i] + 0.1 * slope[i];
            square[i] = 0.999 * square[i] + 0.001 * slope[i] * slope[i];
            let (m, s) =
                (mean[i] / (1.0 - 0.9_f64.powi(round)), square[i] / (1.0 - 0.999_f64.powi(round)));
            at[i] -= RATE * m / (s.sqrt() + 1e-9);
            at[i] = match Feature::ALL[i].sign() {
                Sign::For => at[i].max(0.0),
                Sign::Against => at[i].min(0.0),
                Sign::Either => at[i],
            };
        }
    }
    at
}

fn order(cases: &[&Case]) -> [f64; FEATURES] {
    let learnable: Vec<&[Candidate]> = cases
        .iter()
        .filter(|case| case.clauses.len() == 1)
        .map(|case| case.clauses[0].as_slice())
        .filter(|candidates| candidates.iter().any(|candidate| candidate.cites))
        .collect();
    descend(|weights| {
        let mut slope = weights.map(|weight| PENALTY * weight);
        for candidates in &learnable {
            let says = candidates.iter().any(|candidate| candidate.says);
            let right = |candidate: &Candidate| if says { candidate.says } else { candidate.cites };
            let scores: Vec<f64> = candidates.iter().map(|c| c.features.dot(weights)).collect();
            let top = scores.iter().copied().fold(f64::MIN, f64::max);
            let mass: Vec<f64> = scores.iter().map(|score| (score - top).exp()).collect();
            let all: f64 = mass.iter().sum();
            let good: f64 =
                candidates.iter().zip(&mass).filter(|(c, _)| right(c)).map(|(_, m)| m).sum();
            for (candidate, mass) in candidates.iter().zip(&mass) {
                let pull = mass / all - if right(candidate) { mass / good.max(1e-12) } else { 0.0 };
                for (slope, value) in slope.iter_mut().zip(candidate.features.values()) {
                    *slope += pull * value;
                }
            }
        }
        for feature in NOT_IN_ORDER {
            slope[feature as usize] = 0.0;
        }
        slope
    })
}

fn decision(cases: &[&Case], order: &[f64; FEATURES]) -> [f64; FEATURES] {
    let firsts: Vec<(Features, f64, f64)> = cases
        .iter()
        .filter(|case| case.clauses.len() == 1)
        .filter_map(|case| {
            let ranked = ranked(&case.clauses[0], order);
            let features = leading(&ranked)?;
            let (truth, weight) = match (case.answerable, hits(&ranked)) {
                (true, true) => (1.0, 1.0),
                (true, false) => (0.0, MISSED),
                (false, _) => (0.0, 1.0),
            };
            Some((features, truth, weight))
        })
        .collect();
    descend(|weights| {
        let mut slope = weights.map(|weight| PENALTY * weight);
        slope[Feature::Bias as usize] = 0.0;
        for (features, truth, weight) in &firsts {
            let odds = features.dot(weights);
            let pull = weight * (1.0 / (1.0 + (-odds).exp()) - truth);
            for (slope, value) in slope.iter_mut().zip(features.values()) {
                *slope += pull * value;
            }
        }
        slope
    })
}

/// The candidates by the order, best first.
pub(crate) fn ranked<'a>(
    candidates: &'a [Candidate],
    order: &[f64; FEATURES],
) -> Vec<(f64, &'a Candidate)> {
    let mut ranked: Vec<(f64, &Candidate)> =
        candidates.iter().map(|c| (c.features.dot(order), c)).collect();
    ranked.sort_by(|a, b| b.0.total_cmp(&a.0));
    ranked
}

/// The measures of the first of these with its lead.
pub(crate) fn leading(ranked: &[(f64, &Candidate)]) -> Option<Features> {
    let rivals: Vec<Rival> = ranked
        .iter()
        .map(|(score, c)| Rival { features: c.features, score: *score, passage: c.passage })
        .collect();
    lead(&rivals)
}

/// Whether what would be quoted of these holds the answer.
pub(crate) fn hits(ranked: &[(f64, &Candidate)]) -> bool {
    let mut cited: Vec<&Candidate> = Vec::new();
    for (score, candidate) in ranked {
        let repeats = cited.iter().any(|other| {
            other.text == candidate.text
                || other.passage == candidate.passage
                    && other.lines.0 <= candidate.lines.1
                    && candidate.lines.0 <= other.lines.1
        });
        if cited.len() < MAX_QUOTES && !repeats && *score >= ranked[0].0 - CLOSE {
            cited.push(candidate);
        }
    }
    cited.iter().any(|candidate| candidate.cites)
}
