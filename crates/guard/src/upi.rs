//! Addresses of India's payment interface (UPI): `name@handle`, where the handle is a bank's or
//! app's. Handles of other networks and e-mail addresses are left alone.

use crate::layer::{Hit, Step};
use crate::view::{Verdict, View, goes_on, is_word};

/// Longest name.
const NAME: usize = 64;
/// Name, `@` and handle.
pub(crate) const LONGEST: usize = NAME + 1 + 24;

/// What is found, how it is told, and its shape.
pub(crate) const DETECTORS: &[(&str, &str, &str)] = &[(
    "upi-address",
    "a name, @ and the handle of a bank or app that takes part in UPI",
    r"[A-Za-z0-9_.-]+@[A-Za-z0-9]+",
)];

/// Handles of banks and apps (as the payments corporation and the apps publish them).
const HANDLES: &[&str] = &[
    "abfspay",
    "allbank",
    "apl",
    "aubank",
    "axis",
    "axisb",
    "axisbank",
    "axl",
    "barodampay",
    "birla",
    "cboi",
    "cmsidfc",
    "cnrb",
    "csbpay",
    "dbs",
    "dlb",
    "equitas",
    "ezeepay",
    "fam",
    "fbl",
    "federal",
    "freecharge",
    "hdfcbank",
    "hsbc",
    "ibl",
    "icici",
    "idbi",
    "idfcbank",
    "idfcfirst",
    "ikwik",
    "indianbank",
    "indus",
    "iob",
    "jio",
    "jupiteraxis",
    "kbl",
    "kmbl",
    "kotak",
    "kvb",
    "mahb",
    "naviaxis",
    "niyoicici",
    "obc",
    "okaxis",
    "okhdfcbank",
    "okicici",
    "oksbi",
    "paytm",
    "payzapp",
    "pingpay",
    "pnb",
    "postbank",
    "psb",
    "ptaxis",
    "pthdfc",
    "ptsbi",
    "ptyes",
    "pz",
    "rapl",
    "rbl",
    "sbi",
    "shriramhdfcbank",
    "sib",
    "slice",
    "sliceaxis",
    "superyes",
    "tapicici",
    "timecosmos",
    "tmb",
    "ubi",
    "uboi",
    "uco",
    "unionbank",
    "upi",
    "utbi",
    "utkarsh",
    "waaxis",
    "wahdfcbank",
    "waicici",
    "wasbi",
    "yapl",
    "ybl",
    "yesbank",
    "yespay",
    "yesg",
];

/// The next address at or after `from`.
pub(crate) fn next(view: &View<'_>, from: usize) -> Step {
    let mut at = from;
    while let Some(i) = memchr::memchr(b'@', view.slice(at, view.len())) {
        at += i;
        let start = name_start(view, at);
        match view.decide(|view| address(view, start?, at)) {
            Verdict::Open => return Step::Open(start.unwrap_or(at)),
            Verdict::Final(Some(hit)) => return Step::Found(hit),
            Verdict::Final(None) => at += 1,
        }
    }
    match name_start(view, view.len()).filter(|_| !view.is_last()) {
        Some(start) if start < view.len() => Step::Open(start.max(from)),
        _ => Step::Clear,
    }
}

/// Where the name before `at` starts, unless it is too long.
fn name_start(view: &View<'_>, at: usize) -> Option<usize> {
    let length = (1..=NAME + 1).take_while(|n| is_name(view.back(at, *n))).count();
    (length <= NAME).then_some(at - length)
}

const fn is_name(byte: u8) -> bool {
    is_word(byte) || matches!(byte, b'.' | b'-')
}

fn address(view: &View<'_>, start: usize, at: usize) -> Option<Hit> {
    let name = view.slice(start, at);
    let skip = name.iter().take_while(|byte| !byte.is_ascii_alphanumeric()).count();
    let start = start + skip;
    let long = at - start > 1 && view.back(at, 1).is_ascii_alphanumeric();
    let length = (1..=24).take_while(|n| view.get(at + n).is_ascii_alphanumeric()).count();
    let end = at + 1 + length;
    let after = view.get(end);
    let domain = matches!(after, b'.' | b'-') && view.get(end + 1).is_ascii_alphanumeric();
    if !long || goes_on(after) || domain || after == b'@' || view.back(start, 1) == b'/' {
        return None;
    }
    let handle = view.slice(at + 1, end);
    let known = HANDLES.iter().any(|known| handle.eq_ignore_ascii_case(known.as_bytes()));
    known.then_some(Hit { span: start..end, score: 85, detector: "upi-address", validated: false })
}

#[cfg(test)]
mod tests {
    use crate::finding::Kind;
    use crate::layer::run;
    use crate::policy::{Action, Policy};

    fn found(text: &str) -> Vec<&str> {
        let all = run(text, Policy::all(Action::Warn)).findings;
        all.into_iter().filter(|f| f.kind == Kind::Account).map(|f| &text[f.span]).collect()
    }

    #[test]
    fn addresses_with_a_known_handle_are_found() {
        for (text, address) in [
            ("pay ravi.k@okhdfcbank now", "ravi.k@okhdfcbank"),
            ("UPI: 9876543210@ybl.", "9876543210@ybl"),
            ("(asha-21@PAYTM)", "asha-21@PAYTM"),
        ] {
            assert_eq!(found(text), [address], "{text}");
        }
    }

    #[test]
    fn handles_mail_and_versions_are_left_alone() {
        for text in
            ["foo@bar", "@upi", "ask @sbi about it", "ravi@upi.example.org", "lodash@4", "a@b@upi"]
        {
            assert!(found(text).is_empty(), "{text}");
        }
    }
}
