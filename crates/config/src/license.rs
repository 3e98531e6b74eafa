//! `license` of a project: a licence that the operator of a deployment asks for. Largestack itself
//! is free software and asks for none: without `license.issuer` nothing here is looked at.
//!
//! A licence is a JSON Web Token in its compact form (RFC 7519, RFC 7515), signed with Ed25519
//! (RFC 8037), so that any library for these makes one. It is checked offline.

use std::fs;
use std::io::Read as _;
use std::path::{Path, PathBuf};

use aws_lc_rs::signature::{ED25519, UnparsedPublicKey};
use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use largestack_ports::license::License as Asked;
use largestack_types::errors::LicenseRequiredError;
use largestack_types::time::Timestamp;
use serde::Deserialize;

use crate::node::Node;
use crate::origin::Source;
use crate::problem::Wrong;
use crate::read::Fields;
use crate::show::Show;
use crate::value;

/// Bytes of a licence file; a longer one is none.
const MOST_BYTES: u64 = 64 << 10;
/// What stands before an Ed25519 key in a `SubjectPublicKeyInfo` (RFC 8410, section 4).
const SPKI: &[u8] = &[0x30, 0x2a, 0x30, 0x05, 0x06, 0x03, 0x2b, 0x65, 0x70, 0x03, 0x21, 0x00];

/// The public key whose signature counts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Issuer([u8; 32]);

impl Issuer {
    /// From its 32 bytes.
    pub const fn new(bytes: [u8; 32]) -> Self {
        Self(bytes)
    }

    /// Its 32 bytes.
    pub const fn bytes(&self) -> &[u8; 32] {
        &self.0
    }

    /// From PEM (`openssl pkey -pubout`), or from the base64 of the key or of what PEM holds.
    pub fn parse(text: &str) -> Option<Self> {
        let lines = text.lines().map(str::trim).filter(|line| !line.starts_with("-----"));
        let bytes = STANDARD.decode(lines.collect::<String>()).ok()?;
        let key = bytes.strip_prefix(SPKI).unwrap_or(&bytes);
        key.try_into().ok().map(Self)
    }
}

impl Show for Issuer {
    fn show(&self) -> String {
        STANDARD.encode(self.0)
    }
}

/// A licence that the operator asks for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct License {
    /// Whose signature counts.
    pub issuer: Issuer,
    /// Where the licence is; `None` where the file does not say.
    pub file: Option<PathBuf>,
}

pub(crate) fn read(mut fields: Fields<'_>) -> Option<License> {
    let issuer = fields.optional("issuer", issuer);
    let file = fields.get("file", None, |node| value::some_text(node).map(Some));
    if issuer.is_none() && file.source != Source::Default {
        let key = fields.key("issuer");
        fields.report.wrong(&file.source, &key, Wrong::Missing);
    }
    fields.finish();
    let folder = file.source.folder(Path::new(""));
    let file = file.value.map(|path| folder.join(&*path));
    issuer.map(|issuer| License { issuer, file })
}

fn issuer(node: &Node) -> Result<Issuer, Wrong> {
    let text = value::some_text(node)?;
    Issuer::parse(&text).ok_or_else(|| Wrong::Value {
        detail: "is no Ed25519 public key".to_owned(),
        advice: Some("Write it as PEM, as `openssl pkey -pubout` prints it, or in base64".into()),
    })
}

impl License {
    pub(crate) fn relative_to(mut self, folder: &Path) -> Self {
        self.file = self.file.map(|file| folder.join(file));
        self
    }

    /// Reads the file. What is wrong with it is said when it is asked for.
    pub fn load(&self) -> Licensed {
        let Some(file) = &self.file else {
            return Licensed(Err("`license.file` names none".to_owned()));
        };
        let mut text = String::new();
        let read = fs::File::open(file)
            .and_then(|open| open.take(MOST_BYTES).read_to_string(&mut text))
            .map_err(|error| format!("{} cannot be read: {error}", file.display()));
        Licensed(read.and_then(|_| {
            claims(&text, self.issuer).map_err(|why| format!("{} {why}", file.display()))
        }))
    }
}

/// A licence as far as it was found: whose it is and from when to when, or why it is none.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Licensed(Result<Claims, String>);

/// What a licence says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Claims {
    /// Who holds it.
    pub holder: String,
    /// From when it holds; `None` for always.
    pub from: Option<Timestamp>,
    /// When it ends; `None` for never.
    pub until: Option<Timestamp>,
}

impl Licensed {
    /// The licence that a text is, if this issuer has signed it.
    pub fn of(text: &str, issuer: Issuer) -> Self {
        Self(claims(text, issuer).map_err(|why| format!("the licence {why}")))
    }

    /// What it says, where it is one; it may be over.
    pub fn claims(&self) -> Option<&Claims> {
        self.0.as_ref().ok()
    }
}

impl Asked for Licensed {
    fn check(&self, now: Timestamp) -> Result<(), LicenseRequiredError> {
        let lacks = |detail: String| Err(LicenseRequiredError { detail });
        match &self.0 {
            Err(why) => lacks(why.clone()),
            Ok(Claims { from: Some(from), holder, .. }) if now < *from => {
                lacks(format!("that of {holder} does not begin before {from}"))
            }
            Ok(Claims { until: Some(until), holder, .. }) if now >= *until => {
                lacks(format!("that of {holder} ended at {until}"))
            }
            Ok(_) => Ok(()),
        }
    }
}

#[derive(Deserialize)]
struct Header {
    alg: String,
    #[serde(default)]
    crit: Option<serde::de::IgnoredAny>,
}

/// The registered claims that count here (RFC 7519, section 4.1); moments in seconds since 1970.
#[derive(Deserialize)]
struct Written {
    sub: String,
    #[serde(default)]
    nbf: Option<i64>,
    #[serde(default)]
    exp: Option<i64>,
    #[serde(default)]
    aud: Option<serde::de::IgnoredAny>,
}

/// What a signed text says; why it is no licence.
fn claims(text: &str, issuer: Issuer) -> Result<Claims, &'static str> {
    const NONE: &str = "is no signed licence (a JSON Web Token)";
    let text = text.trim();
    let (signed, signature) = text.rsplit_once('.').ok_or(NONE)?;
    let (header, payload) = signed.split_once('.').ok_or(NONE)?;
    let decode = |part: &str| URL_SAFE_NO_PAD.decode(part).map_err(|_| NONE);
    let (header, payload, signature) = (decode(header)?, decode(payload)?, decode(signature)?);
    let header: Header = serde_json::from_slice(&header).map_err(|_| NONE)?;
    if header.alg != "EdDSA" || header.crit.is_some() {
        return Err("is not signed in the way that counts here (EdDSA with Ed25519)");
    }
    UnparsedPublicKey::new(&ED25519, issuer.0)
        .verify(signed.as_bytes(), &signature)
        .map_err(|_| "is not signed by `license.issuer`")?;
    let written: Written = serde_json::from_slice(&payload).map_err(|_| NONE)?;
    if written.aud.is_some() {
        return Err("is for a named audience, which deployments here do not have");
    }
    if written.sub.trim().is_empty() {
        return Err("does not say whose it is");
    }
    let moment = |seconds: Option<i64>| match seconds.map(|s| s.checked_mul(1_000_000)) {
        Some(None) => Err("names a moment that there is not"),
        Some(Some(micros)) => Ok(Some(Timestamp::from_micros(micros))),
        None => Ok(None),
    };
    Ok(Claims { holder: written.sub, from: moment(written.nbf)?, until: moment(written.exp)? })
}

#[cfg(test)]
mod tests;
