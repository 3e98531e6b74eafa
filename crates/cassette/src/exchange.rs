//! One exchange: what was asked and what came of it.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use largestack_types::errors::LargestackError;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use serde_json::value::RawValue;

use crate::asked::Asked;

/// What was asked and what came of it.
#[derive(Clone, Debug)]
pub(crate) struct Exchange {
    /// What was asked.
    pub(crate) asked: Asked,
    /// What came back.
    pub(crate) came: Came,
}

/// What came back.
#[derive(Clone, Debug)]
pub(crate) enum Came {
    /// No answer.
    Failure(LargestackError),
    /// An answer.
    Answer {
        /// Its head.
        head: Head,
        /// Its body, as it arrived.
        chunks: Vec<Body>,
        /// How it ended.
        end: End,
    },
}

/// The head of an answer.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Head {
    /// HTTP status.
    pub(crate) status: u16,
    /// Headers that are read, or tell a reader something.
    #[serde(default)]
    pub(crate) headers: Vec<(String, String)>,
}

/// How the body of an answer ended.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum End {
    /// By itself.
    Complete,
    /// Whoever read it wanted no more.
    Dropped,
    /// By an error.
    Error(LargestackError),
}

/// Bytes, in the most readable of three forms; none of them where there are no bytes.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub(crate) struct Body {
    /// JSON, as it stands.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) json: Option<Box<RawValue>>,
    /// Other text.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) text: Option<String>,
    /// Anything else.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) base64: Option<String>,
}

impl PartialEq for Body {
    fn eq(&self, other: &Self) -> bool {
        self.text == other.text && self.base64 == other.base64 && self.value() == other.value()
    }
}

impl Body {
    /// A value.
    pub(crate) fn of_json(value: &Value) -> Self {
        Self::of_dense(value.to_string())
    }

    /// JSON on one line, kept as it is.
    pub(crate) fn of_dense(text: String) -> Self {
        match RawValue::from_string(text.clone()) {
            Ok(json) => Self { json: Some(json), ..Self::default() },
            Err(_) => Self::of_text(text),
        }
    }

    /// Text.
    pub(crate) fn of_text(text: String) -> Self {
        Self { text: Some(text), ..Self::default() }
    }

    /// Bytes: as text where they are.
    pub(crate) fn of_bytes(bytes: &[u8]) -> Self {
        match std::str::from_utf8(bytes) {
            Ok(text) => Self::of_text(text.to_owned()),
            Err(_) => Self { base64: Some(STANDARD.encode(bytes)), ..Self::default() },
        }
    }

    /// The JSON of this body.
    pub(crate) fn value(&self) -> Option<Value> {
        self.json.as_ref().and_then(|json| serde_json::from_str(json.get()).ok())
    }

    /// The bytes; `None` where they cannot be read back.
    pub(crate) fn bytes(&self) -> Option<Bytes> {
        if let Some(json) = &self.json {
            return Some(Bytes::copy_from_slice(json.get().as_bytes()));
        }
        if let Some(text) = &self.text {
            return Some(Bytes::copy_from_slice(text.as_bytes()));
        }
        let base64 = self.base64.as_deref().unwrap_or_default();
        STANDARD.decode(base64).ok().map(Bytes::from)
    }
}
