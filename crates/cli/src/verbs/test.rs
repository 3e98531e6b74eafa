//! `largestack test`: asks an agent what its `tests.yaml` says, and holds what comes of it against
//! what is expected. A check that was declared and could not be made is a failure.

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use clap::Args;
use largestack_agent::{Report, RunOptions};
use largestack_cassette::Deck;
use largestack_config::{self as config, Case, Environment, Flags, Settings};
use largestack_ports::model::Model;
use largestack_store::Store;
use largestack_types::errors::{Code, LargestackError, Result};

use crate::args::Global;
use crate::cases;
use crate::compose::{self, Stand};
use crate::exit;
use crate::failure::{Outcome, unwritten};
use crate::screen::Screen;

use super::run::bring_up_to_date;

mod judge;
mod played;
mod result;
mod script;

use judge::Judge;
use played::Played;
use result::{Asked, Results, Tested};

/// The folder of the state that runs of tests have to themselves.
const STATE: &str = "tests";

/// Tests an agent.
#[derive(Debug, Args)]
pub(crate) struct Test {
    /// The agent: a folder with agent.yaml and tests.yaml; the current folder unless given
    path: Option<PathBuf>,
    /// Only cases whose name holds this
    #[arg(long, value_name = "TEXT")]
    only: Option<String>,
    /// The model to test with, where a case has no script
    #[arg(long, value_name = "PROVIDER/MODEL")]
    model: Option<String>,
    /// Ask every case this often, all of them to be as expected
    #[arg(long, value_name = "TIMES", value_parser = clap::value_parser!(u32).range(1..=1000))]
    repeats: Option<u32>,
    /// Ask providers, and record what comes of it in the cassettes of the cases
    #[arg(long, conflicts_with = "repeats")]
    record: bool,
    /// Also write a JUnit report to this file
    #[arg(long, value_name = "FILE")]
    junit: Option<PathBuf>,
    /// Print one JSON document
    #[arg(long)]
    pub(crate) json: bool,
}

impl Test {
    pub(crate) fn perform(&self, global: &Global, screen: &mut Screen) -> Outcome {
        let path = self.path.as_deref().unwrap_or(Path::new("."));
        let mut flags = Flags::new();
        if let Some(model) = &self.model {
            flags = flags.set("model", "--model", model.as_str());
        }
        if let Some(state) = &global.state {
            flags = flags.set("state", "--state", state.display().to_string());
        }
        let mut settings = compose::settings(path, &flags)?;
        settings.project.state = settings.project.state.join(STATE);
        let cases = self.cases(&settings.agent.folder)?;
        // Everything that is expected is understood before anything is asked.
        let judges: Vec<Judge> = cases.iter().map(Judge::of).collect::<Result<_>>()?;
        let asked = self.ask_all(&settings, &cases, &judges, screen);
        let results =
            compose::with_runtime(compose::asking(settings.project.models_blocked, asked))??;
        if let Some(file) = &self.junit {
            let report = results.junit()?;
            fs::write(file, report).map_err(|error| unwritten(file, &error))?;
        }
        if self.json {
            screen.json(&results.document())?;
        } else {
            screen.print(&results.text())?;
        }
        Ok(if results.passed() { exit::DONE } else { exit::BROKEN })
    }

    /// The cases that are asked.
    fn cases(&self, folder: &Path) -> Result<Vec<Case>> {
        let read = config::cases(folder, &Environment::of_process());
        let file = folder.join(config::CASES_FILE);
        let advice = "Write the cases there: what is asked, and what must come of it";
        let (file, mut cases) =
            cases::chosen(read, (&file, advice), self.only.as_deref(), |case| &case.name)?;
        if self.record && cases.iter().all(|case| case.cassette.is_none()) {
            return Err(LargestackError::with_advice(
                Code::Input,
                format!("no case of {} names a cassette to record", file.display()),
                "Say `cassette: FILE` in a case",
            ));
        }
        for case in &mut cases {
            if let Some(repeats) = self.repeats {
                (case.repeats, case.passes) = (repeats, repeats);
            }
        }
        Ok(cases)
    }

    async fn ask_all(
        &self,
        settings: &Settings<config::Agent>,
        cases: &[Case],
        judges: &[Judge],
        screen: &mut Screen,
    ) -> Result<Results> {
        let store = compose::store(&settings.project.state)?;
        bring_up_to_date(settings, &store, screen).await?;
        let mut results = Results::of(&settings.agent.name, &settings.project.state);
        for (case, judge) in cases.iter().zip(judges) {
            let mut tested = Tested::of(case);
            for nth in 0..case.repeats {
                let played = Played::of(case, &settings.agent.folder, self.record && nth == 0);
                let asked = match &played {
                    Ok(played) => ask(settings, &store, case, played.deck()).await,
                    Err(error) => Err(error.clone()),
                };
                let over = played.and_then(Played::finish).err();
                tested.add(Asked::of(&asked, judge, over.as_ref()));
            }
            results.add(tested);
        }
        Ok(results)
    }
}

/// Asks a case once. An error is one of a run that could not begin.
async fn ask(
    settings: &Settings<config::Agent>,
    store: &Store,
    case: &Case,
    cassette: Option<Deck>,
) -> Result<Report> {
    let mut settings = settings.clone();
    let mut stand = Stand { cassette, ..Stand::default() };
    if !case.script.is_empty() {
        settings.agent.model = script::NAME.into();
        settings.agent.fallbacks.clear();
        let model: Arc<dyn Model> = Arc::new(script::Scripted::of(&case.script));
        stand.model = Some((script::NAME, model));
    }
    // What was asked before must not decide what is answered now.
    settings.agent.cache = None;
    let house = compose::house_with(&settings, store, stand).await?;
    let (scope, asked) = (compose::scope(), case.ask.to_string());
    let options = RunOptions { whole: true, ..RunOptions::default() };
    let done = match house.runs.start(&house.agent, &scope, asked, options).await {
        Ok(run) => run.report().await,
        Err(error) => Err(error),
    };
    house.tasks.finished().await;
    done
}
