//! A client of the pair's service, outside both nodes: it appends numbered lines and keeps what was
//! acknowledged, so that afterwards nothing acknowledged may be missing.

use super::shell::Failure;
use nix::sched::{CloneFlags, setns};
use std::fs::File;
use std::io::{Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

/// Longest wait for one answer.
const PATIENCE: Duration = Duration::from_millis(250);
/// Pause after an answer, so that the client does not load the machine that it measures.
const PAUSE: Duration = Duration::from_millis(10);

/// One acknowledged write.
#[derive(Clone, Debug)]
pub(crate) struct Ack {
    /// When the request was sent.
    pub(crate) asked: Instant,
    /// When its acknowledgement was complete.
    pub(crate) answered: Instant,
    /// Which node said so.
    pub(crate) node: String,
    /// The number written.
    pub(crate) number: u64,
}

/// The client's thread and what it has seen.
#[derive(Debug)]
pub(crate) struct Client {
    acks: Arc<Mutex<Vec<Ack>>>,
    stop: Arc<AtomicBool>,
    thread: Option<JoinHandle<()>>,
    namespace: String,
    address: SocketAddr,
}

impl Client {
    /// Starts writing to `address` from inside the network namespace `namespace`.
    pub(crate) fn start(namespace: &str, address: SocketAddr) -> Result<Self, Failure> {
        let acks = Arc::new(Mutex::new(Vec::new()));
        let stop = Arc::new(AtomicBool::new(false));
        let (seen, end, place) = (Arc::clone(&acks), Arc::clone(&stop), namespace.to_owned());
        let thread = std::thread::Builder::new()
            .name("client".into())
            .spawn(move || {
                if let Err(failure) = enter(&place) {
                    crate::say::line(&failure);
                    return;
                }
                write_until(&end, address, &seen);
            })
            .map_err(|error| format!("cannot start the client: {error}"))?;
        Ok(Self { acks, stop, thread: Some(thread), namespace: namespace.to_owned(), address })
    }

    /// Everything acknowledged so far.
    pub(crate) fn acks(&self) -> Vec<Ack> {
        self.acks.lock().map(|acks| acks.clone()).unwrap_or_default()
    }

    /// Waits for the first write that was asked for after `since` and acknowledged by `node` (any
    /// node where it is `None`).
    pub(crate) fn wait_ack(
        &self,
        since: Instant,
        node: Option<&str>,
        patience: Duration,
    ) -> Result<Ack, Failure> {
        let deadline = Instant::now() + patience;
        while Instant::now() < deadline {
            let found = self.acks.lock().ok().and_then(|acks| {
                let wanted = |ack: &&Ack| ack.asked >= since && node.is_none_or(|n| n == ack.node);
                let later = acks.iter().rev().take_while(|ack| ack.answered >= since);
                later.filter(wanted).last().cloned()
            });
            if let Some(ack) = found {
                return Ok(ack);
            }
            std::thread::sleep(Duration::from_millis(2));
        }
        let who = node.unwrap_or("any node");
        Err(format!("no write was acknowledged by {who} within {} s", patience.as_secs()))
    }

    /// Stops writing and checks that every acknowledged number is on the disk.
    pub(crate) fn check(&mut self) -> Result<usize, Failure> {
        self.stop.store(true, Ordering::Relaxed);
        if let Some(thread) = self.thread.take()
            && thread.join().is_err()
        {
            return Err("the client's thread panicked".into());
        }
        let (place, address) = (self.namespace.clone(), self.address);
        let stored = std::thread::spawn(move || -> Result<String, Failure> {
            enter(&place)?;
            ask(address, "/cgi-bin/all").map_err(|error| format!("cannot read back: {error}"))
        })
        .join()
        .map_err(|_| "the reader panicked".to_owned())??;
        let numbers: Vec<u64> = stored.lines().filter_map(|line| line.parse().ok()).collect();
        let acks = self.acks();
        let missing: Vec<u64> =
            acks.iter().map(|ack| ack.number).filter(|number| !numbers.contains(number)).collect();
        if missing.is_empty() {
            Ok(acks.len())
        } else {
            Err(format!("{} acknowledged writes are lost: {missing:?}", missing.len()))
        }
    }
}

impl Drop for Client {
    fn drop(&mut self) {
        self.stop.store(true, Ordering::Relaxed);
    }
}

fn enter(namespace: &str) -> Result<(), Failure> {
    let path = format!("/run/netns/{namespace}");
    let file = File::open(&path).map_err(|error| format!("cannot open {path}: {error}"))?;
    setns(file, CloneFlags::CLONE_NEWNET).map_err(|error| format!("cannot enter {path}: {error}"))
}

fn write_until(stop: &AtomicBool, address: SocketAddr, acks: &Mutex<Vec<Ack>>) {
    let mut number = 0;
    while !stop.load(Ordering::Relaxed) {
        number += 1;
        let asked = Instant::now();
        if let Ok(answer) = ask(address, &format!("/cgi-bin/append?{number}"))
            && let Some(("stored", node)) = answer.trim_end().split_once(' ')
            && let Ok(mut acks) = acks.lock()
        {
            acks.push(Ack { asked, answered: Instant::now(), node: node.to_owned(), number });
        }
        std::thread::sleep(PAUSE);
    }
}

/// One HTTP exchange; the body of a 200 answer.
fn ask(address: SocketAddr, path: &str) -> std::io::Result<String> {
    let mut stream = TcpStream::connect_timeout(&address, PATIENCE)?;
    stream.set_read_timeout(Some(PATIENCE * 4))?;
    stream.set_write_timeout(Some(PATIENCE))?;
    stream.write_all(format!("GET {path} HTTP/1.0\r\n\r\n").as_bytes())?;
    let mut answer = String::new();
    stream.read_to_string(&mut answer)?;
    match answer.split_once("\r\n\r\n").or_else(|| answer.split_once("\n\n")) {
        Some((head, body)) if head.contains(" 200 ") => Ok(body.to_owned()),
        _ => {
            Err(std::io::Error::other(format!("refused: {}", answer.lines().next().unwrap_or(""))))
        }
    }
}
