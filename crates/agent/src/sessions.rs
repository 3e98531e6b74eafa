//! Sessions from outside of runs: listing, reading, exporting, taking in and forgetting them.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use largestack_guard::{Guard, Policy};
use largestack_ports::journal::{Batch, Journal};
use largestack_ports::sessions::{Conversation, Session, SessionKey, Sessions, exists, vault_root};
use largestack_ports::vault::TokenVault;
use largestack_types::errors::{Code, Coded as _, LargestackError, Result};
use largestack_types::hash::Hash;
use largestack_types::id::{EffectId, OwnerId, RunId};
use largestack_types::label::{Label, Origin};
use largestack_types::message::Message;
use largestack_types::scope::Scope;

use crate::media::Shelf;
use crate::memory::given;
use crate::protect::RunGuard;
use crate::runtime::Runtime;
use crate::stage::StageContext;

mod document;

pub use document::LONGEST_DOCUMENT;

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

    /// A session as a JSON document, which [`Conversations::import`] takes, with the bytes of its
    /// media. It holds placeholders and not the values that they stand for. A [`Code::Input`] where
    /// it would be longer than [`LONGEST_DOCUMENT`].
    pub async fn export(&self, scope: &Scope, session: impl Into<SessionKey>) -> Result<String> {
        let said = self.load(scope, session).await?;
        document::write(&*self.journal, scope, said).await
    }

    /// Takes in an exported session under its own id, as the scope's user's. What is said in it
    /// passes the guards, since anybody may have written the document.
    pub async fn import(&self, scope: &Scope, document: &str) -> Result<Session> {
        let (mut conversation, mut blobs) = document::read(document)?;
        let id = conversation.session.id;
        let root = vault_root(scope.principal(), id);
        if self.sessions()?.load(scope, id).await?.is_some() {
            let advice = "Forget that one first: largestack sessions delete PATH NAME";
            let detail = exists(&id.into()).message();
            return Err(LargestackError::with_advice(Code::Conflict, detail, advice));
        }
        self.vault.erase(scope, root).await?;
        let media = Shelf::new(scope.clone(), Arc::clone(&self.journal));
        // As they are looked at: what is large is taken out again behind that.
        media.know(std::mem::take(&mut blobs));
        for exchange in &mut conversation.exchanges {
            let messages = std::mem::take(&mut exchange.messages);
            exchange.messages = media.filled(Arc::new(messages)).await?.to_vec();
        }
        if let Some(digest) = &mut conversation.digest {
            let filled = media.filled(Arc::new(vec![Arc::clone(&digest.message)])).await?;
            digest.message = filled.first().map_or_else(|| Arc::clone(&digest.message), Arc::clone);
        }
        self.guard(scope, root, &mut conversation).await?;
        let said = conversation.exchanges.iter_mut().flat_map(|exchange| &mut exchange.messages);
        let digest = conversation.digest.iter_mut().map(|digest| &mut digest.message);
        for message in said.chain(digest) {
            blobs.extend(media.take_shared(message));
        }
        self.keep(scope, root, blobs).await?;
        self.sessions()?.take_in(scope, conversation).await
    }

    /// Keeps bytes in the journal. They are written by whoever holds a run: here one that is nobody's.
    async fn keep(&self, scope: &Scope, root: RunId, blobs: Vec<(Hash, Bytes)>) -> Result<()> {
        if blobs.is_empty() {
            return Ok(());
        }
        let owner = OwnerId::from_u128(u128::from_be_bytes(*root.as_bytes()));
        let lease = self.journal.claim(scope, root, owner).await?;
        let kept = match self.journal.append(&lease, Batch { blobs, ..Batch::default() }) {
            Ok(()) => self.journal.durable_run(&lease).await,
            Err(error) => Err(error),
        };
        let released = self.journal.release(&lease).await;
        kept.and(released)
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
            leak: None,
            computed: false,
        };
        let mut found = Vec::new();
        for exchange in &mut said.exchanges {
            let messages = exchange.messages.iter().map(untrusted).collect();
            exchange.messages = given::guarded((&context, None), messages, &mut found).await?;
        }
        if let Some(digest) = &mut said.digest {
            let messages = vec![untrusted(&digest.message)];
            let guarded = given::guarded((&context, None), messages, &mut found).await?;
            if let Some(message) = guarded.into_iter().next() {
                digest.message = message;
            }
        }
        Ok(())
    }

    /// Forgets a session, all that was said in it and what its placeholders stand for; whether there
    /// was one. The journals of its runs stay, with placeholders that nobody can resolve. While a
    /// run speaks in it, a [`Code::Conflict`] that names the run.
    pub async fn delete(&self, scope: &Scope, session: impl Into<SessionKey>) -> Result<bool> {
        let id = session.into().id();
        let was = self.sessions()?.delete(scope, id).await?;
        // A journal that keeps the values as well has erased them by now, and somebody may have made
        // the session anew.
        if self.sessions()?.load(scope, id).await?.is_none() {
            self.vault.erase(scope, vault_root(scope.principal(), id)).await?;
        }
        Ok(was)
    }

    /// Forgets the sessions of the tenant whose time is over and in which no run speaks; how many
    /// there were.
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
