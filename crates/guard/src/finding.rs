//! What a scan reports: the kind, where, how sure. Never the value itself.

use std::fmt;
use std::ops::Range;

use largestack_types::label::DataClass;
use serde::{Deserialize, Serialize};

/// What was found. In order of precedence: where two overlap, the earlier kind wins.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Kind {
    /// A password, key or token.
    Secret,
    /// A number by which a state, a health service or a tax office knows somebody.
    GovernmentId,
    /// A bank account.
    Account,
    /// A payment card number.
    Card,
    /// An e-mail address.
    Email,
    /// What tells a device or a vehicle: an IP or MAC address, an IMEI, a VIN.
    Device,
    /// A telephone number.
    Phone,
    /// What describes a person: a date of birth, a name, a postal address.
    Person,
}

impl Kind {
    /// Every kind, in order of precedence.
    pub const ALL: [Self; 8] = [
        Self::Secret,
        Self::GovernmentId,
        Self::Account,
        Self::Card,
        Self::Email,
        Self::Device,
        Self::Phone,
        Self::Person,
    ];

    /// The name as it is written in placeholders and markers, e.g. `CARD`.
    pub const fn tag(self) -> &'static str {
        match self {
            Self::Secret => "SECRET",
            Self::Card => "CARD",
            Self::GovernmentId => "ID",
            Self::Account => "ACCOUNT",
            Self::Email => "EMAIL",
            Self::Phone => "PHONE",
            Self::Device => "DEVICE",
            Self::Person => "PERSON",
        }
    }

    /// The data class that a part holding one of these is labelled with.
    pub const fn data_class(self) -> DataClass {
        match self {
            Self::Secret => DataClass::Secret,
            Self::Card => DataClass::Card,
            Self::GovernmentId => DataClass::GovernmentId,
            Self::Account => DataClass::Financial,
            Self::Email | Self::Phone => DataClass::Contact,
            Self::Device | Self::Person => DataClass::Personal,
        }
    }

    /// What stands in for a value that is taken out for good, e.g. `[CARD_REDACTED]`.
    pub fn marker(self) -> String {
        format!("[{}_REDACTED]", self.tag())
    }
}

impl Kind {
    /// The name as policies and records write it, e.g. `government_id`.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Secret => "secret",
            Self::Card => "card",
            Self::GovernmentId => "government_id",
            Self::Account => "account",
            Self::Email => "email",
            Self::Phone => "phone",
            Self::Device => "device",
            Self::Person => "person",
        }
    }
}

impl fmt::Display for Kind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Secret => "secret",
            Self::Card => "card",
            Self::GovernmentId => "government id",
            Self::Account => "account",
            Self::Email => "email",
            Self::Phone => "phone",
            Self::Device => "device",
            Self::Person => "person",
        })
    }
}

/// One thing found in a text.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Finding {
    /// What it is.
    pub kind: Kind,
    /// Where it stands: bytes of the text that was scanned, on character boundaries.
    pub span: Range<usize>,
    /// How sure the detector is, 0 to 100.
    pub score: u8,
    /// The detector that found it, e.g. `github-token`.
    pub detector: &'static str,
    /// Whether a checksum or an inner structure was verified, not only the shape.
    pub validated: bool,
}
