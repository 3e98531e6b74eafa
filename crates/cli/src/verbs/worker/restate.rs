//! A worker that a Restate server calls: it says where it is, and drives what it is given.

#[cfg(not(feature = "restate"))]
pub(super) use missing::serve;
#[cfg(feature = "restate")]
pub(super) use there::serve;

#[cfg(feature = "restate")]
mod there {
    use std::net::SocketAddr;
    use std::path::PathBuf;
    use std::pin::pin;
    use std::sync::Arc;

    use futures::FutureExt as _;
    use largestack_config as config;
    use largestack_flow::worker::no_queue;
    use largestack_http::{OsIds, SystemClock, TokioTasks};
    use largestack_ports::clock::Clock as _;
    use largestack_ports::ids::MakeId as _;
    use largestack_restate::journal::engine_at;
    use largestack_restate::{
        Client, Register, RestateJournal, Served, Service, ServiceEvent, Work,
    };
    use largestack_types::errors::{Code, LargestackError, Result};
    use serde::Serialize;
    use tokio::net::TcpListener;
    use tokio::sync::{mpsc, watch};

    use super::super::described::{Built, Described};
    use crate::compose;
    use crate::exit;
    use crate::failure::{Failure, Outcome};
    use crate::interrupt;
    use crate::render::work;
    use crate::screen::Screen;
    use crate::shared::Shared;

    /// What it says of itself.
    #[derive(Serialize)]
    #[serde(tag = "event", rename_all = "snake_case")]
    enum Said<'a> {
        Started { engine: &'a str, uri: &'a str, serves: Vec<&'a str> },
        Stopped,
    }

    /// Serves until it is told to end.
    pub(in super::super) async fn serve(
        described: &[Described],
        json: bool,
        screen: &mut Screen,
    ) -> Outcome {
        let at = &described.first().ok_or_else(no_queue)?.project().workers.restate;
        let client = Client::new(&at.ingress);
        client.healthy().await?;
        let (listener, uri) = listening(at).await?;
        let mut kept = Kept::new(engine_at(&at.ingress))?;
        let Shelves { works, houses } = shelves(described, &mut kept, screen).await?;
        let (tell, mut told) = mpsc::unbounded_channel();
        let mut service = Service::new(works, Arc::new(OsIds::new()?), Arc::new(SystemClock))
            .listener(move |event| drop(tell.send(event.clone())));
        if let Some(key) = &at.identity_key {
            service = service.obeys(key)?;
        }
        let (stop, mut stopped) = watch::channel(false);
        let stop = Arc::new(stop);
        let signalled = Arc::clone(&stop);
        interrupt::drains(move || {
            signalled.send_replace(true);
        });
        let over = async move { drop(stopped.wait_for(|stopped| *stopped).await) };
        let mut serving = pin!(service.serve(listener, over));
        // Restate asks the worker what it serves while it is told where that is.
        let worker = Register { uri: uri.clone(), force: true };
        let mut registering = pin!(client.register(&at.admin, &worker).fuse());
        let mut says = Says { json, gone: None, screen };
        loop {
            tokio::select! {
                () = &mut serving => break,
                registered = &mut registering => {
                    registered?;
                    let serves = described.iter().map(|described| &**described.name()).collect();
                    says.start(&engine_at(&at.ingress), &uri, serves);
                }
                Some(event) = told.recv() => says.event(&event),
            }
            if says.gone.is_some() {
                // Nobody reads any more: as if it were told to end.
                stop.send_replace(true);
            }
        }
        while let Ok(event) = told.try_recv() {
            says.event(&event);
        }
        says.end();
        for house in &houses {
            house.tasks().finished().await;
        }
        kept.tasks.finished().await;
        match says.gone {
            Some(Failure::ReaderGone) | None => Ok(exit::DONE),
            Some(failure) => Err(failure),
        }
    }

    /// What is served by name, and what it stands on.
    struct Shelves {
        works: Vec<(String, Served)>,
        houses: Vec<Built>,
    }

    async fn shelves(
        described: &[Described],
        kept: &mut Kept,
        screen: &mut Screen,
    ) -> Result<Shelves> {
        let (mut works, mut houses): (Vec<(String, Served)>, _) = (Vec::new(), Vec::new());
        for described in described {
            let name = described.name().to_string();
            // Restate is asked for a name, and not for a kind.
            if works.iter().any(|(known, _)| *known == name) {
                let detail = format!("two things that the worker serves are named `{name}`");
                return Err(LargestackError::other(Code::Config, detail));
            }
            let (shared, journal) = kept.of(described)?;
            let built = described.built(shared, screen).await?;
            works.push((name, served(&built, &journal)));
            houses.push(built);
        }
        Ok(Shelves { works, houses })
    }

    /// Listens, and says where Restate finds that.
    async fn listening(at: &config::Restate) -> Result<(TcpListener, String)> {
        let refused = |error: std::io::Error| {
            LargestackError::with_advice(
                Code::Config,
                format!("the worker cannot listen on {}: {error}", at.listen),
                "Name another address with --listen or `worker.restate.listen`",
            )
        };
        let listener = TcpListener::bind(&*at.listen).await.map_err(refused)?;
        let bound: SocketAddr = listener.local_addr().map_err(refused)?;
        let uri = match &at.uri {
            Some(uri) => uri.to_string(),
            None if bound.ip().is_unspecified() => {
                return Err(LargestackError::with_advice(
                    Code::Config,
                    format!(
                        "a worker on {bound} is to be reached somewhere, and nobody says where"
                    ),
                    "Say where Restate reaches it: --uri http://HOST:PORT, or `worker.restate.uri`",
                ));
            }
            None => format!("http://{bound}"),
        };
        Ok((listener, uri))
    }

    /// Where copies are kept, each place opened once.
    struct Kept {
        engine: String,
        tasks: TokioTasks,
        ids: OsIds,
        places: Vec<(Option<PathBuf>, Shared, Arc<RestateJournal>)>,
    }

    impl Kept {
        fn new(engine: String) -> Result<Self> {
            let tasks = TokioTasks::current().map_err(|error| {
                LargestackError::other(Code::Unknown, format!("no async runtime: {error}"))
            })?;
            Ok(Self { engine, tasks, ids: OsIds::new()?, places: Vec::new() })
        }

        /// What the runs of an agent share, with a journal that Restate confirms.
        fn of(&mut self, described: &Described) -> Result<(Shared, Arc<RestateJournal>)> {
            let project = described.project();
            let place = project.postgres.is_none().then(|| project.state.clone());
            if let Some((_, shared, journal)) = self.places.iter().find(|(at, ..)| *at == place) {
                return Ok((shared.clone(), Arc::clone(journal)));
            }
            let mut shared = match &place {
                None => Shared::for_worker(project)?,
                Some(state) => Shared::in_files(&compose::store(state)?),
            };
            let owner = self.ids.owner_id(SystemClock.now());
            let (copies, tasks) = (Arc::clone(&shared.journal), Arc::new(self.tasks.clone()));
            let journal = RestateJournal::new(copies, owner, self.engine.as_str(), tasks);
            let journal = Arc::new(journal);
            shared.journal = Arc::clone(&journal) as _;
            self.places.push((place, shared.clone(), Arc::clone(&journal)));
            Ok((shared, journal))
        }
    }

    fn served(built: &Built, journal: &Arc<RestateJournal>) -> Served {
        let (work, runtime) = match built {
            Built::Agent(house) => (Work::Agent(house.agent.clone()), &house.runtime),
            Built::Workflow(house) => (Work::Workflow(house.workflow.clone()), &house.runtime),
        };
        Served::new(work, compose::scope(), (runtime, journal))
    }

    /// Says what happens, until nobody listens.
    struct Says<'s> {
        json: bool,
        gone: Option<Failure>,
        screen: &'s mut Screen,
    }

    impl Says<'_> {
        fn say(&mut self, document: &impl Serialize, line: &str) {
            if self.gone.is_some() {
                return;
            }
            let said = if self.json {
                self.screen.json_line(document)
            } else {
                self.screen.print(&format!("{line}\n"))
            };
            self.gone = said.err();
        }

        fn start(&mut self, engine: &str, uri: &str, serves: Vec<&str>) {
            let names = serves.join(", ");
            let line = format!("Working: {names}, at {uri} for {engine}. Ctrl-C ends it.");
            self.say(&Said::Started { engine, uri, serves }, &line);
        }

        fn event(&mut self, event: &ServiceEvent) {
            self.say(event, &work::served(event));
        }

        fn end(&mut self) {
            self.say(&Said::Stopped, "Ended: Restate goes on with what was under way elsewhere.");
        }
    }
}

#[cfg(not(feature = "restate"))]
mod missing {
    use super::super::described::Described;
    use crate::failure::Outcome;
    use crate::restate;
    use crate::screen::Screen;

    pub(in super::super) async fn serve(_: &[Described], _: bool, _: &mut Screen) -> Outcome {
        Err(restate::missing().into())
    }
}
