//! The provider of the bench, in a process of its own so that its CPU time is not counted.

use largestack_testkit::{Answer, Received};

use super::super::child::{Served, until_the_input_ends};
use super::script;
use crate::Outcome;

/// Starts the provider.
pub(super) fn start() -> Outcome<Served> {
    Served::start(&["bench-upstream"])
}

/// The task that the child process performs: serves until its input ends.
pub(crate) fn serve() -> Outcome<bool> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    let replies: Vec<String> = (0..64).map(|n| script::reply(Some(n))).collect();
    let last = script::reply(None);
    let upstream = runtime.block_on(largestack_testkit::Upstream::answering(move |request| {
        let (asked, answered) = progress(request);
        let reply = replies.get(answered).filter(|_| answered < asked).unwrap_or(&last);
        Answer::json(200, reply.clone())
    }))?;
    upstream.forget_requests();
    let address = upstream.address();
    // One thread serves while this one waits for the end of the input.
    let served = std::thread::spawn(move || {
        runtime.block_on(std::future::pending::<()>());
    });
    until_the_input_ends(address);
    drop(upstream);
    drop(served);
    Ok(true)
}

/// How many calls the question asks for, and how many have been answered.
fn progress(request: &Received) -> (usize, usize) {
    let body = String::from_utf8_lossy(&request.body);
    let asked = body
        .split_once("[calls=")
        .and_then(|(_, rest)| rest.split_once(']'))
        .and_then(|(count, _)| count.parse().ok())
        .unwrap_or(0);
    (asked, body.matches(r#""role":"tool""#).count())
}
