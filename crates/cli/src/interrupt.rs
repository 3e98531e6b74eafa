//! Ctrl-C, and the signal by which a system ends its processes: the first one cancels the run, so
//! that its journal says so and its tools end; the second one ends the process. Heard on a thread of its own, so that a busy run cannot keep it from being heard.

use std::io::Write as _;
use std::sync::mpsc;
use std::task::Poll;

use largestack_agent::CancelHandle;
use largestack_engine::event::CancelReason;

use crate::exit;

/// Cancels the run at the first Ctrl-C and ends the process at the second. Listens when it returns.
pub(crate) fn cancels(cancel: CancelHandle) {
    let (ready, listening) = mpsc::channel::<()>();
    std::thread::spawn(move || {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_io().build();
        // Without resources to listen Ctrl-C stays what it is by default: the end.
        let Ok(runtime) = runtime else { return };
        runtime.block_on(listen(cancel, ready));
    });
    // Comes when the thread listens, or at once when it cannot.
    let _ = listening.recv();
}

/// Has a worker end at the first signal, hand back what it has at the second, and ends the process at
/// the third: `drain` is called for each of the first two. Listens when it returns.
pub(crate) fn drains(drain: impl Fn() + Send + 'static) {
    let (ready, listening) = mpsc::channel::<()>();
    std::thread::spawn(move || {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_io().build();
        let Ok(runtime) = runtime else { return };
        runtime.block_on(async {
            let mut ready = Some(ready);
            for _ in 0..2 {
                let mut signal = std::pin::pin!(signalled());
                let early = futures::poll!(&mut signal);
                drop(ready.take());
                let heard = match early {
                    Poll::Ready(heard) => heard,
                    Poll::Pending => signal.await,
                };
                if heard.is_err() {
                    return;
                }
                drain();
            }
            if signalled().await.is_ok() {
                std::process::exit(i32::from(exit::CANCELLED));
            }
        });
    });
    let _ = listening.recv();
}

async fn listen(cancel: CancelHandle, ready: mpsc::Sender<()>) {
    let mut first = std::pin::pin!(signalled());
    // The first poll is what begins to listen.
    let early = futures::poll!(&mut first);
    drop(ready);
    let heard = match early {
        Poll::Ready(heard) => heard,
        Poll::Pending => first.await,
    };
    let Ok(by) = heard else { return };
    say("Cancelling; Ctrl-C again ends it at once.");
    cancel.cancel(CancelReason::Caller, "local", by);
    if signalled().await.is_ok() {
        std::process::exit(i32::from(exit::CANCELLED));
    }
}

/// Waits for either signal; its name.
async fn signalled() -> std::io::Result<&'static str> {
    #[cfg(unix)]
    {
        use tokio::signal::unix::{SignalKind, signal};
        let mut ended = signal(SignalKind::terminate())?;
        tokio::select! {
            heard = tokio::signal::ctrl_c() => heard.map(|()| "Ctrl-C"),
            _ = ended.recv() => Ok("SIGTERM"),
        }
    }
    #[cfg(not(unix))]
    tokio::signal::ctrl_c().await.map(|()| "Ctrl-C")
}

fn say(text: &str) {
    // A terminal that is gone needs no words.
    let _ = writeln!(std::io::stderr(), "\n{text}");
}
