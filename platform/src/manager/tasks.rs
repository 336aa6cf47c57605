//! What the manager's loop waits for, a task for each source.

use crate::halves::{DATAGRAM_MAX, decode_notice};
use crate::ipc::server::{self, Client};
use crate::transport::{Carrier, Reader};
use diarch_cluster::manager_io::{AgentResult, ClientId, Input, JobId};
use diarch_cluster::request::{Reply, Request};
use smol::Async;
use smol::channel::{Receiver, Sender};
use socket2::Socket;
use std::io::Read as _;
use std::os::unix::net::UnixListener;
use std::rc::Rc;

/// Room for a frame and more, so that one that is too long is seen as such.
const FRAME_ROOM: usize = 2048;

/// What happened.
pub(super) enum Event {
    /// Something for the machine as it is.
    Machine(Input),
    /// An agent ended.
    AgentEnded {
        /// Which run.
        job: JobId,
        /// How.
        result: AgentResult,
    },
    /// An interface appeared, vanished or changed.
    LinksChanged,
    /// A tool has connected.
    Connected(Client),
    /// A tool has hung up, or was dropped.
    Disconnected(ClientId),
    /// The guardian has closed its end.
    GuardianGone,
}

/// Hears the guardian until it is gone.
pub(super) async fn hear_guardian(guardian: Rc<Async<Socket>>, events: Sender<Event>) {
    let mut bytes = [0; DATAGRAM_MAX];
    loop {
        let heard = guardian.read_with(|mut socket| socket.read(&mut bytes)).await;
        let event = match heard {
            Ok(0) | Err(_) => Event::GuardianGone,
            Ok(count) => match decode_notice(&bytes[..count]) {
                Some(notice) => Event::Machine(Input::Guardian(notice)),
                None => {
                    log::error!("the guardian said something that makes no sense");
                    continue;
                }
            },
        };
        let gone = matches!(event, Event::GuardianGone);
        if events.send(event).await.is_err() || gone {
            return;
        }
    }
}

/// Hears the peer's manager on one link.
pub(super) async fn hear_link(link: u8, reader: Reader, events: Sender<Event>) {
    let Ok(reader) = Async::new_nonblocking(reader) else {
        log::error!("link {link} cannot be waited on");
        return;
    };
    let mut bytes = [0; FRAME_ROOM];
    while reader.readable().await.is_ok() {
        // A link that went down says so once; the news tell the rest.
        while let Ok(Some(segment)) = reader.get_ref().receive(&mut bytes) {
            let bytes = segment.to_vec();
            if events.send(Event::Machine(Input::Segment { link, bytes })).await.is_err() {
                return;
            }
        }
    }
}

/// Hears the kernel's news about interfaces.
pub(super) async fn hear_news(news: Async<Carrier>, events: Sender<Event>) {
    while news.readable().await.is_ok() {
        news.get_ref().drain();
        if events.send(Event::LinksChanged).await.is_err() {
            return;
        }
    }
}

/// Takes tools' connections.
pub(super) async fn accept_clients(listener: Async<UnixListener>, events: Sender<Event>) {
    loop {
        match listener.accept().await {
            Ok((client, _)) => {
                if events.send(Event::Connected(client)).await.is_err() {
                    return;
                }
            }
            Err(error) => {
                log::error!("a tool cannot be accepted: {error}");
                smol::Timer::after(std::time::Duration::from_millis(100)).await;
            }
        }
    }
}

/// Serves one tool until it hangs up, or does not take its answers.
pub(super) async fn serve(
    id: ClientId,
    client: Client,
    answers: Receiver<Reply>,
    events: Sender<Event>,
) {
    match server::credentials(&client) {
        Err(error) => log::error!("a tool's credentials are not known: {error}"),
        Ok(credentials) => {
            let pass_on = async |request: Request| {
                let credentials = credentials.clone();
                let input = Input::Tool { client: id, credentials, request };
                events.send(Event::Machine(input)).await.is_ok()
            };
            let reading = server::read(&client, pass_on);
            let writing = async {
                server::write(&client, answers).await;
                None
            };
            if let Some(senseless) = smol::future::or(reading, writing).await {
                let (last, only) = smol::channel::bounded(1);
                server::answer(&last, senseless);
                drop(last);
                server::write(&client, only).await;
            }
        }
    }
    events.send(Event::Disconnected(id)).await.ok();
}
