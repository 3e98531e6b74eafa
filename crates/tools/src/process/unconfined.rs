//! A command with every right of this process but its environment.

use largestack_ports::command::{Command, CommandFailure, Ended};

#[cfg(not(unix))]
pub(super) async fn run(_: Command) -> Result<Ended, CommandFailure> {
    let why = "this system has no process groups, without which nothing would end it";
    Err(CommandFailure::NotStarted(why.to_owned()))
}

#[cfg(unix)]
pub(super) async fn run(command: Command) -> Result<Ended, CommandFailure> {
    use std::os::unix::process::ExitStatusExt as _;
    use std::time::Duration;

    use futures::future::{Either, select};

    use super::{group, talk};

    /// How long is listened after the end of a command, to what somebody outside of its group still
    /// holds open.
    const LISTEN_ON: Duration = Duration::from_secs(1);

    let (group, pipes) = group::Group::start(&command)?;
    let (mut output, mut errors) = (Vec::new(), Vec::new());
    let ended = {
        let talk = talk::talk(pipes, &command, &mut output, &mut errors);
        let talk = std::pin::pin!(talk);
        match select(talk, group.ended()).await {
            Either::Left((talked, ending)) => {
                talked?;
                ending.await?
            }
            Either::Right((ended, talk)) => {
                let ended = ended?;
                if let Ok(talked) = tokio::time::timeout(LISTEN_ON, talk).await {
                    talked?;
                }
                ended
            }
        }
    };
    Ok(Ended {
        code: ended.code(),
        signal: ended.signal(),
        output: output.into(),
        errors: errors.into(),
    })
}
