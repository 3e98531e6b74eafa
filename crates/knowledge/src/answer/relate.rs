//! How the asked words hang together in a unit: words that belong together in the question and not in the text are the mark of a
//! sentence about something near to it.

use super::feature::{Feature, Features};
use super::question::{Joined, Role};
use super::sought::Sought;
use super::weigh::Found;
use crate::analysis::real;

/// Missing words, weight and length that count as much as more.
const FEW: f64 = 3.0;
const HEAVY: f64 = 2.5;
const WORDY: f64 = 8.0;

/// Measures what is said of pairs of words and of the words that matter most.
pub(super) fn relate(out: &mut Features, sought: &[Sought<'_>], found: &[Found]) {
    let asked: Vec<(&Sought<'_>, &Found)> =
        sought.iter().zip(found).filter(|(sought, _)| sought.subject.role == Role::Asked).collect();
    pairs(out, &asked);
    let real_words = || asked.iter().filter(|(sought, _)| !sought.subject.is_frame);
    let missing =
        |of: Option<&(&Sought<'_>, &Found)>| of.map_or(0.0, |(_, found)| 1.0 - found.around);
    out.set(Feature::ActionMissing, missing(asked.iter().find(|(s, _)| s.subject.is_action)));
    out.set(Feature::LastMissing, missing(real_words().next_back()));
    let missed: f64 = real_words().map(|(_, found)| 1.0 - found.around).sum();
    out.set(Feature::MissCount, (missed / FEW).min(1.0));
    let mass: f64 = real_words().map(|(_, found)| found.weight * found.led).sum();
    out.set(Feature::SaidMass, (mass / HEAVY).min(1.0));
    out.set(Feature::Length, (real(real_words().count()) / WORDY).min(1.0));
}

/// Words that stand together in the question.
fn pairs(out: &mut Features, asked: &[(&Sought<'_>, &Found)]) {
    let (mut split, mut apart) = (0.0_f64, 0.0_f64);
    for pair in asked.windows(2) {
        let [(first, one), (second, other)] = pair else { continue };
        if first.subject.is_frame || second.subject.is_frame {
            continue;
        }
        match second.subject.joined {
            Joined::Apart => {}
            Joined::Compound => apart = apart.max(1.0 - one.led.min(other.led)),
            Joined::Linked => {
                split = split.max(one.led.max(other.led) - one.around.min(other.around));
            }
        }
    }
    out.set(Feature::CompoundApart, apart);
    out.set(Feature::LinkSplit, split);
}
