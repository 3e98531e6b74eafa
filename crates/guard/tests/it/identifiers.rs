//! Identity numbers drawn by an independent library, in sentences, beside near misses.

use std::collections::BTreeMap;
use std::error::Error;
use std::io::Write;
use std::process::Command;

use largestack_guard::{Action, Guard, Kind, Policy};
use serde::Deserialize;

/// The Python with the library that draws.
const PYTHON: &str = "LARGESTACK_ORACLE_PYTHON";
/// Numbers of each kind.
const COUNT: usize = 150;
const SEED: usize = 7;

/// What people call the numbers.
const CALLED: &[(&str, &str)] = &[
    ("in-aadhaar", "Aadhaar number"),
    ("in-vid", "Aadhaar virtual ID (VID)"),
    ("in-pan", "PAN"),
    ("in-gstin", "GSTIN"),
    ("in-epic", "voter ID"),
    ("us-ssn", "SSN"),
    ("us-itin", "ITIN"),
    ("us-ein", "employer identification number"),
    ("ca-sin", "SIN"),
    ("br-cpf", "CPF"),
    ("br-cnpj", "CNPJ"),
    ("ar-cuit", "CUIT"),
    ("cl-rut", "RUT"),
    ("co-nit", "NIT"),
    ("mx-curp", "CURP"),
    ("mx-rfc", "RFC"),
    ("ec-cedula", "cédula"),
    ("do-cedula", "cédula"),
    ("pe-ruc", "RUC"),
    ("gb-nhs", "NHS number"),
    ("gb-utr", "unique taxpayer reference"),
    ("de-idnr", "Steuer-ID"),
    ("fr-nir", "numéro de sécurité sociale"),
    ("fr-spi", "numéro fiscal"),
    ("es-dni", "DNI"),
    ("es-nie", "NIE"),
    ("it-codice-fiscale", "codice fiscale"),
    ("pt-nif", "NIF"),
    ("nl-bsn", "BSN"),
    ("be-nn", "Belgian national number"),
    ("ie-pps", "PPS number"),
    ("ch-ahv", "AHV-Nummer"),
    ("at-svnr", "Sozialversicherungsnummer"),
    ("gr-amka", "AMKA"),
    ("se-personnummer", "personnummer"),
    ("no-fodselsnummer", "fødselsnummer"),
    ("dk-cpr", "CPR number"),
    ("fi-hetu", "henkilötunnus"),
    ("is-kennitala", "kennitala"),
    ("pl-pesel", "PESEL"),
    ("pl-nip", "NIP"),
    ("ro-cnp", "CNP"),
    ("cz-rodne-cislo", "rodné číslo"),
    ("bg-egn", "EGN"),
    ("ee-isikukood", "isikukood"),
    ("hr-oib", "OIB"),
    ("jmbg", "EMŠO"),
    ("tr-tckn", "T.C. kimlik numarası"),
    ("ru-inn", "ИНН"),
    ("cn-resident", "居民身份证"),
    ("kr-rrn", "주민등록번호"),
    ("jp-my-number", "マイナンバー"),
    ("my-mykad", "MyKad"),
    ("th-pin", "เลขประจำตัวประชาชน"),
    ("id-nik", "NIK"),
    ("il-id", "teudat zehut"),
    ("pk-cnic", "CNIC"),
    ("za-id", "South African ID"),
    ("au-tfn", "TFN"),
    ("au-abn", "ABN"),
    ("nz-ird", "IRD number"),
    ("us-routing", "routing number"),
    ("iban", "IBAN"),
];

/// Kinds without a check digit: what is no such number looks like one.
const UNCHECKED: &[&str] =
    &["in-pan", "us-ein", "us-itin", "us-ssn", "pk-cnic", "id-nik", "my-mykad", "dk-cpr"];

#[derive(Deserialize)]
struct Drawn {
    detector: String,
    valid: Vec<Vec<String>>,
    wrong: Vec<Vec<String>>,
}

fn sentences(called: &str, number: &str) -> [String; 4] {
    [
        format!("My {called} is {number}, please update my file."),
        format!("{called}: {number}"),
        format!("We have {number} on record as the {called} of the customer."),
        format!("Order 4482-B was paid on 2024-11-03; {called} {number}; shipped by DHL."),
    ]
}

/// Whether an identity number or account is found exactly where `number` stands.
fn found(text: &str, number: &str) -> bool {
    let at = text.find(number).unwrap_or(usize::MAX);
    hits(text).contains(&(at..at + number.len()))
}

fn hits(text: &str) -> Vec<std::ops::Range<usize>> {
    let scan = Guard::new(Policy::all(Action::Warn)).scan(text);
    let of = |kind| matches!(kind, Kind::GovernmentId | Kind::Account);
    scan.findings.into_iter().filter(|f| of(f.kind)).map(|f| f.span).collect()
}

#[derive(Default)]
struct Tally {
    found: usize,
    missed: usize,
    false_alarms: usize,
}

#[expect(clippy::disallowed_methods, reason = "what a test runs against is no setting")]
fn python() -> Option<String> {
    let set = |name| std::env::var(name).ok().filter(|value| !value.is_empty());
    let python = set(PYTHON);
    if python.is_none() {
        assert!(set("LARGESTACK_REQUIRE_SERVICES").is_none(), "{PYTHON} is not set");
        let skipped = format!("skipped: no Python with python-stdnum; set {PYTHON}\n");
        // A reader that has gone away has seen enough.
        let _ = std::io::stderr().write_all(skipped.as_bytes());
    }
    python
}

fn drawn(python: &str) -> Result<Vec<Drawn>, Box<dyn Error>> {
    let script = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/it/identifiers.py");
    let out =
        Command::new(python).args([script, &COUNT.to_string(), &SEED.to_string()]).output()?;
    if !out.status.success() {
        return Err(String::from_utf8_lossy(&out.stderr).into());
    }
    let lines = String::from_utf8(out.stdout)?;
    lines.lines().map(|line| Ok(serde_json::from_str(line)?)).collect()
}

#[test]
fn numbers_that_another_library_draws_are_found_and_its_near_misses_are_not() {
    let Some(python) = python() else { return };
    let drawn = drawn(&python).unwrap();
    let called: BTreeMap<&str, &str> = CALLED.iter().copied().collect();
    let mut tallies: BTreeMap<String, Tally> = BTreeMap::new();
    for kind in &drawn {
        let called = called[kind.detector.as_str()];
        assert_eq!(kind.valid.len(), COUNT, "{}", kind.detector);
        let tally = tallies.entry(kind.detector.clone()).or_default();
        for number in kind.valid.iter().flatten() {
            for text in sentences(called, number) {
                let others = hits(&text).len() - usize::from(found(&text, number));
                if found(&text, number) {
                    tally.found += 1;
                } else {
                    tally.missed += 1;
                }
                tally.false_alarms += others;
            }
        }
        if !UNCHECKED.contains(&kind.detector.as_str()) {
            for number in kind.wrong.iter().flatten() {
                for text in sentences(called, number) {
                    tally.false_alarms += hits(&text).len();
                }
            }
        }
    }
    let sum = |of: fn(&Tally) -> usize| tallies.values().map(of).sum::<usize>();
    let (found, missed, alarms) = (sum(|t| t.found), sum(|t| t.missed), sum(|t| t.false_alarms));
    for (kind, t) in &tallies {
        println!("{kind}: {} found, {} missed, {} false alarms", t.found, t.missed, t.false_alarms);
    }
    #[expect(clippy::cast_precision_loss, reason = "counts of tests")]
    let share = |part: usize, rest: usize| part as f64 / (part + rest) as f64;
    let (recall, precision) = (share(found, missed), share(found, alarms));
    println!("recall {recall:.4} of {}, precision {precision:.4}", found + missed);
    assert!(found + missed > 10_000 && recall >= 0.99, "recall {recall:.4}");
    assert!(precision >= 0.99, "precision {precision:.4}");
    for (kind, t) in &tallies {
        assert!(share(t.found, t.missed) >= 0.97, "{kind}: recall");
    }
}
