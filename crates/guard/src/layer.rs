//! The families of detectors, in order of precedence, and how they run over a text.
//!
//! Each family goes from left to right and takes the first match; the next family sees the text
//! with everything found before covered. So overlaps are resolved by one rule (stronger kind first,
//! then leftmost), a second pass over a protected text sees what the first one saw, and every
//! family can run as a filter over a stream.

use std::ops::Range;

use crate::digits::most_digits;
use crate::finding::{Finding, Kind};
use crate::fold::{Folded, fold};
use crate::policy::{Action, Policy};
use crate::view::{BARRIER, COVERED, View};
use crate::{card, device, email, id, mrz, opaque, person, phone, secret, upi, wallet};

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

/// A family of detectors, in order of precedence: where two overlap, the earlier wins.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Family {
    /// Placeholders and markers, and what looks like one.
    Opaque,
    /// Tokens, keys, passwords.
    Secret,
    /// Identity numbers.
    Id,
    /// Machine-readable zones of documents.
    Mrz,
    /// Bank accounts and codes.
    Account,
    /// Payment cards.
    Card,
    /// Addresses of crypto-currencies.
    Wallet,
    /// Addresses of India's payment interface.
    Upi,
    /// E-mail addresses.
    Email,
    /// Addresses and numbers of devices and vehicles.
    Device,
    /// Telephone numbers.
    Phone,
    /// Dates of birth, names, postal addresses.
    Person,
}

impl Family {
    /// Every family that finds values.
    const ALL: [Self; 11] = [
        Self::Secret,
        Self::Id,
        Self::Mrz,
        Self::Account,
        Self::Card,
        Self::Wallet,
        Self::Upi,
        Self::Email,
        Self::Device,
        Self::Phone,
        Self::Person,
    ];

    /// The families a policy needs, in order.
    pub(crate) fn of_policy(policy: Policy) -> impl Iterator<Item = Self> {
        let needed = move |family: &Self| family.action(policy) != Action::Allow;
        std::iter::once(Self::Opaque).chain(Self::ALL.into_iter().filter(needed))
    }

    /// What it finds; what is opaque counts as what is kept closest.
    pub(crate) const fn kind(self) -> Kind {
        match self {
            Self::Opaque | Self::Secret => Kind::Secret,
            Self::Id | Self::Mrz => Kind::GovernmentId,
            Self::Account | Self::Wallet | Self::Upi => Kind::Account,
            Self::Card => Kind::Card,
            Self::Email => Kind::Email,
            Self::Device => Kind::Device,
            Self::Phone => Kind::Phone,
            Self::Person => Kind::Person,
        }
    }

    fn action(self, policy: Policy) -> Action {
        policy.action(self.kind())
    }

    /// Whether a policy has the family change the text.
    pub(crate) fn alters(self, policy: Policy) -> bool {
        self == Self::Opaque || self.action(policy).alters()
    }

    /// The first match that starts at or after `from`.
    pub(crate) fn next(self, view: &View<'_>, from: usize) -> Step {
        match self {
            Self::Opaque => opaque::next(view, from),
            Self::Secret => secret::next(view, from),
            Self::Id => id::next(view, from),
            Self::Mrz => mrz::next(view, from),
            Self::Account => id::next_account(view, from),
            Self::Wallet => wallet::next(view, from),
            Self::Upi => upi::next(view, from),
            Self::Card => card::next(view, from),
            Self::Email => email::next(view, from),
            Self::Device => device::next(view, from),
            Self::Phone => phone::next(view, from),
            Self::Person => person::next(view, from),
        }
    }

    /// The fewest digits that a match has.
    pub(crate) const fn fewest_digits(self) -> usize {
        match self {
            Self::Card => card::FEWEST_DIGITS,
            Self::Id => id::FEWEST_DIGITS,
            Self::Account => id::FEWEST_ACCOUNT_DIGITS,
            Self::Wallet => wallet::FEWEST_DIGITS,
            Self::Phone => phone::FEWEST_DIGITS,
            Self::Device => device::FEWEST_DIGITS,
            Self::Opaque | Self::Secret | Self::Mrz | Self::Upi | Self::Email | Self::Person => 0,
        }
    }

    /// Whether words around a value may keep the family from finding it: a version is no address.
    pub(crate) const fn listens(self) -> bool {
        match self {
            Self::Id | Self::Account | Self::Card | Self::Device | Self::Phone => true,
            Self::Opaque
            | Self::Secret
            | Self::Mrz
            | Self::Wallet
            | Self::Upi
            | Self::Email
            | Self::Person => false,
        }
    }

    /// The longest match, bytes.
    pub(crate) const fn longest(self) -> usize {
        match self {
            Self::Opaque => opaque::LONGEST,
            Self::Secret => secret::LONGEST,
            Self::Id | Self::Account => id::LONGEST,
            Self::Mrz => mrz::LONGEST,
            Self::Wallet => wallet::LONGEST,
            Self::Upi => upi::LONGEST,
            Self::Card => card::LONGEST,
            Self::Email => email::LONGEST,
            Self::Device => device::LONGEST,
            Self::Phone => phone::LONGEST,
            Self::Person => person::LONGEST,
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
    let folded = if text.is_ascii() { None } else { fold(text) };
    let text = folded.as_ref().map_or(text.as_bytes(), |folded| &folded.bytes);
    let digits = most_digits(text);
    for family in Family::of_policy(policy).filter(|family| family.fewest_digits() <= digits) {
        let bytes = covered.as_deref().unwrap_or(text);
        let hits = run_family(family, bytes, &mut found);
        if hits.is_empty() {
            continue;
        }
        let covered = covered.get_or_insert_with(|| text.to_vec());
        for hit in hits {
            cover(covered, &hit.span, family);
            match family {
                Family::Opaque => found.opaque.push(hit.span),
                _ => found.findings.push(hit.of(family.kind())),
            }
        }
    }
    found.findings.sort_by_key(|f| f.span.start);
    if let Some(Folded { offsets, .. }) = folded {
        let spans = found.findings.iter_mut().map(|finding| &mut finding.span);
        for span in spans.chain(&mut found.opaque) {
            *span = offsets.span(span);
        }
    }
    found
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
