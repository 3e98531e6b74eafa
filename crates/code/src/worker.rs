//! The process that performs one script: it reads a [`Request`], and ends with an [`Outcome`].

use std::ffi::OsString;
use std::io::{Read as _, Write as _};
use std::process::ExitCode;
use std::thread;

use crate::outcome::{Ended, Mistake, Outcome};
use crate::request::Request;
#[cfg(any(feature = "python", feature = "javascript"))]
use crate::{request::Language, session::Session};

/// The first argument of a program that is started to perform a script.
pub(crate) const VERB: &str = "__code";
/// Bytes of a script's stack: interpreters recurse, and stop themselves long before its end.
const STACK: usize = 64 << 20;
/// Exit code of a worker that has said nothing.
const SILENT: u8 = 70;

/// Performs the script on standard input, where the arguments come from [`Scripts`](crate::Scripts);
/// `None` for everybody else's. A program that performs scripts calls it early, and ends with the code.
pub fn worked(arguments: impl IntoIterator<Item = OsString>) -> Option<ExitCode> {
    let verb = arguments.into_iter().nth(1)?;
    (verb == VERB)
        .then(|| if work().is_some() { ExitCode::SUCCESS } else { ExitCode::from(SILENT) })
}

fn work() -> Option<()> {
    let mut text = Vec::new();
    std::io::stdin().read_to_end(&mut text).ok()?;
    let request: Request = serde_json::from_slice(&text).ok()?;
    drop(text);
    let performing = thread::Builder::new().stack_size(STACK).spawn(move || {
        if restrict_memory(request.limits.memory).is_none() {
            let why = "the script was not performed: its memory cannot be limited here";
            let error = Some(Mistake::of(why));
            return serde_json::to_vec(&Outcome::Ended(Ended { error, ..Ended::default() })).ok();
        }
        serde_json::to_vec(&perform(request)).ok()
    });
    // A panic has been told on standard error.
    let said = performing.ok()?.join().ok()??;
    let mut output = std::io::stdout().lock();
    output.write_all(&said).ok()?;
    output.flush().ok()
}

#[cfg_attr(
    not(any(feature = "python", feature = "javascript")),
    expect(clippy::needless_pass_by_value, reason = "nothing takes it without a language")
)]
fn perform(request: Request) -> Outcome {
    match request.language {
        #[cfg(feature = "python")]
        Language::Python => {
            let session = Session::new(request.functions, request.answers, request.limits);
            crate::python::perform(request.code, &session)
        }
        #[cfg(feature = "javascript")]
        Language::Javascript => {
            let session = Session::new(request.functions, request.answers, request.limits);
            crate::javascript::perform(request.code, session)
        }
        #[cfg(not(all(feature = "python", feature = "javascript")))]
        absent => {
            let why = format!("this program was built without {}", absent.name());
            let error = Some(Mistake::of(why));
            Outcome::Ended(Ended { error, ..Default::default() })
        }
    }
}

/// Leaves the script so much memory beside what the process has by now; `None` where that cannot be.
#[cfg(target_os = "linux")]
fn restrict_memory(bytes: u64) -> Option<()> {
    use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
    // proc_pid_statm(5): the first number is the size of the process in pages.
    let pages = std::fs::read_to_string("/proc/self/statm").ok();
    let pages = pages.and_then(|text| text.split(' ').next()?.parse::<u64>().ok());
    let page = u64::try_from(rustix::param::page_size()).unwrap_or(4096);
    let most = pages?.saturating_mul(page).saturating_add(bytes);
    let before = getrlimit(Resource::As).maximum;
    let most = before.map_or(most, |before| before.min(most));
    setrlimit(Resource::As, Rlimit { current: Some(most), maximum: before }).ok()
}

#[cfg(not(target_os = "linux"))]
#[expect(clippy::unnecessary_wraps, reason = "elsewhere it may fail")]
fn restrict_memory(_: u64) -> Option<()> {
    Some(())
}
