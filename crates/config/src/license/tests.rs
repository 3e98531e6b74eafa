use aws_lc_rs::signature::{Ed25519KeyPair, KeyPair as _};
use largestack_types::error::Coded as _;

use super::*;

fn pair(seed: u8) -> (Ed25519KeyPair, Issuer) {
    let pair = Ed25519KeyPair::from_seed_unchecked(&[seed; 32]).unwrap();
    let issuer = Issuer::new(pair.public_key().as_ref().try_into().unwrap());
    (pair, issuer)
}

fn signed(header: &str, payload: &str, seed: u8) -> String {
    let signed = format!("{}.{}", URL_SAFE_NO_PAD.encode(header), URL_SAFE_NO_PAD.encode(payload));
    let signature = pair(seed).0.sign(signed.as_bytes());
    format!("{signed}.{}", URL_SAFE_NO_PAD.encode(signature))
}

const HEADER: &str = r#"{"alg":"EdDSA","typ":"JWT"}"#;

fn asked(text: &str, seconds: i64) -> Result<(), String> {
    let now = Timestamp::from_micros(seconds * 1_000_000);
    Licensed::of(text, pair(1).1).check(now).map_err(|error| error.message())
}

#[test]
fn a_licence_holds_from_its_beginning_until_its_end() {
    let text = signed(HEADER, r#"{"sub":"Acme","nbf":100,"exp":200,"plan":"unread"}"#, 1);
    assert!(asked(&text, 99).unwrap_err().contains("that of Acme does not begin before"));
    for within in [100, 199] {
        assert_eq!(asked(&text, within), Ok(()));
    }
    assert!(asked(&text, 200).unwrap_err().contains("that of Acme ended at"));
    let always = signed(HEADER, r#"{"sub":"Acme"}"#, 1);
    assert_eq!((asked(&always, 0), asked(&always, i64::MAX / 1_000_000)), (Ok(()), Ok(())));
}

#[test]
fn what_the_issuer_has_not_signed_as_it_stands_is_no_licence() {
    let good = signed(HEADER, r#"{"sub":"Acme"}"#, 1);
    assert_eq!(asked(&good, 0), Ok(()));
    let foreign = signed(HEADER, r#"{"sub":"Acme"}"#, 2);
    assert!(asked(&foreign, 0).unwrap_err().contains("not signed by"));
    for at in 0..good.len() {
        let mut changed = good.clone().into_bytes();
        changed[at] = if changed[at] == b'A' { b'B' } else { b'A' };
        assert!(asked(std::str::from_utf8(&changed).unwrap(), 0).is_err(), "byte {at}");
        assert!(asked(&good[..at], 0).is_err(), "cut at {at}");
    }
    for header in [r#"{"alg":"none"}"#, r#"{"alg":"HS256"}"#, r#"{"alg":"EdDSA","crit":["x"]}"#] {
        assert!(asked(&signed(header, r#"{"sub":"Acme"}"#, 1), 0).is_err(), "{header}");
    }
    for payload in [
        "{}",
        r#"{"sub":" "}"#,
        r#"{"sub":"Acme","aud":"somebody"}"#,
        r#"{"sub":"Acme","exp":9223372036854775807}"#,
        r#"{"sub":"Acme","exp":"soon"}"#,
        "[]",
    ] {
        assert!(asked(&signed(HEADER, payload, 1), 0).is_err(), "{payload}");
    }
}

#[test]
fn a_key_is_read_as_pem_or_base64_and_nothing_else_is_one() {
    let (_, issuer) = pair(1);
    let spki = STANDARD.encode([SPKI, &issuer.0].concat());
    let pem = format!("-----BEGIN PUBLIC KEY-----\n{spki}\n-----END PUBLIC KEY-----\n");
    for text in [pem, spki, STANDARD.encode(issuer.0)] {
        assert_eq!(Issuer::parse(&text), Some(issuer), "{text}");
    }
    for text in ["", "AAAA", "not base64", &STANDARD.encode([0; 33])] {
        assert_eq!(Issuer::parse(text), None, "{text}");
    }
}

#[test]
fn a_file_that_is_missing_unnamed_or_no_text_is_no_licence() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("license.jwt");
    let license = License { issuer: pair(1).1, file: Some(file.clone()) };
    let why = |license: &License| {
        license.load().check(Timestamp::from_micros(0)).map_err(|error| error.message())
    };
    assert!(why(&license).unwrap_err().contains("cannot be read"));
    std::fs::write(&file, [0xff, 0xfe]).unwrap();
    assert!(why(&license).unwrap_err().contains("cannot be read"));
    std::fs::write(&file, signed(HEADER, r#"{"sub":"Acme"}"#, 1) + "\n").unwrap();
    assert_eq!(why(&license), Ok(()));
    assert_eq!(license.load().claims().map(|claims| claims.holder.as_str()), Some("Acme"));
    let unnamed = License { file: None, ..license };
    assert!(why(&unnamed).unwrap_err().contains("`license.file` names none"));
}
