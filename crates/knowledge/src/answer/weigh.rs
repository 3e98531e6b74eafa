//! How well a unit answers a clause, as numbers: which of the asked words it or what surrounds it says, whether the kind of thing that was
//! asked for is there, and how its passage fared in the search.

use super::evidence::{Form, Frame, Unit, Words};
use super::feature::{Feature, Features};
use super::kind;
use super::missing::missing;
use super::question::{Clause, Expect, Role};
use super::relate::relate;
use super::sought::{Corpus, Sought};
use crate::analysis::real;

/// A word of the heading or lead-in counts this much of one in the unit.
const LEAD: f64 = 0.9;
/// A word of a neighbouring sentence.
const NEAR: f64 = 0.6;
/// A word of the title, an outer heading or the path.
const DOCUMENT: f64 = 0.75;
/// A word elsewhere in the passage.
const PASSAGE: f64 = 0.16;
/// From here on a word counts as said.
const SAID: f64 = 0.5;
/// A word that only names the kind of answer ("the number of") is told by an answer of that kind: how far, and from which fit on.
const TOLD: f64 = 0.8;
const TOLD_FIT: f64 = 0.8;
/// A word that is not found at all counts this much in a product.
const TRACE: f64 = 0.05;
/// Words of a class that are as good as more.
const ENOUGH: f64 = 2.0;
/// Passages from here on count alike.
const LAST_PLACE: usize = 5;
/// Words of a plain sentence, and how many more make a long one.
const PLAIN: usize = 30;
const LONG: f64 = 60.0;

/// What the units of one passage share in view of a clause: for every subject how far the passage and its document hold it.
pub(super) struct Surroundings {
    place: usize,
    retrieval: f64,
    document: Vec<f64>,
    passage: Vec<f64>,
    /// Share of the title's words that was asked for.
    title: f64,
}

impl Surroundings {
    /// Looks at the passage at `place` with this score.
    pub(super) fn of(
        sought: &[Sought<'_>],
        frame: &Frame,
        place: usize,
        score: f64,
        corpus: &Corpus,
    ) -> Self {
        let each = |words: &Words| sought.iter().map(|sought| sought.held(words)).collect();
        Self {
            place,
            retrieval: corpus.share_of_best(sought, score),
            document: each(&frame.document),
            passage: each(&frame.passage),
            title: asked_share(sought, &frame.title),
        }
    }

    /// How far the subject at this position is said anywhere here.
    pub(super) fn says(&self, at: usize) -> f64 {
        let of = |held: &[f64]| held.get(at).copied().unwrap_or(0.0);
        of(&self.document).max(of(&self.passage))
    }
}

/// One asked word in view of one unit.
pub(super) struct Found {
    pub(super) weight: f64,
    /// Said by the unit.
    pub(super) here: f64,
    /// Said by the unit or what introduces it.
    pub(super) led: f64,
    /// Said by the unit or anything around it.
    pub(super) around: f64,
    /// Said by any passage.
    pub(super) anywhere: f64,
}

/// Measures a unit. `anywhere` says for every subject how far any of the passages says it.
pub(super) fn weigh(
    clause: &Clause,
    sought: &[Sought<'_>],
    unit: &Unit,
    surroundings: &Surroundings,
    anywhere: &[f64],
) -> Features {
    let mut out = Features::default();
    let fit = kind::fits(unit, clause);
    let found: Vec<Found> = sought
        .iter()
        .enumerate()
        .map(|(at, sought)| {
            let of = |held: &[f64]| held.get(at).copied().unwrap_or(0.0);
            let told = sought.subject.names_kind && fit >= TOLD_FIT;
            let here = sought.held(&unit.own).max(if told { TOLD } else { 0.0 });
            let led = here.max(LEAD * sought.held(&unit.lead));
            let around = led
                .max(NEAR * sought.held(&unit.near))
                .max(DOCUMENT * of(&surroundings.document))
                .max(PASSAGE * of(&surroundings.passage));
            Found { weight: sought.weight, here, led, around, anywhere: of(anywhere) }
        })
        .collect();
    said(&mut out, sought, &found, unit, clause);
    relate(&mut out, sought, &found);
    missing(&mut out, sought, &found);
    answers(&mut out, fit, clause);
    if kind::is_strict(clause.expect) {
        out.set(Feature::Proximity, proximity(sought, unit));
    }
    out.set(Feature::Bias, 1.0);
    out.set(Feature::Place, real(surroundings.place.min(LAST_PLACE)) / real(LAST_PLACE));
    out.set(Feature::Retrieval, surroundings.retrieval);
    shape(&mut out, sought, unit, clause);
    out.set(Feature::TitlePointed, surroundings.title);
    out.set(Feature::Refers, if unit.refers { 1.0 } else { 0.0 });
    out.set(Feature::IsTopic, if clause.is_topic { 1.0 } else { 0.0 });
    if matches!(clause.expect, Expect::Other | Expect::Manner | Expect::YesNo) {
        topic(&mut out, &found, unit, surroundings);
    }
    out
}

/// What is said of the asked words.
fn said(out: &mut Features, sought: &[Sought<'_>], found: &[Found], unit: &Unit, clause: &Clause) {
    let total: f64 = found.iter().map(|found| found.weight).sum();
    if total <= 0.0 {
        return;
    }
    let share = |of: &dyn Fn(&Found) -> f64| {
        found.iter().map(|found| found.weight * of(found)).sum::<f64>() / total
    };
    out.set(Feature::Own, share(&|found| found.here));
    out.set(Feature::Led, share(&|found| found.led));
    out.set(Feature::Coverage, share(&|found| found.around));
    out.set(Feature::Even, share(&|found| found.around.max(TRACE).ln()).exp());
    let asked = || sought.iter().zip(found).filter(|(s, _)| s.subject.role == Role::Asked);
    let heaviest = |of: &dyn Fn(&Found) -> f64| {
        asked().map(|(_, found)| found.weight * (1.0 - of(found)) / total).fold(0.0, f64::max)
    };
    out.set(Feature::Hole, heaviest(&|found| found.around));
    out.set(Feature::Absent, heaviest(&|found| found.anywhere));
    let named = || asked().filter(|(sought, _)| sought.subject.is_named);
    let worst = |missing: f64, found: f64| missing.max(1.0 - found);
    out.set(Feature::NamedMissing, named().map(|(_, found)| found.around).fold(0.0, worst));
    out.set(Feature::NamedAbsent, named().map(|(_, found)| found.anywhere).fold(0.0, worst));
    let of_class = |ordinary: bool, of: &dyn Fn(&Found) -> f64| {
        let is = |s: &Sought<'_>| s.subject.is_ordinary == ordinary && s.subject.is_plain();
        (asked().filter(|(s, _)| is(s)).map(|(_, found)| of(found)).sum::<f64>() / ENOUGH).min(1.0)
    };
    out.set(Feature::RareSaid, of_class(false, &|f| f.led));
    out.set(Feature::RareElse, of_class(false, &|f| (f.anywhere - f.around).max(0.0)));
    out.set(Feature::RareAbsent, of_class(false, &|f| 1.0 - f.anywhere.max(f.around)));
    out.set(Feature::PlainSaid, of_class(true, &|f| f.led));
    let focus = asked().filter(|(sought, _)| sought.subject.is_focus);
    // "Which bank" is answered by a bank's name, not by the word bank.
    let bare = |here: f64| {
        here >= 0.9
            && clause.text.to_lowercase().contains("which")
            && unit.form != Form::Row
            && !kind::proper_name(unit, clause)
    };
    let focus = focus.map(|(_, f)| if bare(f.here) { f.around.min(SAID) } else { f.around });
    out.set(Feature::FocusMissing, focus.fold(0.0, worst));
}

/// Whether the kind of thing that was asked for is there.
fn answers(out: &mut Features, fit: f64, clause: &Clause) {
    if kind::is_strict(clause.expect) {
        out.set(Feature::IsStrict, 1.0);
        out.set(Feature::StrictKind, fit);
        out.set(Feature::KindMissing, if fit < SAID { 1.0 } else { 0.0 });
    } else {
        out.set(Feature::LooseKind, fit);
    }
    let is = |there: bool| if there { 1.0 } else { 0.0 };
    out.set(Feature::IsYesNo, is(clause.expect == Expect::YesNo));
    out.set(Feature::IsOpen, is(clause.expect == Expect::Other));
    out.set(Feature::IsPerson, is(matches!(clause.expect, Expect::Person | Expect::Identity)));
    out.set(Feature::IsPlace, is(matches!(clause.expect, Expect::Place | Expect::Address)));
    out.set(Feature::IsManner, is(matches!(clause.expect, Expect::Manner | Expect::Reason)));
    let of_time = matches!(clause.expect, Expect::Time | Expect::Duration | Expect::Past);
    out.set(Feature::IsTime, is(of_time));
}

/// What kind of text it is.
fn shape(out: &mut Features, sought: &[Sought<'_>], unit: &Unit, clause: &Clause) {
    let is = |there: bool| if there { 1.0 } else { 0.0 };
    out.set(Feature::Long, (real(unit.order.len().saturating_sub(PLAIN)) / LONG).min(1.0));
    out.set(Feature::IsList, is(unit.form == Form::List));
    let wants_code = matches!(clause.expect, Expect::Command | Expect::Manner);
    out.set(Feature::StrayCode, is(unit.form == Form::Code && !wants_code));
    let asked = |words: &Words| asked_share(sought, words);
    out.set(Feature::Pointed, asked(&unit.own));
    out.set(Feature::LeadPointed, asked(&unit.lead));
    if let Some(label) = &unit.label {
        out.set(Feature::RowOther, 1.0 - asked(label));
        let cells = unit.cells.iter().map(asked);
        out.set(Feature::RowLabel, cells.fold(asked(label), f64::max));
    }
}

/// Share of the words that was asked for.
fn asked_share(sought: &[Sought<'_>], words: &Words) -> f64 {
    let near = |word: &String| sought.iter().map(|s| s.nearness(word)).fold(0.0, f64::max);
    words.iter().map(near).sum::<f64>() / real(words.len().max(1))
}

/// Whether the unit is where an open question about a topic is best answered: at the beginning of the section about it.
fn topic(out: &mut Features, found: &[Found], unit: &Unit, surroundings: &Surroundings) {
    let total: f64 = found.iter().map(|found| found.weight).sum();
    let announced = found.iter().map(|found| found.weight * found.around).sum::<f64>();
    let lead = out.get(Feature::LeadPointed).max(surroundings.title);
    if unit.opens && !unit.refers && total > 0.0 {
        out.set(Feature::OpensTopic, lead * announced / total);
    }
}

/// How near the number that stands nearest to an asked word is to it; 0 without a number.
fn proximity(sought: &[Sought<'_>], unit: &Unit) -> f64 {
    let words = || unit.order.iter().enumerate();
    let is_number = |word: &str| word.starts_with(|c: char| c.is_ascii_digit());
    let asked = |word: &str| {
        let subjects = sought.iter().filter(|sought| !sought.subject.is_frame);
        !is_number(word) && subjects.map(|s| s.nearness(word)).fold(0.0, f64::max) >= SAID
    };
    let places: Vec<usize> = words().filter(|(_, word)| asked(word)).map(|(at, _)| at).collect();
    let numbers = words().filter(|(_, word)| is_number(word)).map(|(at, _)| at);
    let gaps = numbers.flat_map(|at| places.iter().map(move |place| at.abs_diff(*place)));
    gaps.min().map_or(0.0, |gap| 1.0 / (1.0 + real(gap.saturating_sub(1)) / STEPS))
}

/// Words between that halve the nearness of a number.
const STEPS: f64 = 4.0;
