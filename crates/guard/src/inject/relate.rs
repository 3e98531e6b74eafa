//! What concepts of a window say together, which none of them says alone.

use std::ops::Range;
use std::sync::LazyLock;

use super::address::Address;
use super::lexicon::{Hit, LEXICON};
use super::signal::{Signal, Signals, Trait};

/// Longest way between two stems that belong together, bytes of ASCII text; of other scripts, whose
/// letters take more, half as much again.
const NEAR: usize = 72;

/// A stem that is not in quotation marks: what is quoted is told, not meant.
pub(super) struct Said<'h> {
    pub(super) hit: &'h Hit,
    /// It begins a clause, as orders do.
    pub(super) ordered: bool,
    /// Whether it names a machine that is spoken to.
    pub(super) address: Address,
}

/// What one of two stems must be besides of a concept.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Must {
    /// Nothing.
    Be,
    /// An order.
    Order,
    /// Spoken to.
    Hear,
    /// Called.
    Come,
}

/// Where two stems must stand.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Where {
    /// In one clause, whichever comes first.
    Near,
    /// In one clause, in this order.
    Then,
    /// Anywhere in the window.
    Window,
}

use Must::{Be, Come, Hear, Order};
use Where::{Near, Then, Window};

/// A trait with one stem of the first concepts and one of the others, and what the window must hold
/// besides, if anything.
type Relation =
    (Trait, Must, &'static [&'static str], Where, &'static [&'static str], &'static [&'static str]);

const RELATIONS: &[Relation] = &[
    (Trait::Overrides, Be, &["override"], Near, &["rules", "prompt"], &["prior", "yours"]),
    (Trait::Forgets, Order, &["override"], Near, &["prior", "rules", "prompt"], &[]),
    (Trait::Leaks, Be, &["reveal"], Near, &["prompt"], &["verbatim", "prior", "yours"]),
    (Trait::Asks, Order, &["reveal", "encode"], Near, &["prompt"], &[]),
    (Trait::Commands, Be, &["ai"], Window, ORDERED, &[]),
    (Trait::Directs, Hear, &["ai", "machine"], Then, ORDERED, &[]),
    (Trait::Reads, Be, &["ai", "machine"], Near, &["reading"], &[]),
    (Trait::Unseen, Be, &["secrecy", "unasked"], Window, &["act", "ai"], &[]),
    (Trait::Covers, Be, &["secrecy"], Near, &["person", "reading"], &[]),
    (Trait::Unbinds, Be, &["free", "refuse"], Window, &["role"], &[]),
    (Trait::Limitless, Be, &["free"], Near, &["ai", "machine", "yours", "role"], &[]),
    (Trait::Replaces, Be, &["newtask", "override"], Window, &["onlysay", "obey"], &["ai"]),
    (Trait::Tasks, Be, &["newtask"], Near, &["ai", "machine", "rules"], &[]),
    (Trait::Sends, Order, &["act"], Near, &["credential", "person"], &[]),
    (Trait::Praises, Be, &["rate"], Window, &["ai"], &[]),
    (
        Trait::Demands,
        Be,
        &["must"],
        Near,
        &["act", "obey", "reveal"],
        &["ai", "person", "path", "newtask"],
    ),
    (
        Trait::Ends,
        Be,
        &["ended", "template", "roletag"],
        Window,
        &["act", "reveal", "auth", "override", "obey"],
        &[],
    ),
    (Trait::Begins, Be, &["onlysay"], Near, &["prompt", "refuse", "free"], &[]),
    (Trait::Decodes, Be, &["encode"], Near, &["obey"], &[]),
    (Trait::Entitles, Be, &["auth"], Window, &["override", "free", "unasked"], &["rules", "yours"]),
    (Trait::Bids, Come, &["ai", "machine"], Then, BIDDING, &[]),
    (
        Trait::Obliges,
        Be,
        &["ai", "machine"],
        Then,
        &["modal"],
        &["reading", "secrecy", "onlysay", "unasked", "override", "credential"],
    ),
    (
        Trait::Enlists,
        Be,
        &["ai", "machine"],
        Near,
        &["reading"],
        &["onlysay", "secrecy", "rate", "act", "override", "newtask"],
    ),
    (
        Trait::Diverts,
        Order,
        &["override"],
        Near,
        &["prior", "rules", "prompt"],
        &["onlysay", "reveal", "act", "newtask"],
    ),
    (Trait::Skips, Order, &["override"], Near, &["!", "onlysay", "reveal", "act"], &[]),
    (Trait::Hides, Be, &["secrecy"], Near, &["person"], &["act", "credential", "path"]),
    (
        Trait::Extracts,
        Order,
        &["reveal", "encode"],
        Near,
        &["prompt"],
        &["verbatim", "prior", "yours"],
    ),
    (Trait::Reborn, Be, &["role"], Near, &["free", "refuse"], &["yours", "ai", "machine"]),
    (
        Trait::Primes,
        Be,
        &["tool", "act", "reading"],
        Near,
        &["must"],
        &["credential", "person", "path", "secrecy"],
    ),
    (Trait::Instead, Be, &["onlysay"], Near, &["override", "newtask", "reading"], &[]),
];

/// What orders something, where it must be one.
const ORDERED: &[&str] = &[
    "!", "override", "act", "reveal", "onlysay", "role", "obey", "encode", "secrecy", "newtask",
    "rate",
];

/// The same of whoever is called by its name: whatever sounds like an order.
const BIDDING: &[&str] = &[
    "!", "verb", "override", "act", "reveal", "onlysay", "role", "obey", "encode", "secrecy",
    "newtask", "rate",
];

/// A relation by the concepts' bits.
struct Known {
    shows: Trait,
    must: Must,
    one: u64,
    place: Where,
    other: u64,
    other_orders: bool,
    besides: u64,
}

static KNOWN: LazyLock<Vec<Known>> = LazyLock::new(|| {
    let bits = |names: &[&str]| {
        let at = |name: &&str| LEXICON.names.iter().position(|known| known == name);
        names.iter().filter_map(at).fold(0, |bits, at| bits | bit(at))
    };
    let known = |(shows, must, one, place, other, besides): &Relation| Known {
        shows: *shows,
        must: *must,
        one: bits(one),
        place: *place,
        other: bits(other),
        other_orders: other.first() == Some(&"!"),
        besides: bits(besides),
    };
    RELATIONS.iter().map(known).collect()
});

fn bit(concept: usize) -> u64 {
    u32::try_from(concept).ok().and_then(|at| 1_u64.checked_shl(at)).unwrap_or_default()
}

/// Shows which relations hold.
pub(super) fn related(text: &str, said: &[Said<'_>], signals: &mut Signals) {
    let held = said.iter().fold(0, |held, one| held | bit(one.hit.concept));
    for known in KNOWN.iter() {
        let possible = known.one & held != 0 && known.other & held != 0;
        if possible
            && (known.besides == 0 || known.besides & held != 0)
            && let Some(place) = known.place(text, said)
        {
            signals.show(Signal::trait_of(known.shows), Some(place));
        }
    }
    let shows = |one: &Trait| signals.has(Signal::trait_of(*one));
    let freed =
        [Trait::Overrides, Trait::Forgets, Trait::Limitless, Trait::Unbinds].iter().any(shows);
    if freed && [Trait::Leaks, Trait::Asks].iter().any(shows) {
        signals.show(Signal::trait_of(Trait::Classic), None);
    }
}

impl Known {
    fn is_one(&self, said: &Said<'_>) -> bool {
        bit(said.hit.concept) & self.one != 0
            && match self.must {
                Be => true,
                Order => said.ordered,
                Hear => said.address != Address::None,
                Come => said.address == Address::Called,
            }
    }

    fn is_other(&self, said: &Said<'_>) -> bool {
        bit(said.hit.concept) & self.other != 0 && (!self.other_orders || said.ordered)
    }

    /// Where the first pair stands that is meant; of each stem only the last of the other kind before
    /// it is asked, so that the work is that of one pass.
    fn place(&self, text: &str, said: &[Said<'_>]) -> Option<Range<usize>> {
        let (mut one, mut other): (Option<&Hit>, Option<&Hit>) = (None, None);
        for next in said {
            let (is_one, is_other) = (self.is_one(next), self.is_other(next));
            let meets = |before: Option<&Hit>| {
                before.is_some_and(|before| self.place == Window || joined(text, before, next.hit))
            };
            if is_other && meets(one) {
                return one.map(|one| one.span.clone());
            }
            if is_one && self.place != Then && meets(other) {
                return Some(next.hit.span.clone());
            }
            one = if is_one { Some(next.hit) } else { one };
            other = if is_other { Some(next.hit) } else { other };
        }
        None
    }
}

/// Whether two stems, of which the first begins no later, stand near each other in one sentence. One
/// stem is no pair.
fn joined(text: &str, first: &Hit, second: &Hit) -> bool {
    let apart = second.span.start.saturating_sub(first.span.end);
    if apart > NEAR * 3 / 2 || second.span.start == first.span.start {
        return false;
    }
    let Some(between) = text.get(first.span.end..second.span.start) else { return true };
    (apart <= NEAR || !between.is_ascii())
        && !between.contains(['!', '?', '。', '।', '؟', '\n'])
        && !between.contains(". ")
}
