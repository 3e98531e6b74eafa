//! Bank accounts and codes.

use crate::id::check;
use crate::id::form::Spec;

pub(super) const SPECS: &[Spec] = &[
    Spec {
        name: "iban",
        clear: &[
            "UUddxxxxxxxxxxx>xxxxxxxxxxxxxxxxxx",
            "UUdd xxxx xxxx xxx>x xxxx xxxx xxxx xxxx x",
        ],
        vague: &[],
        strict: false,
        check: check::IBAN,
        words: &["iban", "account", "konto", "compte", "cuenta", "conto"],
    },
    Spec {
        name: "us-routing",
        clear: &[],
        vague: &["ddddddddd"],
        strict: true,
        check: check::ABA,
        words: &["routing", "aba", "rtn", "transit"],
    },
    Spec {
        name: "in-ifsc",
        clear: &["UUUUdxxxxxx"],
        vague: &[],
        strict: false,
        check: check::IFSC,
        words: &["ifsc", "branch"],
    },
    Spec {
        name: "mx-clabe",
        clear: &[],
        vague: &["dddddddddddddddddd"],
        strict: true,
        check: check::CLABE,
        words: &["clabe"],
    },
    Spec {
        name: "account",
        clear: &[],
        vague: &["dddddddd>dddddddddd", "dddd_dddd_dd>dd_dddd"],
        strict: true,
        check: check::NO_CARD,
        words: &["account", "acct", "accounts", "konto", "kontonummer", "a/c", "खाता", "खाते"],
    },
];
