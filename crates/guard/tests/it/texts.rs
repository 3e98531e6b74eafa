//! Texts for the laws. Secrets are put together from parts, so that no file holds one.

use proptest::prelude::*;

/// Forty characters that look drawn at random, and are not.
pub(crate) const BODY: &str = "q7Zk2Wm9Xc4Vb8Nj3Hf6Gd1Ls5Pt0RyQ7aKeUo2x";

/// A token of a fine-grained kind.
pub(crate) fn token() -> String {
    format!("hf_{}", &BODY[..34])
}

/// Pieces that mean something to a detector, whole, cut, and next to each other.
pub(crate) fn fragment() -> impl Strategy<Value = String> {
    let fixed = prop::sample::select(vec![
        "4111 1111 1111 1111",
        "4111111111111111",
        "3782-822463-10005",
        "5555 5555 5555 4445",
        "६२०५५०००००००००००००४",
        "ada@example.org",
        "ada.l+x@mail.example",
        "+1 (415) 555-2671",
        "415-555-2671",
        "98765 43210",
        "call ",
        "phone: ",
        "password=",
        "password: \"",
        "api_key = '",
        "Bearer ",
        "postgres://app:s3cr3t@db.example/x",
        "://a:b@c",
        "-----BEGIN PRIVATE KEY-----\n",
        "-----END PRIVATE KEY-----",
        "-----",
        "eyJhbGciOiJIUzI1NiJ9.eyJhIjoxfQ.",
        "2345 6789 0124",
        "078-05-1121",
        "ABCPE1234F",
        "GB29 NWBK 6016 1331 9268 19",
        "GB29NWBK60161331926819",
        "12345678Z",
        "529.982.247-25",
        "52998224725",
        "9434765919",
        "AB 12 34 56 C",
        "my NHS number is ",
        " is the tax id",
        "UDYAM-KA-01-0000123",
        "passport A1234567",
        "943 476 5919",
        "nhs",
        "{nhs ",
        "'nhs ",
        "-nhs ",
        "Aadhaar",
        "२३४५ ६७८९ ०१२४",
        "AB",
        "GB",
        "-A",
        "<CARD_1:zzz>",
        "<SECRET_12:zzzz>",
        "<=zzz=CARD_1:abc>",
        "<CARD_",
        "<=",
        "[CARD_REDACTED]",
        "[EMAIL_RED",
        "<",
        ">",
        "\"",
        "'",
        "sk-",
        "sk-ant-",
        "hf_",
        "AKIA",
        "tok",
        "tokens",
        "\\n",
        "\n",
        " ",
        "  ",
        ".",
        ",",
        "-",
        "_",
        "@",
        ":",
        "=",
        "1",
        "44",
        "0.",
        "é",
        "日本",
        "४",
        "😀",
        "\u{a0}",
        "the quick brown fox",
    ]);
    prop_oneof![
        8 => fixed.prop_map(str::to_owned),
        1 => Just(token()),
        1 => Just(format!("sk-ant-{BODY}")),
        1 => Just(format!("glpat-{}", &BODY[..20])),
        1 => Just(BODY.to_owned()),
        1 => "[ -~]{0,12}",
        1 => "\\PC{0,6}",
    ]
}

/// A text of a few fragments.
pub(crate) fn text() -> impl Strategy<Value = String> {
    prop::collection::vec(fragment(), 0..8).prop_map(|fragments| fragments.concat())
}
