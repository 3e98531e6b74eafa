//! `largestack approvals delegate`: somebody's right to answer, handed to somebody else.

use std::sync::Arc;

use clap::Args;
use serde::Serialize;

use super::Named;
use crate::args::Global;
use crate::compose::{self, blocking};
use crate::exit;
use crate::failure::Outcome;
use crate::screen::Screen;
use crate::shared::{For, Shared};

/// Hands on the right to answer a question.
#[derive(Debug, Args)]
pub(super) struct Delegate {
    #[command(flatten)]
    named: Named,
    /// Whose right it is
    #[arg(long, value_name = "NAME", default_value = "local")]
    from: Arc<str>,
    /// Who is to have it
    #[arg(long, value_name = "NAME")]
    to: Arc<str>,
    /// Print one JSON document
    #[arg(long)]
    pub(super) json: bool,
}

#[derive(Serialize)]
struct Document<'a> {
    question: String,
    from: &'a str,
    to: &'a str,
    token: String,
}

impl Delegate {
    pub(super) fn perform(&self, global: &Global, screen: &mut Screen) -> Outcome {
        let (path, name) = self.named.parts()?;
        let (_, shared) = Shared::of_project(global, path, For::Writing)?;
        let store = &*shared.approvals;
        let (from, to) = (Arc::clone(&self.from), Arc::clone(&self.to));
        let (id, token) = blocking(async {
            let id = super::find(store, name).await?.question.id;
            store.delegate(&compose::scope(), id, from, to).await.map(|token| (id, token))
        })??;
        let document = Document {
            question: id.to_string(),
            from: &self.from,
            to: &self.to,
            token: token.expose(),
        };
        if self.json {
            screen.json(&document)?;
        } else {
            screen.note("Whoever has this token may answer once:");
            screen.print(&format!("{}\n", document.token))?;
        }
        Ok(exit::DONE)
    }
}
