//! Conversations as JSON documents: the stable shapes of `sessions --json` (docs/cli-json.md).

use std::sync::Arc;

use largestack_ports::sessions::{Conversation, Session};
use largestack_types::message::Message;
use serde::Serialize;

/// A session's line.
#[derive(Debug, Serialize)]
pub(crate) struct SessionDocument {
    session: String,
    name: Option<Arc<str>>,
    created: String,
    updated: String,
    expires: Option<String>,
    runs: u64,
}

/// What was said in a session.
#[derive(Debug, Serialize)]
pub(crate) struct ConversationDocument {
    session: SessionDocument,
    summary: Option<SummaryDocument>,
    exchanges: Vec<ExchangeDocument>,
}

/// What the older exchanges were made into.
#[derive(Debug, Serialize)]
struct SummaryDocument {
    through: String,
    message: Arc<Message>,
}

/// What was said in one run.
#[derive(Debug, Serialize)]
struct ExchangeDocument {
    run: String,
    at: String,
    messages: Vec<Arc<Message>>,
}

impl SessionDocument {
    /// The document of a session's line.
    pub(crate) fn of(session: &Session) -> Self {
        Self {
            session: session.id.to_string(),
            name: session.name.clone(),
            created: session.created.to_string(),
            updated: session.updated.to_string(),
            expires: session.expires().map(|end| end.to_string()),
            runs: session.exchanges,
        }
    }
}

impl ConversationDocument {
    /// The document of what was said.
    pub(crate) fn of(said: &Conversation) -> Self {
        let exchanges = said.exchanges.iter().map(|exchange| ExchangeDocument {
            run: exchange.run.to_string(),
            at: exchange.at.to_string(),
            messages: exchange.messages.clone(),
        });
        Self {
            session: SessionDocument::of(&said.session),
            summary: said.digest.as_ref().map(|digest| SummaryDocument {
                through: digest.through.to_string(),
                message: Arc::clone(&digest.message),
            }),
            exchanges: exchanges.collect(),
        }
    }
}
