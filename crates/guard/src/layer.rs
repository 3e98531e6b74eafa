//! The families of detectors, in order of precedence, and how they run over a text.
//!
//! Each family goes from left to right and takes the first match; the next family sees the text
//! with everything found before covered. So overlaps are resolved by one rule (stronger kind first,
//! then leftmost), a second pass over a protected text sees what the first one saw, and every
//! family can run as a filter over a stream.

use std::ops::Range;

use crate::digits::most_digits;
use crate::finding::{Finding, Kind};
use crate::policy::{Action, Policy};
use crate::view::{BARRIER, COVERED, View};
use crate::{card, email, id, opaque, phone, secret};

/// What one family found.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Hit {
    pub(crate) span: Range<usize>,
    pub(crate) score: u8,
    pub(crate) detector: &'static str,
    pub(crate) validated: bool,
}

/// How far a family came.
pub(crate) enum Step {
    /// The next match.
    Found(Hit),
    /// Nothing is decided from here on until more text arrives.
    Open(usize),
    /// Nothing more starts in this text.
    Clear,
}

/// A family of detectors.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Family {
    /// Placeholders and markers, and what looks like one.
    Opaque,
    /// Detectors of one kind.
    Of(Kind),
}

impl Family {
    /// The families a policy needs, in order.
    pub(crate) fn of_policy(policy: Policy) -> impl Iterator<Item = Self> {
        let kinds = Kind::ALL.into_iter().filter(move |k| policy.action(*k) != Action::Allow);
        std::iter::once(Self::Opaque).chain(kinds.map(Self::Of))
    }

    /// The first match that starts at or after `from`.
    pub(crate) fn next(self, view: &View<'_>, from: usize) -> Step {
        match self {
            Self::Opaque => opaque::next(view, from),
            Self::Of(Kind::Secret) => secret::next(view, from),
            Self::Of(Kind::Card) => card::next(view, from),
            Self::Of(Kind::GovernmentId) => id::next(view, from),
            Self::Of(Kind::Account) => id::next_account(view, from),
            Self::Of(Kind::Email) => email::next(view, from),
            Self::Of(Kind::Phone) => phone::next(view, from),
        }
    }

    /// The fewest digits, of any script, that a match has.
    const fn fewest_digits(self) -> usize {
        match self {
            Self::Of(Kind::Card) => card::FEWEST_DIGITS,
            Self::Of(Kind::GovernmentId) => id::FEWEST_DIGITS,
            Self::Of(Kind::Account) => id::FEWEST_ACCOUNT_DIGITS,
            Self::Of(Kind::Phone) => phone::FEWEST_DIGITS,
            Self::Opaque | Self::Of(Kind::Secret | Kind::Email) => 0,
        }
    }

    /// The longest match, bytes.
    pub(crate) const fn longest(self) -> usize {
        match self {
            Self::Opaque => opaque::LONGEST,
            Self::Of(Kind::Secret) => secret::LONGEST,
            Self::Of(Kind::Card) => card::LONGEST,
            Self::Of(Kind::GovernmentId | Kind::Account) => id::LONGEST,
            Self::Of(Kind::Email) => email::LONGEST,
            Self::Of(Kind::Phone) => phone::LONGEST,
        }
    }
}

/// Everything found in one text.
#[derive(Default)]
pub(crate) struct Found {
    /// Sorted by position, without overlaps.
    pub(crate) findings: Vec<Finding>,
    /// Placeholders, escapes and markers, in order.
    pub(crate) opaque: Vec<Range<usize>>,
    /// Bytes looked at.
    #[cfg(test)]
    pub(crate) work: u64,
}

/// Runs every family the policy needs over a whole text.
pub(crate) fn run(text: &str, policy: Policy) -> Found {
    let mut found = Found::default();
    let mut covered: Option<Vec<u8>> = None;
    let digits = most_digits(text.as_bytes());
    for family in Family::of_policy(policy).filter(|family| family.fewest_digits() <= digits) {
        let bytes = covered.as_deref().unwrap_or(text.as_bytes());
        let hits = run_family(family, bytes, &mut found);
        if hits.is_empty() {
            continue;
        }
        let covered = covered.get_or_insert_with(|| text.as_bytes().to_vec());
        for hit in hits {
            cover(covered, &hit.span, family);
            match family {
                Family::Opaque => found.opaque.push(hit.span),
                Family::Of(kind) => found.findings.push(hit.of(kind)),
            }
        }
    }
    found.findings.sort_by_key(|f| f.span.start);
    found
}

/// Whether nothing at all is found in a JSON text, whichever way it is cut into its values: not in
/// the text as it stands, which shows every detector at least what a value alone would show it,
/// and no word that could name a value a secret. `false` says nothing.
pub(crate) fn is_clean_json(json: &str, policy: Policy) -> bool {
    let view = View::new(json.as_bytes(), 0, true);
    let digits = most_digits(view.bytes);
    // A backslash may hide anything.
    memchr::memchr(b'\\', view.bytes).is_none()
        && Family::of_policy(policy).all(|family| match family {
            Family::Of(Kind::Secret) => secret::nowhere(&view),
            _ if digits < family.fewest_digits() => true,
            _ => matches!(family.next(&view, 0), Step::Clear),
        })
}

fn run_family(family: Family, bytes: &[u8], found: &mut Found) -> Vec<Hit> {
    let mut hits = Vec::new();
    let mut from = 0;
    loop {
        let view = View::new(bytes, from, true);
        let step = family.next(&view, from);
        found.book(&view);
        let Step::Found(hit) = step else { return hits };
        from = hit.span.end;
        hits.push(hit);
    }
}

impl Found {
    #[cfg(test)]
    fn book(&mut self, view: &View<'_>) {
        self.work += view.work();
    }

    #[cfg(not(test))]
    #[expect(clippy::unused_self, reason = "only tests count work")]
    fn book(&mut self, _: &View<'_>) {}
}

/// Hides what was found from the families that follow.
pub(crate) fn cover(bytes: &mut [u8], span: &Range<usize>, family: Family) {
    if let Some(bytes) = bytes.get_mut(span.clone()) {
        bytes.fill(if family == Family::Opaque { BARRIER } else { COVERED });
    }
}

impl Hit {
    pub(crate) fn of(self, kind: Kind) -> Finding {
        let Self { span, score, detector, validated } = self;
        Finding { kind, span, score, detector, validated }
    }
}

#[cfg(test)]
mod tests;
