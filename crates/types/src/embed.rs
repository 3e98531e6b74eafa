//! What texts are made into vectors for.

use serde::{Deserialize, Serialize};

/// What texts are embedded for. Models that care put a query and what answers it nearer together.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Purpose {
    /// To be found later.
    #[default]
    Document,
    /// To find documents.
    Query,
}
