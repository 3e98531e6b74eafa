//! One connection: requests in, answers out, each fault at its byte.

use std::fmt::Write as _;
use std::io;
use std::sync::Arc;

use bytes::BytesMut;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use super::Shared;
use super::answer::{Answer, Fault};
use super::frames::Place;
use super::received::{MAX_HEADERS, Received};

/// What becomes of the connection after an answer.
enum Next {
    Goes,
    Ends,
}

pub(super) async fn serve(mut socket: TcpStream, shared: Arc<Shared>) {
    let mut buffer = BytesMut::with_capacity(16 * 1024);
    let mut out = Vec::with_capacity(16 * 1024);
    // Without it the second half of an answer waits for an acknowledgement of the first.
    let _ = socket.set_nodelay(true);
    while let Ok(Some(request)) = read(&mut socket, &mut buffer).await {
        let answer = shared.answer(request);
        match send(&mut socket, &answer, &mut out).await {
            Ok(Next::Goes) => {}
            Ok(Next::Ends) => return,
            Err(_) => return shared.count(|counts| counts.hang_ups += 1),
        }
    }
}

/// The next request; `None` when the client is gone or does not speak HTTP/1.1.
async fn read(socket: &mut TcpStream, buffer: &mut BytesMut) -> io::Result<Option<Received>> {
    loop {
        if let Some((head, body)) = measure(buffer)? {
            while buffer.len() < head + body {
                if socket.read_buf(buffer).await? == 0 {
                    return Ok(None);
                }
            }
            let head = buffer.split_to(head).freeze();
            return Ok(Some(Received { head, body: buffer.split_to(body).freeze() }));
        }
        if socket.read_buf(buffer).await? == 0 {
            return Ok(None);
        }
    }
}

/// The lengths of head and body, once the head is whole.
fn measure(buffer: &[u8]) -> io::Result<Option<(usize, usize)>> {
    let mut headers = [httparse::EMPTY_HEADER; MAX_HEADERS];
    let mut request = httparse::Request::new(&mut headers);
    let httparse::Status::Complete(head) =
        request.parse(buffer).map_err(|_| io::ErrorKind::InvalidData)?
    else {
        return Ok(None);
    };
    let length = request.headers.iter().find(|h| h.name.eq_ignore_ascii_case("content-length"));
    let body = length.and_then(|h| std::str::from_utf8(h.value).ok()?.parse().ok()).unwrap_or(0);
    Ok(Some((head, body)))
}

/// Sends an answer. An error means that the client went away.
async fn send(socket: &mut TcpStream, answer: &Answer, out: &mut Vec<u8>) -> io::Result<Next> {
    match answer.fault {
        Fault::StallBeforeHead => return stall(socket).await,
        Fault::ResetBeforeHead => return reset(socket),
        _ => {}
    }
    let body = answer.body();
    let sent = match answer.fault {
        Fault::StallAfter(Place::Byte(n))
        | Fault::ResetAfter(Place::Byte(n))
        | Fault::CloseAfter(Place::Byte(n))
        | Fault::EndAfter(Place::Byte(n)) => body.slice(..n.min(body.len())),
        _ => body.clone(),
    };
    let promised = if let Fault::EndAfter(_) = answer.fault { sent.len() } else { body.len() };
    out.clear();
    out.extend(head(answer, promised).as_bytes());
    if let Some((size, pause)) = answer.pace {
        socket.write_all(out).await?;
        for piece in sent.chunks(size) {
            out.clear();
            append(out, piece, answer.chunked);
            socket.write_all(out).await?;
            rest(socket, pause).await?;
        }
        out.clear();
    } else {
        append(out, &sent, answer.chunked);
    }
    if answer.chunked && matches!(answer.fault, Fault::None | Fault::EndAfter(_)) {
        out.extend(b"0\r\n\r\n");
    }
    socket.write_all(out).await?;
    match answer.fault {
        Fault::StallAfter(_) => stall(socket).await,
        Fault::ResetAfter(_) => {
            // What was written must arrive before the reset does, or nothing of it would.
            rest(socket, std::time::Duration::from_millis(50)).await?;
            reset(socket)
        }
        Fault::CloseAfter(_) => Ok(Next::Ends),
        _ => Ok(Next::Goes),
    }
}

fn head(answer: &Answer, length: usize) -> String {
    let mut head = format!("HTTP/1.1 {} Scripted\r\n", answer.status);
    for (name, value) in &answer.headers {
        let _ = write!(head, "{name}: {value}\r\n");
    }
    if answer.chunked {
        head.push_str("transfer-encoding: chunked\r\n\r\n");
    } else {
        let _ = write!(head, "content-length: {length}\r\n\r\n");
    }
    head
}

fn append(out: &mut Vec<u8>, piece: &[u8], chunked: bool) {
    if !chunked {
        out.extend(piece);
    } else if !piece.is_empty() {
        out.extend(format!("{:x}\r\n", piece.len()).as_bytes());
        out.extend(piece);
        out.extend(b"\r\n");
    }
}

/// Waits, and notices when the client goes away meanwhile.
async fn rest(socket: &TcpStream, pause: std::time::Duration) -> io::Result<()> {
    tokio::select! {
        () = tokio::time::sleep(pause) => Ok(()),
        gone = gone(socket) => Err(gone),
    }
}

async fn stall(socket: &TcpStream) -> io::Result<Next> {
    Err(gone(socket).await)
}

/// Waits until the client goes away. One that has sent its next request already is still there.
async fn gone(socket: &TcpStream) -> io::Error {
    let mut nothing = [0; 1];
    match socket.peek(&mut nothing).await {
        Ok(0) => io::ErrorKind::ConnectionAborted.into(),
        Ok(_) => std::future::pending().await,
        Err(error) => error,
    }
}

/// Makes the close that follows a reset.
fn reset(socket: &TcpStream) -> io::Result<Next> {
    socket.set_zero_linger()?;
    Ok(Next::Ends)
}
