//! What is missing, by how it stands in the question. "Is my dog allowed on the beach in July" is answered without July, "who washes the
//! goggles" not without the goggles.

use super::feature::{Feature, Features};
use super::question::Role;
use super::sought::Sought;
use super::weigh::Found;
use crate::analysis::real;

/// Whether the asked word at a place among the asked ones is of a kind.
type Kind = fn(&Sought<'_>) -> bool;

/// Kinds of words whose absence weighs differently.
const MISSING: &[(Feature, Kind)] = &[
    (Feature::MissingVerbal, |s| s.subject.standing.is_verbal),
    (Feature::MissingPlural, |s| s.subject.standing.is_plural),
    (Feature::MissingOrdinary, |s| s.subject.is_ordinary),
    (Feature::MissingRare, |s| !s.subject.is_ordinary && !s.subject.is_named),
    (Feature::MissingDefinite, |s| s.subject.standing.is_definite),
    (Feature::MissingCompound, |s| s.subject.is_compound()),
];

/// Measures what is missing of the asked words around a unit.
pub(super) fn missing(out: &mut Features, sought: &[Sought<'_>], found: &[Found]) {
    let asked: Vec<(&Sought<'_>, f64)> = sought
        .iter()
        .zip(found)
        .filter(|(sought, _)| sought.subject.role == Role::Asked)
        .map(|(sought, found)| (sought, 1.0 - found.around))
        .collect();
    let all = real(asked.len().max(1));
    for (feature, is) in MISSING {
        let gone = asked.iter().filter(|(sought, _)| is(sought)).map(|(_, gone)| gone);
        out.set(*feature, gone.sum::<f64>() / all);
    }
    let first = asked.iter().find(|(sought, _)| !sought.subject.is_frame);
    out.set(Feature::MissingFirst, first.map_or(0.0, |(_, gone)| gone / all));
}
