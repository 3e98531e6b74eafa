//! The events that are kept for a run: who sent them, and who has heard them. What they bring is not
//! shown: it may be anything, and no guard has looked at it.

use largestack_ports::signals::{Kept, none_here};
use serde::Serialize;

use super::super::target::{self, Target};
use super::{Said, Signal};
use crate::args::Global;
use crate::compose::{self, with_runtime};
use crate::exit;
use crate::failure::Outcome;
use crate::render::amount::moment;
use crate::render::table::{Flush, Table};
use crate::render::text::clean;
use crate::screen::Screen;
use crate::shared::{For, Shared};

#[derive(Serialize)]
struct Row {
    id: String,
    event: String,
    from: String,
    received: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    heard_by: Option<String>,
}

fn row(kept: &Kept) -> Row {
    Row {
        id: kept.signal.id.to_string(),
        event: kept.signal.name.to_string(),
        from: kept.signal.by.to_string(),
        received: kept.received.to_string(),
        heard_by: kept.heard_by.map(|(run, effect)| format!("{effect} of {run}")),
    }
}

impl Signal {
    /// Lists what is kept for a run.
    pub(super) fn kept(&self, global: &Global, target: &Target, screen: &mut Screen) -> Outcome {
        let said = Said { target: target.clone(), name: None, data: None };
        let (_, shared) = Shared::of_project(global, target.path(), For::Reading)?;
        let kept = with_runtime(async {
            let scope = compose::scope();
            let run = target::find(&*shared.journal, &scope, said.run()?).await?;
            let known = shared.journal.run(&scope, run).await?;
            let root = known.map_or(run, |known| known.root);
            let signals = shared.journal.signals().ok_or_else(none_here)?;
            signals.kept(&scope, root).await
        })??;
        if self.json {
            screen.json(&kept.iter().map(row).collect::<Vec<_>>())?;
            return Ok(exit::DONE);
        }
        let columns = ["received (UTC)", "event", "from", "id", "heard by"];
        let mut table = Table::new(&columns.map(|name| (name, Flush::Left)));
        for one in &kept {
            let Row { id, event, from, heard_by, .. } = row(one);
            table.row(vec![
                moment(one.received),
                clean(&event).into_owned(),
                clean(&from).into_owned(),
                clean(&id).into_owned(),
                heard_by.unwrap_or_else(|| "-".to_owned()),
            ]);
        }
        screen.print(&table.lines(|_, _, cell| cell))?;
        Ok(exit::DONE)
    }
}
