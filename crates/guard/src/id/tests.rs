use crate::finding::Kind;
use crate::layer::run;
use crate::policy::{Action, Policy};

/// The identity numbers and accounts of a text, as they stand in it.
fn found(text: &str) -> Vec<(&str, &'static str)> {
    let found = run(text, Policy::all(Action::Warn));
    let of = |kind| matches!(kind, Kind::GovernmentId | Kind::Account);
    let found = found.findings.iter().filter(|f| of(f.kind));
    found.map(|f| (&text[f.span.clone()], f.detector)).collect()
}

#[test]
fn a_number_in_its_usual_form_needs_no_words() {
    for (number, detector) in [
        ("2341 2341 2346", "in-aadhaar"),
        ("2341-2341-2346", "in-aadhaar"),
        ("ABCPE1234F", "in-pan"),
        ("27AAPFU0939F1ZV", "in-gstin"),
        ("UDYAM-KA-01-0000123", "in-udyam"),
        ("536-90-4399", "us-ssn"),
        ("AB 12 34 56 C", "gb-nino"),
        ("AB123456C", "gb-nino"),
        ("12345678Z", "es-dni"),
        ("X-1234567-L", "es-nie"),
        ("RSSMRA85T10A562S", "it-codice-fiscale"),
        ("2 99 05 75 123 456 16", "fr-nir"),
        ("756.9217.0769.85", "ch-ahv"),
        ("529.982.247-25", "br-cpf"),
        ("11.444.777/0001-61", "br-cnpj"),
        ("11010519491231002X", "cn-resident"),
        ("S1234567D", "sg-nric"),
        ("A123456(3)", "hk-id"),
        ("GB29 NWBK 6016 1331 9268 19", "iban"),
        ("DE89370400440532013000", "iban"),
    ] {
        let sentence = format!("Please check {number}, and call back.");
        let expected = vec![(number, detector)];
        assert_eq!(found(&sentence), expected, "{number}");
        assert_eq!(found(number), expected, "{number} alone");
    }
}

#[test]
fn a_vague_one_counts_where_the_words_name_it_before_or_after() {
    for (text, number, detector) in [
        ("Her NHS number is 943 476 5919.", "943 476 5919", "gb-nhs"),
        ("943 476 5919 is what the hospital has as the NHS number", "943 476 5919", "gb-nhs"),
        ("My social security number: 536904399", "536904399", "us-ssn"),
        ("Routing number 021000021", "021000021", "us-routing"),
        ("passport A1234567 expires", "A1234567", "passport"),
        ("ИНН 500100732259", "500100732259", "ru-inn"),
        ("आधार 234123412346 है", "234123412346", "in-aadhaar"),
        ("tax file number 123 456 782", "123 456 782", "au-tfn"),
    ] {
        assert_eq!(found(text), [(number, detector)], "{text}");
    }
    for text in ["943 476 5919", "call 536904399", "see 021000021", "A1234567", "500100732259"] {
        assert!(found(text).is_empty(), "{text}: {:?}", found(text));
    }
}

#[test]
fn a_wrong_check_character_is_refused_even_where_the_words_name_the_kind() {
    for text in [
        "Aadhaar 2341 2341 2347",
        "GSTIN 27AAPFU0939F1ZW",
        "NHS number 943 476 5918",
        "CPF 529.982.247-26",
        "IBAN GB29 NWBK 6016 1331 9268 18",
        "IBAN GB29NWBK6016133192681",
        "IBAN XX29NWBK60161331926819",
        "DNI 12345678A",
        "codice fiscale RSSMRA85T10A562T",
        "NRIC S1234567A",
        "身份证 110105194912310023",
        "SSN 666-12-3456",
        "SSN 000-12-3456",
        "NINO BG123456C",
    ] {
        assert!(found(text).is_empty(), "{text}: {:?}", found(text));
    }
}

#[test]
fn a_kind_that_the_words_name_goes_before_another_that_fits() {
    assert_eq!(found("マイナンバー 2709 1007 0336"), [("2709 1007 0336", "jp-my-number")]);
    // It would pass for an Aadhaar, which nobody spoke of.
    assert!(found("マイナンバー 2341 2341 2346").is_empty());
}

#[test]
fn what_only_looks_like_an_identity_number_is_left_alone() {
    for text in [
        "at 1719935999123 ms",
        "2024-11-03 17:45:59",
        "version 10.15.7-1234",
        "123e4567-e89b-12d3-a456-426614174000",
        "order 4482-9917-2231-B",
        "https://example.org/items/234123412346/view",
        "file_234123412346.png",
        "call +91 98765 43210",
        "room B12, seat 14C",
        "part no. AB12-3456-C",
        "SHA 9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08",
        "1,234,567.89 EUR",
        "$123456789",
        "ISBN 978-3-16-148410-0",
        "the years 1984 2001 2010",
    ] {
        assert!(found(text).is_empty(), "{text}: {:?}", found(text));
    }
}

#[test]
fn digits_of_other_scripts_are_digits() {
    let text = "आधार २३४१ २३४१ २३४६";
    assert_eq!(found(text), [("२३४१ २३४१ २३४६", "in-aadhaar")]);
}

#[test]
fn words_of_an_address_that_may_be_taken_out_say_nothing() {
    assert!(found("nhs@example.org 9434765919").is_empty());
    assert_eq!(found("nhs 9434765919").len(), 1);
}

#[test]
fn an_account_is_no_card_whatever_the_words_say() {
    let kinds = |text: &str| -> Vec<Kind> {
        run(text, Policy::all(Action::Warn)).findings.iter().map(|f| f.kind).collect()
    };
    assert_eq!(kinds("account 4111111111111111"), [Kind::Card]);
    assert_eq!(kinds("account 50100234567890"), [Kind::Account]);
}
