//! How rows of approvals are vouched for: with a key made from the store's own, bound to their place,
//! so that a row written by anybody else is refused, whatever database it stands in.

use largestack_ports::approvals::Refused;
use largestack_types::errors::{Code, LargestackError};
use largestack_types::hash::Hash;
use largestack_types::id::ApprovalId;

use crate::error::{Result, StoreError};
use crate::seal::Key;

/// What a row is bound to.
pub(crate) fn place(kind: &str, tenant: &str, id: ApprovalId, data: &str) -> Hash {
    let parts = [b"largestack approval row 1".as_slice(), kind.as_bytes(), tenant.as_bytes()];
    Hash::of_all(parts.into_iter().chain([id.as_bytes().as_slice(), data.as_bytes()]))
}

/// The key that vouches for rows; never the one that seals values.
pub(crate) fn signing(master: &Key) -> Key {
    Key::from_bytes(
        *Hash::of_all([b"largestack approvals 1".as_slice(), master.bytes()]).as_bytes(),
    )
}

/// What a row of a token is bound to.
pub(crate) fn token_text(hash: Hash, granted: &str, principal: &str) -> String {
    // The parts have no fixed length, so each is written with its own.
    format!("{hash} {} {granted} {principal}", granted.len())
}

/// A refusal as an error of the store.
pub(crate) fn refused(why: &Refused) -> StoreError {
    StoreError::Refused(LargestackError::from_coded(why))
}

/// The error of a question that is not there.
pub(crate) fn no_question(id: ApprovalId) -> StoreError {
    LargestackError::other(Code::NotFound, format!("there is no question {id}")).into()
}

/// The error of a right that is handed to nobody.
pub(crate) fn nobody() -> StoreError {
    LargestackError::other(Code::Input, "a right is handed on to somebody with a name").into()
}

/// Checks that the store has written this.
pub(crate) fn vouched(key: &Key, place: &Hash, seal: &[u8], id: ApprovalId) -> Result<()> {
    key.open(place, seal).map(drop).map_err(|_| refused(&Refused::Forged(id)))
}

/// Reads what a row holds.
pub(crate) fn json<T: serde::de::DeserializeOwned>(data: &str) -> Result<T> {
    serde_json::from_str(data).map_err(|_| StoreError::Value { what: "approval" })
}

/// What a row holds.
pub(crate) fn text<T: serde::Serialize>(value: &T) -> Result<String> {
    serde_json::to_string(value).map_err(|_| StoreError::Value { what: "approval" })
}
