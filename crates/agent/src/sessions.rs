//! Sessions from outside of runs: listing, reading, exporting, taking in and forgetting them.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use largestack_guard::{Guard, Policy};
use largestack_ports::journal::Journal;
use largestack_ports::sessions::{
    Conversation, Digest, Exchange, Session, SessionKey, Sessions, exists, vault_root,
};
use largestack_ports::vault::TokenVault;
use largestack_types::errors::{Code, LargestackError, Result};
use largestack_types::id::{EffectId, RunId};
use largestack_types::label::{Label, Origin};
use largestack_types::message::{Message, Role};
use largestack_types::scope::Scope;
use serde::{Deserialize, Serialize};

use crate::memory::given;
use crate::protect::RunGuard;
use crate::runtime::Runtime;
use crate::stage::StageContext;

/// What an exported session says it is.
const FORMAT: &str = "largestack.session/1";

/// An exported session.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Exported {
    format: String,
    session: Session,
    exchanges: Vec<Exchange>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    digest: Option<Digest>,
}

/// The sessions that a journal keeps, with what their placeholders stand for.
#[derive(Clone)]
pub struct Conversations {
    journal: Arc<dyn Journal>,
    vault: Arc<dyn TokenVault>,
}

impl fmt::Debug for Conversations {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Conversations(..)")
    }
}

impl Runtime {
    /// The sessions of this runtime.
    pub fn conversations(&self) -> Conversations {
        Conversations::of(Arc::clone(&self.journal), Arc::clone(&self.vault))
    }
}

impl Conversations {
    /// Those of this journal and vault.
    pub fn of(journal: Arc<dyn Journal>, vault: Arc<dyn TokenVault>) -> Self {
        Self { journal, vault }
    }

    fn sessions(&self) -> Result<&dyn Sessions> {
        let none = || LargestackError::other(Code::Config, "this journal keeps no sessions");
        self.journal.sessions().ok_or_else(none)
    }

    /// Makes a session, to be kept for `ttl` after something was last said; `None` for ever. One
    /// that exists is a [`Code::Conflict`]. A run makes its session by itself.
    pub async fn create(
        &self,
        scope: &Scope,
        session: impl Into<SessionKey>,
        ttl: Option<Duration>,
    ) -> Result<Session> {
        let key = session.into();
        let made = self.sessions()?.create(scope, &key, ttl).await?;
        self.vault.erase(scope, vault_root(scope.principal(), key.id())).await?;
        Ok(made)
    }

    /// The user's newest sessions, by when something was last said.
    pub async fn list(&self, scope: &Scope, limit: usize) -> Result<Vec<Session>> {
        self.sessions()?.list(scope, limit).await
    }

    /// A session and what was said in it, placeholders in place of sensitive values. A
    /// [`Code::NotFound`] where there is none or its time is over.
    pub async fn load(
        &self,
        scope: &Scope,
        session: impl Into<SessionKey>,
    ) -> Result<Conversation> {
        let key = session.into();
        let found = self.sessions()?.load(scope, key.id()).await?;
        found.ok_or_else(|| {
            let name = key.name().map_or_else(|| key.id().to_string(), ToString::to_string);
            LargestackError::with_advice(
                Code::NotFound,
                format!("there is no session {name}"),
                "`largestack sessions` lists those there are",
            )
        })
    }

    /// A session as a JSON document, which [`Conversations::import`] takes. It holds placeholders
    /// and not the values that they stand for.
    pub async fn export(&self, scope: &Scope, session: impl Into<SessionKey>) -> Result<String> {
        let Conversation { session, exchanges, digest } = self.load(scope, session).await?;
        let exported = Exported { format: FORMAT.to_owned(), session, exchanges, digest };
        serde_json::to_string_pretty(&exported)
            .map_err(|error| LargestackError::other(Code::Unknown, error.to_string()))
    }

    /// Takes in an exported session under its own id, as the scope's user's. What is said in it
    /// passes the guards, since anybody may have written the document.
    pub async fn import(&self, scope: &Scope, document: &str) -> Result<Session> {
        let wrong = |why: String| {
            LargestackError::with_advice(
                Code::Input,
                format!("this is no exported session: {why}"),
                "`largestack sessions export` writes one",
            )
        };
        let read: Exported =
            serde_json::from_str(document).map_err(|error| wrong(error.to_string()))?;
        if read.format != FORMAT {
            return Err(wrong(format!("its format is `{}`, not `{FORMAT}`", read.format)));
        }
        let Exported { session, exchanges, digest, .. } = read;
        let mut messages = exchanges.iter().flat_map(|exchange| &exchange.messages);
        if messages.any(|message| message.role == Role::System) {
            return Err(wrong("instructions stand in it".to_owned()));
        }
        if let Some(name) = &session.name {
            let key = SessionKey::from(name.as_ref());
            key.check()?;
            if key.id() != session.id {
                return Err(wrong("its id is not that of its name".to_owned()));
            }
        }
        let mut conversation = Conversation { session, exchanges, digest };
        let root = vault_root(scope.principal(), conversation.session.id);
        if self.sessions()?.load(scope, conversation.session.id).await?.is_some() {
            return Err(exists(&conversation.session.id.into()));
        }
        self.vault.erase(scope, root).await?;
        self.guard(scope, root, &mut conversation).await?;
        self.sessions()?.take_in(scope, conversation).await
    }

    async fn guard(&self, scope: &Scope, root: RunId, said: &mut Conversation) -> Result<()> {
        let vault = Arc::clone(&self.vault);
        let guard =
            RunGuard::new(Guard::new(Policy::default()), scope.clone(), root, vault, Vec::new());
        let context = StageContext {
            scope: scope.clone(),
            run: root,
            agent: "import".into(),
            effect: EffectId::INPUT,
            guard: Arc::new(guard),
        };
        let mut found = Vec::new();
        for exchange in &mut said.exchanges {
            let messages = exchange.messages.iter().map(untrusted).collect();
            exchange.messages = given::guarded(&context, messages, &mut found).await?;
        }
        if let Some(digest) = &mut said.digest {
            let messages = vec![untrusted(&digest.message)];
            let guarded = given::guarded(&context, messages, &mut found).await?;
            if let Some(message) = guarded.into_iter().next() {
                digest.message = message;
            }
        }
        Ok(())
    }

    /// Forgets a session, all that was said in it and what its placeholders stand for; whether there
    /// was one. The journals of its runs stay, with placeholders that nobody can resolve.
    pub async fn delete(&self, scope: &Scope, session: impl Into<SessionKey>) -> Result<bool> {
        let id = session.into().id();
        self.vault.erase(scope, vault_root(scope.principal(), id)).await?;
        self.sessions()?.delete(scope, id).await
    }

    /// Forgets the sessions of the tenant whose time is over; how many there were.
    pub async fn prune(&self, scope: &Scope) -> Result<u64> {
        self.sessions()?.prune(scope).await
    }
}

/// A message whose labels say that it comes from a document.
fn untrusted(message: &Arc<Message>) -> Arc<Message> {
    let mut message = Message::clone(message);
    for part in &mut message.parts {
        part.label = part.label.join(Label::from_origin(Origin::Memory));
    }
    Arc::new(message)
}
