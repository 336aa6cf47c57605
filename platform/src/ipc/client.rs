//! The tools' end of the socket.

use super::SOCKET;
use super::codec::{Decoder, encode};
use diarch_cluster::request::{Reply, Request};
use std::fmt;
use std::io::{self, Read, Write};
use std::os::unix::net::UnixStream;

/// Why there is no answer.
#[derive(Debug)]
pub(crate) enum AskError {
    /// Nobody listens: the manager does not run here.
    NotRunning(io::Error),
    /// This user may not ask.
    Forbidden,
    /// The connection broke before the answer was complete.
    Broken(io::Error),
    /// The answer makes no sense; the manager is of another version.
    Protocol(String),
}

impl fmt::Display for AskError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NotRunning(error) => {
                write!(f, "the manager does not run on this node ({SOCKET}: {error})")
            }
            Self::Forbidden => write!(
                f,
                "{SOCKET} may not be used by this user: be root, or a member of the group haclient"
            ),
            Self::Broken(error) => write!(f, "the manager did not answer: {error}"),
            Self::Protocol(what) => write!(f, "the manager's answer is not understood: {what}"),
        }
    }
}

impl std::error::Error for AskError {}

/// Asks this node's manager and waits for its answer.
///
/// # Errors
/// [`AskError`], if there is none.
pub(crate) fn ask(request: &Request) -> Result<Reply, AskError> {
    let mut stream = UnixStream::connect(SOCKET).map_err(|error| {
        let forbidden = error.kind() == io::ErrorKind::PermissionDenied;
        if forbidden { AskError::Forbidden } else { AskError::NotRunning(error) }
    })?;
    let message = encode(&request.to_xml())
        .map_err(|_| AskError::Protocol("the request is too long".to_owned()))?;
    stream.write_all(&message).map_err(AskError::Broken)?;
    let text = receive(&mut stream)?;
    Reply::from_xml(&text).map_err(|error| AskError::Protocol(error.to_string()))
}

fn receive(stream: &mut UnixStream) -> Result<String, AskError> {
    let mut decoder = Decoder::default();
    let mut bytes = [0; 16 * 1024];
    loop {
        let count = match stream.read(&mut bytes) {
            Ok(0) => return Err(AskError::Broken(io::ErrorKind::UnexpectedEof.into())),
            Ok(count) => count,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
            Err(error) => return Err(AskError::Broken(error)),
        };
        decoder.push(&bytes[..count]);
        match decoder.take() {
            Ok(Some(text)) => return Ok(text),
            Ok(None) => {}
            Err(_) => return Err(AskError::Protocol("it is too long".to_owned())),
        }
    }
}
