//! One ordered, authenticated stream of messages between the two managers, over lossy raw links.
//!
//! ```text
//! segment body:  0        8      12     16      17
//!                | to     | ack  | seq  | flags | bytes of the stream …
//! ```
//!
//! `to` is the incarnation of the receiver as the sender knows it: a segment that does not carry
//! the receiver's own incarnation opens nothing and changes nothing, except that it is answered, so
//! that both sides learn each other's. So an old recording can never start a session. `seq` counts
//! segments of one session from 1, `ack` is the next one expected. A message is a little-endian
//! `u32` length and that many bytes; it may span any number of segments.

use crate::Instant;
use crate::config::{Key, NodeIndex};
use crate::guardian_io::LinkIndex;
use crate::membership::wire::{BODY_MAX, HEADER_LEN, Header, Kind, Seal, TAG_LEN};
use crate::view::BootId;
use core::time::Duration;
use std::collections::{BTreeMap, VecDeque};

/// The longest message, in bytes.
pub const MESSAGE_MAX: usize = 64 << 20;
/// The most bytes that may wait to be sent: one longest message and a reserve for small ones.
pub const BACKLOG_MAX: usize = MESSAGE_MAX + (1 << 20);
/// Segments in flight at most, and so also the most that are kept out of order.
pub const WINDOW: usize = 64;
/// The longest segment, in bytes, its seal included.
pub const SEGMENT_MAX: usize = 1400;

const PREFIX: usize = 17;
const CHUNK: usize = SEGMENT_MAX - HEADER_LEN - TAG_LEN - PREFIX;
const _: () = assert!(PREFIX + CHUNK <= BODY_MAX);

const FLAG_DATA: u8 = 1;
const FLAG_HELLO: u8 = 2;

const RESEND_FIRST: Duration = Duration::from_millis(60);
const RESEND_MAX: Duration = Duration::from_secs(1);
const DUPLICATES: u8 = 3;
/// Ended incarnations of the peer that are remembered while this end's own one lasts, so that
/// recordings of them stay dead.
const PAST_MAX: usize = 64;

/// Why a message was refused.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum SendError {
    /// There is no session with the peer.
    Closed,
    /// It is longer than [`MESSAGE_MAX`].
    TooLong,
    /// The peer does not take what is already waiting.
    Full,
}

/// What the stream tells its owner, in order.
#[derive(Debug, Eq, PartialEq)]
pub enum Delivery {
    /// A session with a (new) incarnation of the peer's manager began; earlier ones are over.
    Opened,
    /// The next message.
    Message(Vec<u8>),
}

#[derive(Debug)]
struct Flight {
    bytes: Vec<u8>,
    sent: Instant,
    tries: u32,
}

/// One session: what was sent and not acknowledged, what came out of order.
#[derive(Debug, Default)]
struct Session {
    peer: u64,
    confirmed: bool,
    next_seq: u32,
    flights: BTreeMap<u32, Flight>,
    expected: u32,
    early: BTreeMap<u32, Vec<u8>>,
    inbox: Vec<u8>,
    acked: u32,
    duplicates: u8,
    ack_due: bool,
}

/// The stream's end on this node.
#[derive(Debug)]
pub struct Stream {
    seal: Seal,
    local: NodeIndex,
    links: u8,
    links_up: u8,
    incarnation: u64,
    counter: u64,
    wanted: bool,
    session: Option<Session>,
    past: VecDeque<u64>,
    backlog: VecDeque<u8>,
    hello_at: Option<Instant>,
    hello_wait: Duration,
    link: LinkIndex,
    out: VecDeque<(LinkIndex, Vec<u8>)>,
    deliveries: VecDeque<Delivery>,
    /// Segments that were dropped because their seal or form was wrong.
    pub dropped: u64,
}

impl Stream {
    /// The closed stream of `local`; `incarnation` is random and new at every start of the manager.
    #[must_use]
    pub fn new(seal: Seal, local: NodeIndex, links: u8, incarnation: u64) -> Self {
        Self {
            seal,
            local,
            links: links.max(1),
            links_up: 0,
            incarnation: incarnation | 1,
            counter: 0,
            wanted: false,
            session: None,
            past: VecDeque::new(),
            backlog: VecDeque::new(),
            hello_at: None,
            hello_wait: RESEND_FIRST,
            link: 0,
            out: VecDeque::new(),
            deliveries: VecDeque::new(),
            dropped: 0,
        }
    }

    /// Starts to look for the peer's manager, with a session of its own.
    pub fn open(&mut self, now: Instant) {
        if !self.wanted {
            self.wanted = true;
            self.hello_wait = RESEND_FIRST;
            self.hello_at = Some(now);
        }
    }

    /// Ends the session and forgets what was not acknowledged.
    pub fn close(&mut self) {
        self.wanted = false;
        self.retire();
        self.backlog.clear();
        self.hello_at = None;
        self.deliveries.clear();
        self.out.clear();
        self.incarnation = self.incarnation.wrapping_add(0x9e37_79b9_7f4a_7c16) | 1;
        self.counter = 0;
        // Nothing recorded is addressed to the new incarnation, so nobody needs to stay dead for
        // it; and the peer may be the very one that this end has just closed on.
        self.past.clear();
    }

    /// What seals segments from now on; those under either key are opened.
    pub fn set_keys(&mut self, key: &Key, next: Option<&Key>, use_next: bool) {
        self.seal.set_keys(key, next);
        self.seal.use_newest(use_next);
    }

    /// Which links carry frames, a bit per link, as the guardian sees them.
    pub fn set_links(&mut self, links_up: u8) {
        self.links_up = links_up;
    }

    /// Whether messages can be sent.
    #[must_use]
    pub fn is_open(&self) -> bool {
        self.session.as_ref().is_some_and(|session| session.confirmed)
    }

    /// Puts a message behind all earlier ones.
    ///
    /// # Errors
    /// [`SendError`]: nothing of it was sent.
    pub fn send(&mut self, now: Instant, message: &[u8]) -> Result<(), SendError> {
        if !self.is_open() {
            return Err(SendError::Closed);
        }
        if message.len() > MESSAGE_MAX {
            return Err(SendError::TooLong);
        }
        if self.backlog.len() + message.len() + 4 > BACKLOG_MAX {
            return Err(SendError::Full);
        }
        let length = u32::try_from(message.len()).map_err(|_| SendError::TooLong)?;
        self.backlog.extend(length.to_le_bytes());
        self.backlog.extend(message);
        self.fill_window(now);
        Ok(())
    }

    /// A segment arrived.
    pub fn handle_segment(&mut self, now: Instant, bytes: &[u8]) {
        if !self.wanted {
            return;
        }
        let Ok((header, body)) = self.seal.open(bytes) else {
            self.dropped += 1;
            return;
        };
        let Some((to, ack, seq, flags)) =
            read_prefix(&body).filter(|_| header.kind == Kind::Stream)
        else {
            self.dropped += 1;
            return;
        };
        if to != self.incarnation {
            // The peer does not know this incarnation yet: answer, so that it learns it.
            self.send_hello(header.boot.0);
            return;
        }
        if !self.adopt(header.boot.0) {
            return;
        }
        if flags & FLAG_HELLO != 0 && flags & FLAG_DATA == 0 {
            self.fill_window(now);
            return;
        }
        self.take_ack(now, ack, flags);
        if flags & FLAG_DATA != 0 {
            self.take_data(seq, body.get(PREFIX..).unwrap_or_default());
        }
        self.fill_window(now);
    }

    /// Sends again what was not acknowledged in time.
    pub fn handle_timeout(&mut self, now: Instant) {
        if self.hello_at.is_some_and(|at| at <= now) {
            let peer = self.session.as_ref().map_or(0, |session| session.peer);
            self.send_hello(peer);
            self.hello_at = Some(now.after(self.hello_wait));
            self.hello_wait = (self.hello_wait * 2).min(RESEND_MAX);
        }
        let Some(session) = &mut self.session else { return };
        let due: Vec<u32> = session
            .flights
            .iter()
            .filter(|(_, flight)| flight.sent.after(resend_after(flight.tries)) <= now)
            .map(|(seq, _)| *seq)
            .collect();
        if !due.is_empty() {
            self.next_link();
        }
        for seq in due {
            self.transmit(now, seq);
        }
    }

    /// When [`Stream::handle_timeout`] is next due.
    #[must_use]
    pub fn poll_timeout(&self) -> Option<Instant> {
        let flights = self.session.iter().flat_map(|session| session.flights.values());
        let resend = flights.map(|flight| flight.sent.after(resend_after(flight.tries))).min();
        match (resend, self.hello_at) {
            (Some(resend), Some(hello)) => Some(resend.min(hello)),
            (resend, hello) => resend.or(hello),
        }
    }

    /// The next segment to send, and on which link.
    pub fn poll_segment(&mut self) -> Option<(LinkIndex, Vec<u8>)> {
        if self.out.is_empty() {
            self.flush_ack();
        }
        self.out.pop_front()
    }

    /// What the stream has to say to its owner next.
    pub fn poll_delivery(&mut self) -> Option<Delivery> {
        self.deliveries.pop_front()
    }

    /// Makes sure that the session is with this incarnation; false for one that is over.
    fn adopt(&mut self, peer: u64) -> bool {
        if self.session.as_ref().is_some_and(|session| session.peer == peer && session.confirmed) {
            return true;
        }
        if self.past.contains(&peer) {
            self.dropped += 1;
            return false;
        }
        self.retire();
        self.backlog.clear();
        self.session = Some(Session {
            peer,
            confirmed: true,
            next_seq: 1,
            expected: 1,
            acked: 1,
            ..Session::default()
        });
        self.hello_at = None;
        self.hello_wait = RESEND_FIRST;
        self.deliveries.push_back(Delivery::Opened);
        // The peer may know this incarnation without knowing that it is known.
        self.send_hello(peer);
        true
    }

    /// Forgets the session; its peer's incarnation is over for as long as this end's own one lasts.
    fn retire(&mut self) {
        if let Some(session) = self.session.take() {
            self.past.push_back(session.peer);
            if self.past.len() > PAST_MAX {
                self.past.pop_front();
            }
        }
    }

    fn take_ack(&mut self, now: Instant, ack: u32, flags: u8) {
        let Some(session) = &mut self.session else { return };
        if ack > session.acked && ack <= session.next_seq {
            session.acked = ack;
            session.duplicates = 0;
            session.flights = session.flights.split_off(&ack);
        } else if ack == session.acked && flags & FLAG_DATA == 0 && !session.flights.is_empty() {
            session.duplicates = session.duplicates.saturating_add(1);
            if session.duplicates == DUPLICATES {
                self.transmit(now, ack);
            }
        }
    }

    fn take_data(&mut self, seq: u32, bytes: &[u8]) {
        let Some(session) = &mut self.session else { return };
        session.ack_due = true;
        let window = u32::try_from(WINDOW).unwrap_or(u32::MAX);
        if seq < session.expected || seq - session.expected >= window {
            return;
        }
        session.early.insert(seq, bytes.to_vec());
        while let Some(bytes) = session.early.remove(&session.expected) {
            session.expected += 1;
            session.inbox.extend_from_slice(&bytes);
        }
        while let Some(length) = session.inbox.first_chunk::<4>() {
            let length = usize::try_from(u32::from_le_bytes(*length)).unwrap_or(usize::MAX);
            if length > MESSAGE_MAX {
                // Only a peer that speaks another language can do this: begin anew.
                self.dropped += 1;
                self.close();
                self.wanted = true;
                self.hello_at = Some(Instant::default());
                return;
            }
            if session.inbox.len() < 4 + length {
                return;
            }
            let rest = session.inbox.split_off(4 + length);
            let mut message = core::mem::replace(&mut session.inbox, rest);
            message.drain(..4);
            self.deliveries.push_back(Delivery::Message(message));
        }
    }

    fn fill_window(&mut self, now: Instant) {
        while let Some(session) = &mut self.session
            && session.confirmed
            && session.flights.len() < WINDOW
            && !self.backlog.is_empty()
        {
            let length = CHUNK.min(self.backlog.len());
            let bytes: Vec<u8> = self.backlog.drain(..length).collect();
            let seq = session.next_seq;
            session.next_seq += 1;
            session.flights.insert(seq, Flight { bytes, sent: now, tries: 0 });
            self.transmit(now, seq);
        }
        if self.backlog.is_empty() {
            self.backlog.shrink_to(CHUNK);
        }
    }

    fn transmit(&mut self, now: Instant, seq: u32) {
        let Some(session) = &mut self.session else { return };
        let Some(flight) = session.flights.get_mut(&seq) else { return };
        flight.sent = now;
        flight.tries += 1;
        session.ack_due = false;
        let mut body = prefix(session.peer, session.expected, seq, FLAG_DATA);
        body.extend_from_slice(&flight.bytes);
        let link = self.current_link();
        self.emit(link, &body);
    }

    fn flush_ack(&mut self) {
        let Some(session) = self.session.as_mut().filter(|session| session.ack_due) else {
            return;
        };
        session.ack_due = false;
        let body = prefix(session.peer, session.expected, 0, 0);
        let link = self.current_link();
        self.emit(link, &body);
    }

    fn send_hello(&mut self, peer: u64) {
        let body = prefix(peer, 1, 0, FLAG_HELLO);
        for link in 0..self.links {
            if self.links_up == 0 || self.links_up & (1 << link) != 0 {
                self.emit(link, &body);
            }
        }
    }

    fn emit(&mut self, link: LinkIndex, body: &[u8]) {
        self.counter += 1;
        let header = Header {
            kind: Kind::Stream,
            sender: self.local,
            link,
            boot: BootId(self.incarnation),
            sequence: self.counter,
        };
        if let Ok(frame) = self.seal.seal(header, body) {
            self.out.push_back((link, frame.to_vec()));
        }
    }

    fn current_link(&mut self) -> LinkIndex {
        if self.links_up != 0 && self.links_up & (1 << self.link) == 0 {
            self.next_link();
        }
        self.link
    }

    fn next_link(&mut self) {
        for _ in 0..self.links {
            self.link = (self.link + 1) % self.links;
            if self.links_up == 0 || self.links_up & (1 << self.link) != 0 {
                return;
            }
        }
    }
}

fn resend_after(tries: u32) -> Duration {
    (RESEND_FIRST * 2_u32.saturating_pow(tries.saturating_sub(1).min(6))).min(RESEND_MAX)
}

fn prefix(to: u64, ack: u32, seq: u32, flags: u8) -> Vec<u8> {
    let mut body = Vec::with_capacity(PREFIX + CHUNK);
    body.extend_from_slice(&to.to_le_bytes());
    body.extend_from_slice(&ack.to_le_bytes());
    body.extend_from_slice(&seq.to_le_bytes());
    body.push(flags);
    body
}

fn read_prefix(body: &[u8]) -> Option<(u64, u32, u32, u8)> {
    let (to, rest) = body.split_first_chunk::<8>()?;
    let (ack, rest) = rest.split_first_chunk::<4>()?;
    let (seq, rest) = rest.split_first_chunk::<4>()?;
    let flags = rest.first()?;
    Some((u64::from_le_bytes(*to), u32::from_le_bytes(*ack), u32::from_le_bytes(*seq), *flags))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::Key;

    struct Pair {
        ends: [Stream; 2],
        now: Instant,
        /// Drops every segment whose number divides by this.
        lose_every: usize,
        sent: usize,
        /// Links that drop everything.
        dead: u8,
        got: [Vec<Delivery>; 2],
    }

    fn end(local: NodeIndex, incarnation: u64) -> Stream {
        let key = Key([7; 32]);
        let mut stream = Stream::new(Seal::new(&key, "pair", local), local, 2, incarnation);
        stream.set_links(3);
        stream
    }

    impl Pair {
        fn new() -> Self {
            let ends = [end(NodeIndex::First, 11), end(NodeIndex::Second, 21)];
            let now = Instant::from_micros(1);
            let mut pair = Self {
                ends,
                now,
                lose_every: usize::MAX,
                sent: 0,
                dead: 0,
                got: [Vec::new(), Vec::new()],
            };
            pair.ends.iter_mut().for_each(|end| end.open(now));
            pair
        }

        fn run(&mut self, time: Duration) {
            let end = self.now.after(time);
            loop {
                self.ends.iter_mut().for_each(|end| end.handle_timeout(self.now));
                while self.carry() {}
                let next = self.ends.iter().filter_map(Stream::poll_timeout).min();
                let Some(next) = next.filter(|next| *next <= end) else { break };
                self.now = next.max(self.now.after(Duration::from_micros(1)));
            }
            self.now = end;
        }

        fn carry(&mut self) -> bool {
            let mut moved = false;
            for from in 0..2 {
                while let Some((link, bytes)) = self.ends[from].poll_segment() {
                    moved = true;
                    self.sent += 1;
                    assert!(bytes.len() <= SEGMENT_MAX);
                    let lost = ((self.sent * 0x9e37_79b1) >> 7).is_multiple_of(self.lose_every);
                    if !lost && self.dead & (1 << link) == 0 {
                        self.ends[1 - from].handle_segment(self.now, &bytes);
                    }
                }
                while let Some(delivery) = self.ends[from].poll_delivery() {
                    self.got[from].push(delivery);
                }
            }
            moved
        }

        fn messages(&self, at: usize) -> Vec<&[u8]> {
            let messages = self.got[at].iter().filter_map(|delivery| match delivery {
                Delivery::Opened => None,
                Delivery::Message(bytes) => Some(bytes.as_slice()),
            });
            messages.collect()
        }
    }

    const SECOND: Duration = Duration::from_secs(1);

    #[test]
    fn messages_arrive_once_and_in_order_whatever_is_lost() {
        for lose_every in 2..12 {
            let mut pair = Pair::new();
            pair.run(SECOND);
            pair.lose_every = lose_every;
            let long: Vec<u8> = (0..200_000_u32).map(|n| n.to_le_bytes()[0]).collect();
            for message in [b"one".as_slice(), &long, b""] {
                pair.ends[0].send(pair.now, message).unwrap();
                pair.ends[1].send(pair.now, message).unwrap();
            }
            pair.run(SECOND * 600);
            for at in 0..2 {
                assert!(pair.messages(at) == [b"one".as_slice(), &long, b""], "{lose_every}");
            }
        }
    }

    #[test]
    fn one_dead_link_of_two_costs_time_and_nothing_else() {
        let mut pair = Pair::new();
        pair.run(SECOND);
        pair.dead = 1;
        pair.ends[0].send(pair.now, b"over the other").unwrap();
        pair.run(SECOND);
        assert_eq!(pair.messages(1), [b"over the other"]);
    }

    #[test]
    fn a_restarted_manager_begins_a_new_session_and_old_recordings_stay_dead() {
        let mut pair = Pair::new();
        pair.run(SECOND);
        pair.ends[0].send(pair.now, b"old").unwrap();
        let (_, recording) = pair.ends[0].poll_segment().unwrap();
        pair.ends[0] = end(NodeIndex::First, 31);
        pair.ends[0].open(pair.now);
        pair.run(SECOND);
        assert_eq!(pair.got[1], [Delivery::Opened, Delivery::Opened]);
        pair.ends[1].handle_segment(pair.now, &recording);
        pair.ends[0].send(pair.now, b"new").unwrap();
        pair.run(SECOND);
        assert_eq!(pair.messages(1), [b"new"]);
    }

    #[test]
    fn a_session_that_only_one_end_closed_begins_again() {
        let mut pair = Pair::new();
        pair.run(SECOND);
        pair.ends[1].close();
        pair.ends[1].open(pair.now);
        pair.run(SECOND);
        assert_eq!(pair.got[0], [Delivery::Opened, Delivery::Opened]);
        pair.ends[0].send(pair.now, b"there").unwrap();
        pair.ends[1].send(pair.now, b"back").unwrap();
        pair.run(SECOND);
        assert_eq!(pair.messages(1), [b"there"]);
        assert_eq!(pair.messages(0), [b"back"]);
    }

    #[test]
    fn an_idle_stream_sends_nothing() {
        let mut pair = Pair::new();
        pair.run(SECOND);
        let sent = pair.sent;
        pair.run(SECOND * 3600);
        assert_eq!(pair.sent, sent);
    }

    #[test]
    fn a_closed_stream_takes_nothing() {
        let mut stream = end(NodeIndex::First, 1);
        assert_eq!(stream.send(Instant::default(), b"x"), Err(SendError::Closed));
        stream.handle_segment(Instant::default(), &[0; 100]);
        assert_eq!(stream.poll_timeout(), None);
    }
}
