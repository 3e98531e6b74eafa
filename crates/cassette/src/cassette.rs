//! A cassette: what is recorded, what has been given of it, and what was asked beside it.

use std::fmt;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use largestack_ports::BoxFuture;
use largestack_ports::transport::{Method, Request, Response, Transport};
use largestack_ports::vault::Sensitive;
use largestack_types::errors::{LargestackError, Result};

use crate::asked::{Asked, credentials};
use crate::difference;
use crate::error::Error;
use crate::exchange::Exchange;
use crate::file;
use crate::reading;
use crate::recording::Recorder;
use crate::redact::Redactor;

/// What is recorded and what is given again: the record modes of VCR, by their names.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum RecordMode {
    /// Nothing is recorded; a request that is not recorded fails.
    None,
    /// Records where there is no file yet; else as [`RecordMode::None`].
    #[default]
    Once,
    /// Gives again what is recorded, and records what is not.
    NewEpisodes,
    /// Records everything, in the place of what is there.
    All,
}

/// Exchanges with providers in a file.
///
/// Give its transport ([`Cassette::over`]) to a gateway, and call [`Cassette::finish`] at the end:
/// it fails when a request was not recorded, or when a recorded one was not made. A cassette that
/// is dropped unfinished while its test has not failed panics, as a check that was not made must
/// not pass.
pub struct Cassette {
    tape: Arc<Tape>,
    finished: bool,
}

/// The state that a cassette and its transports share.
pub(crate) struct Tape {
    file: PathBuf,
    /// Whether what is not there is recorded.
    records: bool,
    /// Whether something was there to be given again.
    replays: bool,
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    slots: Vec<Slot>,
    values: Vec<Sensitive>,
    unrecorded: Vec<String>,
    broken: Option<Error>,
}

/// An exchange's place: its order is that of the requests, whichever is over first.
enum Slot {
    Recorded(Exchange, Given),
    New(Option<Exchange>),
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Given {
    No,
    Yes,
}

impl Cassette {
    /// The cassette in this file. In [`RecordMode::None`] it must be there.
    pub fn open(file: impl Into<PathBuf>, mode: RecordMode) -> std::result::Result<Self, Error> {
        let file = file.into();
        let there = if mode == RecordMode::All { None } else { file::read(&file)? };
        let replays = there.is_some();
        let records = match mode {
            RecordMode::None if !replays => return Err(Error::Missing(file)),
            RecordMode::None => false,
            RecordMode::Once => !replays,
            RecordMode::NewEpisodes | RecordMode::All => true,
        };
        let slots = there.unwrap_or_default().into_iter();
        let slots = slots.map(|exchange| Slot::Recorded(exchange, Given::No)).collect();
        let state = Mutex::new(State { slots, ..State::default() });
        Ok(Self { tape: Arc::new(Tape { file, records, replays, state }), finished: false })
    }

    /// Whether requests that are not recorded go out and are recorded.
    pub fn records(&self) -> bool {
        self.tape.records
    }

    /// Never writes this value of at least eight bytes, wherever it stands. What requests carry in
    /// headers is known by itself, and so is what the guard takes out of texts.
    pub fn conceal(&self, value: Sensitive) {
        self.tape.conceal([value]);
    }

    /// A handle for whoever puts a transport together.
    pub fn deck(&self) -> Deck {
        Deck(Arc::clone(&self.tape))
    }

    /// A transport that gives what is recorded, and asks this one where it records.
    pub fn over(&self, transport: Arc<dyn Transport>) -> Arc<dyn Transport> {
        self.deck().over(transport)
    }

    /// Ends it. Fails when something was asked that is not recorded, when something recorded was
    /// not asked, and when what was to be recorded could not be.
    pub fn finish(mut self) -> std::result::Result<(), Error> {
        self.finished = true;
        self.tape.finish()
    }
}

impl Drop for Cassette {
    fn drop(&mut self) {
        if self.finished || std::thread::panicking() {
            return;
        }
        if let Err(error) = self.tape.finish() {
            #[expect(clippy::panic, reason = "a declared check that did not pass fails its test")]
            {
                panic!("a cassette was dropped without `finish`: {error}");
            }
        }
    }
}

impl fmt::Debug for Cassette {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Cassette").field("file", &self.tape.file).finish_non_exhaustive()
    }
}

impl Tape {
    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Values that are never written.
    pub(crate) fn values(&self) -> Vec<Sensitive> {
        self.state().values.clone()
    }

    fn conceal(&self, values: impl IntoIterator<Item = Sensitive>) {
        let mut state = self.state();
        for value in values {
            if !state.values.contains(&value) {
                state.values.push(value);
            }
        }
    }

    /// What is to be done about a request.
    fn ask(self: &Arc<Self>, request: &Request) -> Result<Asking> {
        self.conceal(credentials(request));
        let redactor = Redactor::new(&self.values());
        let Some((asked, ids)) = Asked::of(request, &redactor) else {
            let what = format!("a request to {}", request.provider);
            let error = || Error::Unredactable { file: self.file.clone(), what: what.clone() };
            self.state().broken.get_or_insert_with(error);
            return Err(LargestackError::from_coded(&error()));
        };
        let mut state = self.state();
        for slot in &mut state.slots {
            if let Slot::Recorded(exchange, given @ Given::No) = slot
                && exchange.asked == asked
            {
                *given = Given::Yes;
                return reading::given(exchange.clone(), &ids).map(Asking::Given);
            }
        }
        if self.records {
            state.slots.push(Slot::New(None));
            let number = state.slots.len() - 1;
            let sealed = request.method == Method::Put;
            return Ok(Asking::Record(Recorder {
                tape: Arc::clone(self),
                number,
                asked,
                ids,
                sealed,
            }));
        }
        let recorded = || {
            state.slots.iter().enumerate().filter_map(|(number, slot)| match slot {
                Slot::Recorded(exchange, given) => Some((number + 1, &exchange.asked, *given)),
                Slot::New(_) => None,
            })
        };
        let spent = recorded().any(|(_, other, _)| *other == asked);
        let left = recorded().filter(|(.., given)| *given == Given::No);
        let nearest = difference::nearest(&asked, left.map(|(number, asked, _)| (number, asked)));
        let what = difference::describe(&asked, nearest, spent);
        state.unrecorded.push(what.clone());
        Err(LargestackError::from_coded(&Error::Unrecorded { file: self.file.clone(), what }))
    }

    /// Keeps an exchange, and writes the file.
    pub(crate) fn keep(&self, number: usize, exchange: Exchange) {
        let mut state = self.state();
        if let Some(slot) = state.slots.get_mut(number) {
            *slot = Slot::New(Some(exchange));
        }
        if let Err(error) = self.write(&state) {
            state.broken.get_or_insert(error);
        }
    }

    /// Does not keep an exchange.
    pub(crate) fn refuse(&self, what: String) {
        let error = Error::Unredactable { file: self.file.clone(), what };
        self.state().broken.get_or_insert(error);
    }

    fn write(&self, state: &State) -> std::result::Result<(), Error> {
        let exchanges: Vec<Exchange> = state.slots.iter().filter_map(Slot::exchange).collect();
        let redactor = Redactor::new(&state.values);
        // A value that was heard of after an exchange was over may stand in it.
        let text = file::text(&exchanges);
        let text = if redactor.knows_in(&text) { redactor.clean(&text) } else { text };
        file::write(&self.file, &text)
    }

    fn finish(&self) -> std::result::Result<(), Error> {
        let mut state = self.state();
        if let Some(error) = state.broken.take() {
            return Err(error);
        }
        let file = self.file.clone();
        if !state.unrecorded.is_empty() {
            return Err(Error::Unrecorded { file, what: state.unrecorded.join("\n") });
        }
        let under_way = state.slots.iter().filter(|slot| matches!(slot, Slot::New(None))).count();
        if under_way > 0 {
            return Err(Error::Unfinished { file, under_way });
        }
        if !self.replays && state.slots.is_empty() {
            return Err(Error::Empty(file));
        }
        let recorded = state.slots.iter().enumerate();
        let unused = recorded.filter_map(|(number, slot)| match slot {
            Slot::Recorded(exchange, Given::No) => {
                Some(format!("{}. {}", number + 1, exchange.asked.title()))
            }
            _ => None,
        });
        let unused: Vec<String> = unused.collect();
        let of = state.slots.len();
        if unused.is_empty() { Ok(()) } else { Err(Error::Unused { file, unused, of }) }
    }
}

impl Slot {
    fn exchange(&self) -> Option<Exchange> {
        match self {
            Self::Recorded(exchange, _) => Some(exchange.clone()),
            Self::New(exchange) => exchange.clone(),
        }
    }
}

/// What is to be done about a request.
enum Asking {
    /// This is what came of it.
    Given(Response),
    /// It goes out, and what comes of it is recorded.
    Record(Recorder),
}

/// What a transport needs of a cassette. The cassette itself stays with whoever finishes it.
#[derive(Clone)]
pub struct Deck(Arc<Tape>);

impl Deck {
    /// As [`Cassette::over`].
    pub fn over(&self, transport: Arc<dyn Transport>) -> Arc<dyn Transport> {
        Arc::new(Inserted { tape: Arc::clone(&self.0), below: transport })
    }

    /// As [`Cassette::conceal`].
    pub fn conceal(&self, value: &Sensitive) {
        self.0.conceal([value.clone()]);
    }
}

impl fmt::Debug for Deck {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Deck").field("file", &self.0.file).finish_non_exhaustive()
    }
}

/// A transport with a cassette in it.
struct Inserted {
    tape: Arc<Tape>,
    below: Arc<dyn Transport>,
}

/// A recorder whose request is out.
struct Out(Option<Recorder>);

impl Drop for Out {
    fn drop(&mut self) {
        if let Some(recorder) = self.0.take() {
            recorder.failed(&reading::unanswered());
        }
    }
}

impl Transport for Inserted {
    fn send(&self, request: Request) -> BoxFuture<'_, Result<Response>> {
        Box::pin(async move {
            match self.tape.ask(&request)? {
                Asking::Given(response) => Ok(response),
                Asking::Record(recorder) => {
                    let mut out = Out(Some(recorder));
                    let came = self.below.send(request).await;
                    let Some(recorder) = out.0.take() else { return came };
                    match came {
                        Ok(response) => Ok(recorder.answered(response)),
                        Err(error) => {
                            recorder.failed(&error);
                            Err(error)
                        }
                    }
                }
            }
        })
    }
}
