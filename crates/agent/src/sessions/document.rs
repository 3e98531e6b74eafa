//! An exported session as a document: what was said, and the bytes of the media in it.

use std::collections::BTreeMap;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use largestack_ports::journal::Journal;
use largestack_ports::sessions::{Conversation, Digest, Exchange, Session, SessionKey};
use largestack_types::errors::{Code, LargestackError, Result};
use largestack_types::hash::Hash;
use largestack_types::message::{Message, Role};
use largestack_types::scope::Scope;
use serde::{Deserialize, Serialize};

use crate::media::hashes_of;

/// What an exported session says it is.
const FORMAT: &str = "largestack.session/1";
/// Bytes that the document of a session may have, its media with it.
pub const LONGEST_DOCUMENT: usize = 64 << 20;

/// An exported session.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Document {
    format: String,
    session: Session,
    exchanges: Vec<Exchange>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    digest: Option<Digest>,
    /// The bytes of media that messages name by hash, in base64.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    blobs: BTreeMap<String, String>,
}

fn wrong(why: &str) -> LargestackError {
    LargestackError::with_advice(
        Code::Input,
        format!("this is no exported session: {why}"),
        "`largestack sessions export` writes one",
    )
}

fn fits(bytes: usize) -> Result<()> {
    if bytes <= LONGEST_DOCUMENT {
        return Ok(());
    }
    let most = LONGEST_DOCUMENT >> 20;
    let detail = format!("a session with more than {most} MiB is not exported or taken in");
    let advice = "Leave it where it is, or attach less to a session";
    Err(LargestackError::with_advice(Code::Input, detail, advice))
}

fn messages(said: &Conversation) -> impl Iterator<Item = &Message> {
    let exchanges = said.exchanges.iter().flat_map(|exchange| &exchange.messages);
    exchanges.chain(said.digest.iter().map(|digest| &digest.message)).map(|message| &**message)
}

/// The document of a conversation, with the bytes that its journal keeps for it.
pub(super) async fn write(
    journal: &dyn Journal,
    scope: &Scope,
    said: Conversation,
) -> Result<String> {
    let mut blobs = BTreeMap::new();
    let mut size = 0;
    for hash in messages(&said).flat_map(hashes_of) {
        let name = hash.to_string();
        if blobs.contains_key(&name) {
            continue;
        }
        let bytes = journal.blob(scope, hash).await?;
        let bytes = bytes.filter(|bytes| Hash::of(bytes) == hash).ok_or_else(|| {
            let detail = format!("the bytes of a part ({hash}) are missing or damaged");
            LargestackError::other(Code::Journal, detail)
        })?;
        let text = STANDARD.encode(&bytes);
        size += text.len();
        fits(size)?;
        blobs.insert(name, text);
    }
    let Conversation { session, exchanges, digest } = said;
    let document = Document { format: FORMAT.to_owned(), session, exchanges, digest, blobs };
    let text = serde_json::to_string_pretty(&document)
        .map_err(|error| LargestackError::other(Code::Unknown, error.to_string()))?;
    fits(text.len()).map(|()| text)
}

/// What a document says, and the bytes that it has for that. Everything that it names is in it, and
/// is what its hash says.
pub(super) fn read(text: &str) -> Result<(Conversation, Vec<(Hash, Bytes)>)> {
    fits(text.len())?;
    let read: Document = serde_json::from_str(text).map_err(|error| wrong(&error.to_string()))?;
    if read.format != FORMAT {
        return Err(wrong(&format!("its format is `{}`, not `{FORMAT}`", read.format)));
    }
    let Document { session, exchanges, digest, blobs, .. } = read;
    let said = Conversation { session, exchanges, digest };
    if messages(&said).any(|message| message.role == Role::System) {
        return Err(wrong("instructions stand in it"));
    }
    if let Some(name) = &said.session.name {
        let key = SessionKey::from(name.as_ref());
        key.check()?;
        if key.id() != said.session.id {
            return Err(wrong("its id is not that of its name"));
        }
    }
    let mut kept: BTreeMap<String, (Hash, Bytes)> = BTreeMap::new();
    for hash in messages(&said).flat_map(hashes_of) {
        let name = hash.to_string();
        let text = blobs.get(&name).ok_or_else(|| wrong(&format!("it lacks the bytes {hash}")))?;
        let bytes = STANDARD.decode(text).ok().filter(|bytes| Hash::of(bytes) == hash);
        let damaged = || wrong(&format!("its bytes {hash} are not what they were"));
        kept.insert(name, (hash, bytes.ok_or_else(damaged)?.into()));
    }
    Ok((said, kept.into_values().collect()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use largestack_types::errors::Coded as _;

    #[test]
    fn a_document_may_have_so_many_bytes_and_not_one_more() {
        assert!(fits(LONGEST_DOCUMENT).is_ok());
        assert_eq!(fits(LONGEST_DOCUMENT + 1).unwrap_err().code(), Code::Input);
        let most = format!("{{}}{}", " ".repeat(LONGEST_DOCUMENT - 2));
        assert!(read(&most).unwrap_err().message().contains("missing field"));
        assert!(read(&format!("{most} ")).unwrap_err().message().contains("64 MiB"));
    }
}
