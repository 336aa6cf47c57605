//! The manager's end of the tools' socket.

use super::SOCKET;
use super::codec::{Decoder, encode};
use crate::users;
use diarch_cluster::manager_io::Credentials;
use diarch_cluster::request::{Reply, Request};
use nix::sys::socket::{getsockopt, sockopt::PeerCredentials};
use smol::channel::{Receiver, Sender};
use smol::io::{AsyncReadExt as _, AsyncWriteExt as _};
use smol::{Async, Timer};
use std::fs::{self, Permissions};
use std::io;
use std::os::unix::fs::{PermissionsExt as _, chown};
use std::os::unix::net::{UnixListener, UnixStream};
use std::path::Path;
use std::time::Duration;

/// Clients at one time; more wait in the kernel.
pub(crate) const CLIENTS_MAX: usize = 64;
/// Answers that can wait for one client.
pub(crate) const ANSWERS_MAX: usize = 16;
/// A client that does not take an answer for this long is dropped.
const PATIENCE: Duration = Duration::from_secs(10);
/// Pacemaker's number for a broken protocol.
const PROTOCOL: i32 = 76;

/// A client that has connected.
pub(crate) type Client = Async<UnixStream>;

/// Begins to listen, in the place of a manager that is gone.
///
/// # Errors
/// The socket cannot be made.
pub(crate) fn listen() -> io::Result<Async<UnixListener>> {
    let path = Path::new(SOCKET);
    if let Some(folder) = path.parent() {
        fs::create_dir_all(folder)?;
    }
    match fs::remove_file(path) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
        Ok(()) | Err(_) => {}
    }
    let listener = UnixListener::bind(path)?;
    fs::set_permissions(path, Permissions::from_mode(0o660))?;
    if let Some(group) = users::group_by_name(users::DAEMON_GROUP) {
        chown(path, Some(0), Some(group.gid))?;
    }
    Async::new(listener)
}

/// Who is at the other end, as the kernel says.
///
/// # Errors
/// The kernel does not say.
pub(crate) fn credentials(client: &Client) -> io::Result<Credentials> {
    let peer = getsockopt(client.get_ref(), PeerCredentials)?;
    let user = users::user_by_id(peer.uid());
    let name = user.as_ref().map(|user| user.name.clone());
    let privileged = peer.uid() == 0 || name.as_deref() == Some(users::DAEMON_USER);
    let member = users::group_by_name(users::DAEMON_GROUP).is_some_and(|group| {
        let primary = user.as_ref().is_some_and(|user| user.gid == group.gid);
        primary || peer.gid() == group.gid || name.is_some_and(|name| group.members.contains(&name))
    });
    let user = user.map(|user| user.name);
    Ok(Credentials { uid: peer.uid(), user, privileged, permitted: privileged || member })
}

/// Passes a client's requests on until it hangs up or makes no sense any more.
pub(crate) async fn read(
    mut client: &Client,
    requests: impl AsyncFn(Request) -> bool,
) -> Option<Reply> {
    let mut decoder = Decoder::default();
    let mut bytes = vec![0; 16 * 1024];
    loop {
        let count = client.read(&mut bytes).await.ok().filter(|count| *count > 0)?;
        decoder.push(&bytes[..count]);
        loop {
            match decoder.take() {
                Ok(None) => break,
                Ok(Some(text)) => match Request::from_xml(&text) {
                    Ok(request) => {
                        if !requests(request).await {
                            return None;
                        }
                    }
                    Err(error) => return Some(senseless(&error.to_string())),
                },
                Err(_) => return Some(senseless("the request is too long")),
            }
        }
    }
}

/// Sends a client its answers until there will be no more, or it does not take them.
pub(crate) async fn write(mut client: &Client, answers: Receiver<Reply>) {
    while let Ok(reply) = answers.recv().await {
        let text = reply.to_xml();
        let message =
            encode(&text).or_else(|_| encode(&senseless("the answer is too long").to_xml()));
        let Ok(message) = message else {
            return;
        };
        let sent = async { client.write_all(&message).await.is_ok() };
        let late = async {
            Timer::after(PATIENCE).await;
            false
        };
        if !smol::future::or(sent, late).await {
            return;
        }
    }
}

/// Hands an answer to a client's writer; false if too many wait already.
pub(crate) fn answer(answers: &Sender<Reply>, reply: Reply) -> bool {
    answers.try_send(reply).is_ok()
}

fn senseless(reason: &str) -> Reply {
    Reply { rc: PROTOCOL, message: reason.to_owned(), payload: String::new() }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::{Read as _, Write as _};

    /// What a client that says `words` is answered by a server that repeats each request's text.
    fn talk(words: &[u8]) -> Vec<Reply> {
        let (mut ours, theirs) = UnixStream::pair().unwrap();
        ours.write_all(words).unwrap();
        ours.shutdown(std::net::Shutdown::Write).unwrap();
        let client = Async::new(theirs).unwrap();
        let (answers, queue) = smol::channel::bounded(ANSWERS_MAX);
        smol::block_on(async {
            let repeat = async |request: Request| {
                let payload = request.to_xml();
                answer(&answers, Reply { rc: 0, message: String::new(), payload })
            };
            if let Some(last) = read(&client, repeat).await {
                assert!(answer(&answers, last));
            }
            answers.close();
            write(&client, queue).await;
        });
        drop(client);
        let mut bytes = Vec::new();
        ours.read_to_end(&mut bytes).unwrap();
        let mut decoder = Decoder::default();
        decoder.push(&bytes);
        let texts = std::iter::from_fn(|| decoder.take().unwrap());
        texts.map(|text| Reply::from_xml(&text).unwrap()).collect()
    }

    #[test]
    fn requests_are_passed_on_in_order_and_answered() {
        let requests = [Request::Nodes, Request::Health];
        let words = requests.iter().flat_map(|one| encode(&one.to_xml()).unwrap());
        let answers = talk(&words.collect::<Vec<_>>());
        let texts: Vec<String> = requests.iter().map(Request::to_xml).collect();
        assert_eq!(answers.into_iter().map(|reply| reply.payload).collect::<Vec<_>>(), texts);
    }

    #[test]
    fn a_client_that_makes_no_sense_is_told_so_and_heard_no_further() {
        let mut words = encode("<nonsense/>").unwrap();
        words.extend(encode(&Request::Nodes.to_xml()).unwrap());
        let answers = talk(&words);
        assert_eq!(answers.len(), 1);
        assert_eq!(answers[0].rc, PROTOCOL);
    }
}
