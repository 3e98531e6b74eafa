//! How the first unit stands among the others: a clear winner is more likely an answer than one of many alike.

use super::feature::{Feature, Features};
use crate::analysis::real;

/// A unit as its rivals see it.
#[derive(Debug, Clone, Copy)]
pub struct Rival {
    /// Its own measures.
    pub features: Features,
    /// Its score in the order.
    pub score: f64,
    /// Its passage by position.
    pub passage: usize,
}

/// A score that counts as 1.
const SCORE: f64 = 12.0;
/// How many of the best units are compared.
const BEST: usize = 5;

/// The measures of the first of these units, which come best first, with how it stands among them; `None` without any.
pub fn lead(ranked: &[Rival]) -> Option<Features> {
    let first = ranked.first()?;
    let mut out = first.features;
    out.set(Feature::Score, (first.score / SCORE).clamp(-1.0, 1.0));
    let odds = |rival: &Rival| (rival.score - first.score).exp();
    let all: f64 = ranked.iter().map(odds).sum();
    let own: f64 = ranked.iter().filter(|rival| rival.passage == first.passage).map(odds).sum();
    out.set(Feature::Mass, own / all);
    let best = || ranked.iter().take(BEST);
    let agree = best().filter(|rival| rival.passage == first.passage).count();
    out.set(Feature::Agree, real(agree) / real(BEST));
    let most = best().map(|rival| rival.features.get(Feature::Coverage)).fold(0.0, f64::max);
    out.set(Feature::Better, most - first.features.get(Feature::Coverage));
    Some(out)
}
