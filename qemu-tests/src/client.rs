//! The client outside: writes numbered lines through the service, one after the other, and knows
//! which of them were acknowledged, when, and by which node.

use crate::journal::{Journal, Source};
use crate::network::{CLIENT_MAC, Port, Step};
use crate::trouble::Trouble;
use crate::wait;
use smoltcp::iface::{Config, Interface, SocketHandle, SocketSet};
use smoltcp::socket::tcp;
use smoltcp::time::Instant as NetInstant;
use smoltcp::wire::{EthernetAddress, HardwareAddress, IpAddress, IpCidr};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

/// The client's own address; also what the machines' health check looks for.
pub const CLIENT_ADDRESS: [u8; 4] = [192, 168, 77, 254];
/// The address of the service, wherever it is.
pub const SERVICE_ADDRESS: [u8; 4] = [192, 168, 77, 10];
const SERVICE_PORT: u16 = 80;
/// An attempt that has not been answered after this is given up and begun anew.
const ATTEMPT_MAX: Duration = Duration::from_millis(1500);
/// An attempt that has not even been connected after this is begun anew.
const CONNECT_MAX: Duration = Duration::from_millis(300);
/// Pause between two writes.
const PAUSE: Duration = Duration::from_millis(100);

/// A write that the service said is on the disk.
#[derive(Clone, Debug)]
pub struct Acknowledged {
    /// When the answer was there.
    pub at: Instant,
    /// Which line.
    pub number: u64,
    /// Who answered.
    pub node: String,
}

#[derive(Debug, Default)]
struct State {
    acknowledged: Vec<Acknowledged>,
    writing: bool,
    wanted: Option<String>,
    fetched: Option<String>,
}

/// The client, which works in a thread of its own.
#[derive(Clone, Debug)]
pub struct Client {
    state: Arc<Mutex<State>>,
}

impl Client {
    /// A client at `port` of the hub that does nothing yet.
    pub(crate) fn new(port: Port, journal: &Journal) -> Self {
        let state = Arc::new(Mutex::new(State::default()));
        let client = Self { state: Arc::clone(&state) };
        let journal = journal.clone();
        thread::spawn(move || Worker::new(port, state, journal).work());
        client
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Begins or ends writing.
    pub fn set_writing(&self, writing: bool) {
        self.lock().writing = writing;
    }

    /// All writes that were acknowledged so far.
    #[must_use]
    pub fn acknowledged(&self) -> Vec<Acknowledged> {
        self.lock().acknowledged.clone()
    }

    /// Waits for a write that was acknowledged after `after`.
    ///
    /// # Errors
    /// If there is none within `limit`.
    pub fn wait_acknowledged(
        &self,
        after: Instant,
        limit: Duration,
    ) -> Result<Acknowledged, Trouble> {
        wait::until("a write that the service acknowledges", limit, || {
            let state = self.lock();
            let found = state.acknowledged.iter().find(|write| write.at > after);
            found.cloned()
        })
    }

    /// Reads `path` from the service.
    ///
    /// # Errors
    /// If it has not been read within `limit`.
    pub fn fetch(&self, path: &str, limit: Duration) -> Result<String, Trouble> {
        let mut state = self.lock();
        state.fetched = None;
        state.wanted = Some(path.to_owned());
        drop(state);
        wait::until(&format!("{path} from the service"), limit, || self.lock().fetched.take())
    }
}

struct Worker {
    port: Port,
    state: Arc<Mutex<State>>,
    journal: Journal,
    start: Instant,
    interface: Interface,
    sockets: SocketSet<'static>,
    local_port: u16,
    next: u64,
}

impl Worker {
    fn new(port: Port, state: Arc<Mutex<State>>, journal: Journal) -> Self {
        let config = Config::new(HardwareAddress::Ethernet(EthernetAddress(CLIENT_MAC)));
        let mut step = Step { port: &port, frame: None };
        let mut interface = Interface::new(config, &mut step, NetInstant::ZERO);
        interface.update_ip_addrs(|addresses| {
            let [a, b, c, d] = CLIENT_ADDRESS;
            // The list has room for more than one.
            addresses.push(IpCidr::new(IpAddress::v4(a, b, c, d), 24)).ok();
        });
        Self {
            port,
            state,
            journal,
            start: Instant::now(),
            interface,
            sockets: SocketSet::new(Vec::new()),
            local_port: 40_000,
            next: 1,
        }
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Works until nobody holds the client any more.
    fn work(mut self) {
        let mut down = None;
        while Arc::strong_count(&self.state) > 1 {
            let (wanted, writing) = {
                let state = self.lock();
                (state.wanted.clone(), state.writing)
            };
            if let Some(path) = wanted {
                if let Some(body) = self.ask(&format!("GET {path} HTTP/1.0\r\n\r\n")) {
                    let mut state = self.lock();
                    state.wanted = None;
                    state.fetched = Some(body);
                }
            } else if writing {
                self.write(&mut down);
            }
            self.idle(PAUSE);
        }
    }

    fn write(&mut self, down: &mut Option<Instant>) {
        let number = self.next;
        let line = format!("{number}\n");
        let request = format!(
            "POST /cgi-bin/append HTTP/1.0\r\nContent-Length: {}\r\n\r\n{line}",
            line.len()
        );
        let begun = Instant::now();
        let answer = self.ask(&request).unwrap_or_default();
        let node = answer.trim().strip_prefix(&format!("written {number} ")).map(str::to_owned);
        let Some(node) = node else {
            if down.is_none() {
                *down = Some(begun);
                self.journal.note(Source::Client, format!("write {number} not acknowledged"));
            }
            return;
        };
        let at = Instant::now();
        if let Some(since) = down.take() {
            let gap = at.duration_since(since).as_secs_f64();
            self.journal.note(
                Source::Client,
                format!("write {number} acknowledged by {node} after {gap:.3} s"),
            );
        } else if number == 1 {
            self.journal.note(Source::Client, format!("first write acknowledged by {node}"));
        }
        self.next += 1;
        self.lock().acknowledged.push(Acknowledged { at, number, node });
    }

    /// Sends a request and returns the body of an answer of status 200.
    fn ask(&mut self, request: &str) -> Option<String> {
        let buffer = |size| tcp::SocketBuffer::new(vec![0; size]);
        let handle = self.sockets.add(tcp::Socket::new(buffer(256 * 1024), buffer(4096)));
        let answer = self.converse(handle, request);
        self.sockets.get_mut::<tcp::Socket<'_>>(handle).abort();
        self.step(Duration::ZERO);
        self.sockets.remove(handle);
        let answer = String::from_utf8_lossy(&answer?).into_owned();
        let (head, body) = answer.split_once("\r\n\r\n")?;
        head.split_whitespace()
            .nth(1)
            .is_some_and(|status| status == "200")
            .then(|| body.to_owned())
    }

    fn converse(&mut self, handle: SocketHandle, request: &str) -> Option<Vec<u8>> {
        let [a, b, c, d] = SERVICE_ADDRESS;
        self.local_port = self.local_port.checked_add(1).unwrap_or(40_000);
        let socket = self.sockets.get_mut::<tcp::Socket<'_>>(handle);
        socket
            .connect(
                self.interface.context(),
                (IpAddress::v4(a, b, c, d), SERVICE_PORT),
                self.local_port,
            )
            .ok()?;
        let begun = Instant::now();
        let mut sent = 0;
        let mut answer = Vec::new();
        loop {
            self.step(Duration::from_millis(20));
            let socket = self.sockets.get_mut::<tcp::Socket<'_>>(handle);
            if !socket.may_send() && sent < request.len() && begun.elapsed() > CONNECT_MAX {
                return None;
            }
            if sent < request.len() && socket.can_send() {
                sent += socket.send_slice(&request.as_bytes()[sent..]).ok()?;
            }
            while socket.can_recv() {
                let part = socket.recv(|data| (data.len(), data.to_vec())).ok()?;
                answer.extend(part);
            }
            if sent == request.len() && !socket.may_recv() {
                return Some(answer);
            }
            if begun.elapsed() > ATTEMPT_MAX {
                return None;
            }
        }
    }

    /// Lets frames in and out, waiting for one at most for `limit`.
    fn step(&mut self, limit: Duration) {
        let mut frame = self.port.next(limit);
        loop {
            let more = frame.is_some();
            let elapsed = i64::try_from(self.start.elapsed().as_micros()).unwrap_or(i64::MAX);
            let mut step = Step { port: &self.port, frame };
            self.interface.poll(NetInstant::from_micros(elapsed), &mut step, &mut self.sockets);
            if !more {
                return;
            }
            frame = self.port.next(Duration::ZERO);
        }
    }

    fn idle(&mut self, time: Duration) {
        let begun = Instant::now();
        while begun.elapsed() < time {
            self.step(time.saturating_sub(begun.elapsed()));
        }
    }
}
