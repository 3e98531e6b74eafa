//! What is said to a command and heard from it, within bounds.

use std::io;
use std::os::fd::OwnedFd;

use futures::future::try_join3;
use largestack_ports::command::{Command, CommandFailure};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::unix::pipe::{Receiver, Sender};

use super::group::Pipes;

/// Bytes that are read at once.
const PIECE: usize = 16 << 10;

/// Says the input and listens until both streams end, or the output is too much.
pub(super) async fn talk(
    pipes: Pipes,
    command: &Command,
    output: &mut Vec<u8>,
    errors: &mut Vec<u8>,
) -> Result<(), CommandFailure> {
    let lost = |error: io::Error| CommandFailure::Lost(error.to_string());
    let said = Sender::from_owned_fd(OwnedFd::from(pipes.input)).map_err(lost)?;
    let heard = Receiver::from_owned_fd(OwnedFd::from(pipes.output)).map_err(lost)?;
    let complained = Receiver::from_owned_fd(OwnedFd::from(pipes.errors)).map_err(lost)?;
    let limits = command.limits;
    try_join3(
        say(said, &command.input),
        hear(heard, output, limits.output),
        keep_end(complained, errors, limits.errors),
    )
    .await
    .map(|_| ())
}

/// A command need not read what it is told, so a pipe that breaks is no failure.
async fn say(mut pipe: Sender, input: &[u8]) -> Result<(), CommandFailure> {
    let _ = pipe.write_all(input).await;
    Ok(())
}

async fn hear(mut pipe: Receiver, output: &mut Vec<u8>, most: usize) -> Result<(), CommandFailure> {
    let mut piece = vec![0; PIECE];
    while let Some(heard) = read(&mut pipe, &mut piece).await {
        if output.len() + heard.len() > most {
            return Err(CommandFailure::TooMuch(most));
        }
        output.extend_from_slice(heard);
    }
    Ok(())
}

async fn keep_end(
    mut pipe: Receiver,
    errors: &mut Vec<u8>,
    most: usize,
) -> Result<(), CommandFailure> {
    let mut piece = vec![0; PIECE];
    while let Some(heard) = read(&mut pipe, &mut piece).await {
        errors.extend_from_slice(heard);
        let over = errors.len().saturating_sub(most);
        errors.drain(..over);
    }
    Ok(())
}

/// The next bytes; `None` at the end. A stream that breaks has ended.
async fn read<'p>(pipe: &mut Receiver, piece: &'p mut [u8]) -> Option<&'p [u8]> {
    match pipe.read(piece).await {
        Ok(0) | Err(_) => None,
        Ok(count) => piece.get(..count),
    }
}
