//! What can be found at all, told by the tables that find it.

use serde::Serialize;

use crate::finding::Kind;
use crate::layer::Family;
use crate::{card, device, email, id, mrz, person, phone, secret, upi, wallet};

/// One detector.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Detector {
    /// Its name, as findings have it.
    pub name: &'static str,
    /// What it finds.
    pub kind: Kind,
    /// How it tells.
    pub about: String,
    /// Its shape as a regular expression. More has this shape than is found: the rest is arithmetic
    /// and context.
    pub shape: String,
    /// The longest match of its family, bytes: what a stream may hold back.
    pub longest: usize,
}

/// Name, how it tells, shape.
pub(crate) type Described = (&'static str, String, String);

/// Every detector, by kind, in the order in which they are tried.
pub fn detectors() -> Vec<Detector> {
    let said = |all: &'static [(&'static str, &'static str, &'static str)]| {
        all.iter().map(|(name, about, shape)| (*name, (*about).to_owned(), (*shape).to_owned()))
    };
    let families: [(Family, Vec<Described>); 10] = [
        (Family::Secret, secret::described().collect()),
        (Family::Id, id::described().collect()),
        (Family::Mrz, said(mrz::DETECTORS).collect()),
        (Family::Account, id::described_accounts().collect()),
        (Family::Wallet, said(wallet::DETECTORS).collect()),
        (Family::Upi, said(upi::DETECTORS).collect()),
        (Family::Card, card::described().collect()),
        (Family::Email, said(email::DETECTORS).collect()),
        (Family::Phone, said(phone::DETECTORS).collect()),
        (Family::Device, said(device::DETECTORS).collect()),
    ];
    let person = (Family::Person, said(person::DETECTORS).collect());
    let mut all: Vec<Detector> = Vec::new();
    for (family, found) in families.into_iter().chain([person]) {
        for (name, about, shape) in found {
            let kind = family.kind();
            if let Some(known) = all.iter_mut().find(|one| one.name == name && one.kind == kind) {
                known.shape = format!("{}|{shape}", known.shape);
            } else {
                all.push(Detector { name, kind, about, shape, longest: family.longest() });
            }
        }
    }
    all
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_detector_has_a_name_of_its_own_and_says_how_it_tells() {
        let all = detectors();
        let mut names: Vec<_> = all.iter().map(|one| one.name).collect();
        names.sort_unstable();
        names.dedup();
        assert_eq!(names.len(), all.len());
        assert!(all.iter().all(|one| !one.about.is_empty() && one.longest > 0));
        for kind in Kind::ALL {
            assert!(all.iter().any(|one| one.kind == kind), "{kind}");
        }
    }

    #[test]
    fn there_are_rules_for_more_than_150_forms_of_secrets() {
        let secrets = all_of(Kind::Secret);
        assert!(secrets >= 150, "{secrets}");
    }

    fn all_of(kind: Kind) -> usize {
        detectors().into_iter().filter(|one| one.kind == kind).count()
    }
}
