//! What comes before a run: the state is opened, documents are brought up to date, the agent is
//! built, and a person is told what they are talking to.

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};
use largestack_config::{self as config, Knowledge, Settings};
use largestack_knowledge::{Progress, Summary};
use largestack_store::Store;
use largestack_types::errors::{Code, Coded as _, LargestackError, Result};

use crate::below::{agents_below, agents_of};
use crate::compose::{self, FlowHouse, House};
use crate::documents::{self, prefix_of};
use crate::render::style::{FAINT, WARN, painted};
use crate::render::text::{clean, counted};
use crate::screen::Screen;

/// Documents that cannot be read and are named one by one.
const NAMED: usize = 5;

/// Everything a run of this agent needs.
pub(crate) async fn prepare(
    settings: &Settings<config::Agent>,
    screen: &mut Screen,
) -> Result<House> {
    let agent = &settings.agent;
    if compose::is_offline(&agent.model) {
        let line = format!(
            "{}. Set OPENAI_API_KEY or use --model for a language model.",
            compose::OFFLINE
        );
        screen.note(&painted(FAINT, line));
    }
    let store = compose::store(&settings.project.state)?;
    bring_up_to_date(settings, &store, screen).await?;
    compose::house(settings, &store).await
}

/// Everything a run of this workflow needs.
pub(crate) async fn prepare_flow(
    settings: &Settings<config::Workflow>,
    screen: &mut Screen,
) -> Result<FlowHouse> {
    let agents = agents_of(settings)?;
    if agents.values().any(|agent| compose::is_offline(&agent.model)) {
        let line = format!(
            "{}. Set OPENAI_API_KEY or use --model for a language model.",
            compose::OFFLINE
        );
        screen.note(&painted(FAINT, line));
    }
    let store = compose::store(&settings.project.state)?;
    bring_flow_up_to_date(settings, &store, screen).await?;
    compose::flow_house(settings, &store).await
}

/// Brings the indices of the documents of a workflow's agents up to date.
pub(crate) async fn bring_flow_up_to_date(
    settings: &Settings<config::Workflow>,
    store: &Store,
    screen: &mut Screen,
) -> Result<()> {
    for agent in agents_of(settings)?.values() {
        let Some(knowledge) = &agent.knowledge else { continue };
        let (collection, prefix) = (compose::collection_below(agent), prefix_of(agent));
        refreshed(store, knowledge, (&collection, &prefix), screen).await?;
    }
    Ok(())
}

/// Brings the index of the agent's documents up to date, and those of the agents that it names, where
/// they have documents.
pub(crate) async fn bring_up_to_date(
    settings: &Settings<config::Agent>,
    store: &Store,
    screen: &mut Screen,
) -> Result<()> {
    if let Some(knowledge) = &settings.agent.knowledge {
        refreshed(store, knowledge, (compose::collection(), ""), screen).await?;
    }
    for agent in agents_below(settings)?.values() {
        let Some(knowledge) = &agent.knowledge else { continue };
        let (collection, prefix) = (compose::collection_below(agent), prefix_of(agent));
        refreshed(store, knowledge, (&collection, &prefix), screen).await?;
    }
    Ok(())
}

async fn refreshed(
    store: &Store,
    knowledge: &Knowledge,
    place: (&str, &str),
    screen: &mut Screen,
) -> Result<()> {
    let summary = refresh(store, knowledge, place, screen).await?;
    tell(&summary, screen);
    if summary.chunks == 0 {
        return Err(nothing_to_search(knowledge, &summary));
    }
    Ok(())
}

async fn refresh(
    store: &Store,
    knowledge: &Knowledge,
    place: (&str, &str),
    screen: &Screen,
) -> Result<Summary> {
    let paths = documents::list(knowledge)?;
    let bar = if screen.shows_progress() { bar(paths.len()) } else { ProgressBar::hidden() };
    let told = |progress: &Progress| {
        bar.inc(1);
        if let Progress::Ingested { path, .. } = progress {
            bar.set_message(clean(path).into_owned());
        }
    };
    let summary = documents::refresh(store, &compose::scope(), knowledge, place, paths, told).await;
    bar.finish_and_clear();
    summary
}

fn bar(documents: usize) -> ProgressBar {
    let bar = ProgressBar::with_draw_target(Some(documents as u64), ProgressDrawTarget::stderr());
    // The template is ours and valid; without it the plain bar is shown.
    if let Ok(style) =
        ProgressStyle::with_template("{bar:28} {pos}/{len} documents  {wide_msg:.dim}")
    {
        bar.set_style(style);
    }
    bar
}

/// Says what the index did, where it did something.
fn tell(summary: &Summary, screen: &mut Screen) {
    if summary.ingested > 0 || summary.removed > 0 {
        let removed = match summary.removed {
            0 => String::new(),
            some => format!(", {some} removed"),
        };
        let line = format!(
            "Indexed {}{removed}, {} unchanged: {}.",
            counted(summary.ingested.into(), "document"),
            summary.unchanged,
            counted(summary.chunks, "passage"),
        );
        screen.note(&painted(FAINT, line));
    }
    for problem in summary.problems.iter().take(NAMED) {
        let why = clean(&problem.error.message()).into_owned();
        let code = problem.error.code();
        screen.complain(&painted(WARN, format!("Left out: {why} ({code})")));
    }
    if let Some(more) = summary.problems.len().checked_sub(NAMED).filter(|more| *more > 0) {
        screen.complain(&painted(WARN, format!("and {more} more that cannot be read.")));
    }
}

/// An agent that answers from documents and has none would only ever say that it does not know.
fn nothing_to_search(knowledge: &Knowledge, summary: &Summary) -> LargestackError {
    if let Some(problem) = summary.problems.first() {
        return problem.error.clone();
    }
    LargestackError::with_advice(
        Code::Document,
        format!("there are no documents in {}", knowledge.folder.display()),
        format!(
            "Put files there that fit `knowledge.include` ({})",
            knowledge.include.iter().map(|p| &**p).collect::<Vec<_>>().join(", ")
        ),
    )
}
