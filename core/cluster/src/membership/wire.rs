//! Sealed frames: an open header, a sealed body, a tag.
//!
//! ```text
//! 0     4       5    6      7    8        16     24         32
//! | magic | version | kind | sender | link | cluster | boot | sequence | sealed body | tag (16) |
//! ```
//!
//! Integers are big endian. The seal is XChaCha20-Poly1305 over the body with the whole header as
//! additional data. The first 16 bytes of the nonce (kind, sender, cluster, boot) derive the key of
//! one boot of one node of one cluster; the last 8 are the sequence, which never repeats in a boot.
//! Nothing read from a frame is used before the seal has been opened, except to count faults.
//!
//! While a key is exchanged there are two: frames under either are opened, and one of them seals.
//! A heartbeat names the newest key that its sender accepts, so that the other side knows when the
//! newer one can be taken.

use crate::config::{Key, NodeIndex};
use crate::guardian_io::{FRAME_MAX, Frame, FrameFault, LinkIndex, SelfFence};
use crate::view::BootId;
use chacha20poly1305::aead::{AeadInOut, KeyInit};
use chacha20poly1305::{Tag, XChaCha20Poly1305, XNonce};
use heapless::Vec;

/// Bytes of the open header.
pub const HEADER_LEN: usize = 32;
/// Bytes of the tag.
pub const TAG_LEN: usize = 16;
/// The most bytes that fit into one sealed body.
pub const BODY_MAX: usize = FRAME_MAX - HEADER_LEN - TAG_LEN;

const MAGIC: [u8; 4] = *b"DiAr";
const VERSION: u8 = 1;

/// What a frame carries; each kind has its own space of nonces.
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
pub enum Kind {
    /// A [`Heartbeat`].
    Heartbeat,
    /// A segment of the managers' stream.
    Stream,
}

impl Kind {
    const fn byte(self) -> u8 {
        match self {
            Self::Heartbeat => 1,
            Self::Stream => 2,
        }
    }

    const fn from_byte(byte: u8) -> Option<Self> {
        match byte {
            1 => Some(Self::Heartbeat),
            2 => Some(Self::Stream),
            _ => None,
        }
    }
}

/// Where a frame comes from.
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
pub struct Header {
    /// What it carries.
    pub kind: Kind,
    /// Who sent it.
    pub sender: NodeIndex,
    /// On which of its links.
    pub link: LinkIndex,
    /// Which boot of the sender.
    pub boot: BootId,
    /// Counts this boot's frames of this kind, from 1, over all links.
    pub sequence: u64,
}

/// A frame's body after its seal was opened.
pub type Body = Vec<u8, BODY_MAX>;

/// The most keys that are accepted at once: the one in use, and the next.
const KEYS_MAX: usize = 2;

/// Tells keys apart and says nothing of them; never zero.
#[derive(Clone, Copy, Debug, Default, Eq, Hash, PartialEq)]
pub struct KeyId(pub u64);

/// Seals and opens the frames of one pair.
pub struct Seal {
    /// In the order of the settings, the newest last.
    ciphers: Vec<XChaCha20Poly1305, KEYS_MAX>,
    ids: Vec<KeyId, KEYS_MAX>,
    /// The one that seals.
    used: usize,
    cluster: u64,
    local: NodeIndex,
}

impl core::fmt::Debug for Seal {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.debug_struct("Seal").finish_non_exhaustive()
    }
}

impl Seal {
    /// The seal of the pair named `cluster_name`, as `local` uses it.
    #[must_use]
    pub fn new(key: &Key, cluster_name: &str, local: NodeIndex) -> Self {
        let cluster = fingerprint(cluster_name.as_bytes());
        let mut seal = Self { ciphers: Vec::new(), ids: Vec::new(), used: 0, cluster, local };
        seal.set_keys(key, None);
        seal
    }

    /// Accepts these keys from now on, and seals under the first of them.
    pub fn set_keys(&mut self, key: &Key, next: Option<&Key>) {
        self.ciphers.clear();
        self.ids.clear();
        self.used = 0;
        for key in [Some(key), next].into_iter().flatten() {
            let cipher = XChaCha20Poly1305::new(&key.0.into());
            let id = key_id(&cipher);
            let room = self.ciphers.push(cipher).is_ok() && self.ids.push(id).is_ok();
            debug_assert!(room, "KEYS_MAX is the number of arguments");
        }
    }

    /// Seals under the newest key from now on, or under the other.
    pub fn use_newest(&mut self, newest: bool) {
        self.used = if newest { self.ciphers.len().saturating_sub(1) } else { 0 };
    }

    /// Which key seals.
    #[must_use]
    pub fn used(&self) -> KeyId {
        self.ids.get(self.used).copied().unwrap_or_default()
    }

    /// The newest key that is accepted.
    #[must_use]
    pub fn newest(&self) -> KeyId {
        self.ids.last().copied().unwrap_or_default()
    }

    /// Whether a key is accepted.
    #[must_use]
    pub fn accepts(&self, key: KeyId) -> bool {
        self.ids.contains(&key)
    }

    /// Seals `body` behind `header`.
    ///
    /// # Errors
    /// [`FrameFault::Truncated`] if the body does not fit.
    pub fn seal(&self, header: Header, body: &[u8]) -> Result<Frame, FrameFault> {
        let mut frame = Frame::new();
        frame
            .extend_from_slice(&self.encode(header))
            .and_then(|()| frame.extend_from_slice(body))
            .map_err(|_| FrameFault::Truncated)?;
        let (head, sealed) = frame.split_at_mut(HEADER_LEN);
        let nonce = self.nonce(header);
        let cipher = self.ciphers.get(self.used).ok_or(FrameFault::Forged)?;
        let tag = cipher
            .encrypt_inout_detached(&nonce, head, sealed.into())
            .map_err(|_| FrameFault::Truncated)?;
        frame.extend_from_slice(&tag).map_err(|_| FrameFault::Truncated)?;
        Ok(frame)
    }

    /// Opens a frame of the peer's.
    ///
    /// # Errors
    /// [`FrameFault`] saying why it has to be dropped; replays are found by [`ReplayWindow`].
    pub fn open(&self, bytes: &[u8]) -> Result<(Header, Body), FrameFault> {
        self.open_any(bytes).map(|(header, body, _)| (header, body))
    }

    /// Opens a frame of the peer's, and says under which key it was sealed.
    ///
    /// # Errors
    /// As for [`Self::open`].
    pub fn open_any(&self, bytes: &[u8]) -> Result<(Header, Body, KeyId), FrameFault> {
        let body_end = bytes
            .len()
            .checked_sub(TAG_LEN)
            .filter(|end| *end >= HEADER_LEN && bytes.len() <= FRAME_MAX)
            .ok_or(FrameFault::Truncated)?;
        let header = self.decode(&bytes[..HEADER_LEN])?;
        let mut body =
            Body::from_slice(&bytes[HEADER_LEN..body_end]).map_err(|_| FrameFault::Truncated)?;
        let tag = Tag::try_from(&bytes[body_end..]).map_err(|_| FrameFault::Truncated)?;
        let nonce = self.nonce(header);
        // A body whose tag does not fit is left as it is.
        let opens = |cipher: &XChaCha20Poly1305| {
            let inout = body.as_mut_slice().into();
            cipher.decrypt_inout_detached(&nonce, &bytes[..HEADER_LEN], inout, &tag).is_ok()
        };
        let opened = self.ciphers.iter().position(opens).ok_or(FrameFault::Forged)?;
        if header.sender == self.local {
            return Err(FrameFault::Own);
        }
        Ok((header, body, self.ids.get(opened).copied().unwrap_or_default()))
    }

    fn encode(&self, header: Header) -> [u8; HEADER_LEN] {
        let mut bytes = [0; HEADER_LEN];
        bytes[..4].copy_from_slice(&MAGIC);
        bytes[4] = VERSION;
        bytes[5] = header.kind.byte();
        bytes[6] = sender_byte(header.sender);
        bytes[7] = header.link;
        bytes[8..16].copy_from_slice(&self.cluster.to_be_bytes());
        bytes[16..24].copy_from_slice(&header.boot.0.to_be_bytes());
        bytes[24..32].copy_from_slice(&header.sequence.to_be_bytes());
        bytes
    }

    /// `bytes` are [`HEADER_LEN`] long.
    fn decode(&self, bytes: &[u8]) -> Result<Header, FrameFault> {
        if bytes[..4] != MAGIC || bytes[4] != VERSION {
            return Err(FrameFault::Version);
        }
        if read_u64(bytes, 8) != self.cluster {
            return Err(FrameFault::OtherCluster);
        }
        let kind = Kind::from_byte(bytes[5]).ok_or(FrameFault::Version)?;
        let sender = match bytes[6] {
            0 => NodeIndex::First,
            1 => NodeIndex::Second,
            _ => return Err(FrameFault::Version),
        };
        Ok(Header {
            kind,
            sender,
            link: bytes[7],
            boot: BootId(read_u64(bytes, 16)),
            sequence: read_u64(bytes, 24),
        })
    }

    fn nonce(&self, header: Header) -> XNonce {
        let mut nonce = [0; 24];
        nonce[0] = header.kind.byte();
        nonce[1] = sender_byte(header.sender);
        nonce[2..8].copy_from_slice(&self.cluster.to_be_bytes()[..6]);
        nonce[8..16].copy_from_slice(&header.boot.0.to_be_bytes());
        nonce[16..24].copy_from_slice(&header.sequence.to_be_bytes());
        nonce.into()
    }
}

/// The tag of nothing, under a nonce that no frame can have: its first byte is no kind.
fn key_id(cipher: &XChaCha20Poly1305) -> KeyId {
    let nothing: &mut [u8] = &mut [];
    let tag = cipher.encrypt_inout_detached(&XNonce::default(), b"key", nothing.into());
    KeyId(tag.map_or(0, |tag| read_u64(&tag, 0)) | 1)
}

const fn sender_byte(sender: NodeIndex) -> u8 {
    match sender {
        NodeIndex::First => 0,
        NodeIndex::Second => 1,
    }
}

/// Eight bytes at `at`, big endian; zero where the slice is too short.
pub(crate) fn read_u64(bytes: &[u8], at: usize) -> u64 {
    bytes.get(at..at + 8).and_then(|part| part.try_into().ok()).map_or(0, u64::from_be_bytes)
}

/// Four bytes at `at`, big endian; zero where the slice is too short.
pub(crate) fn read_u32(bytes: &[u8], at: usize) -> u32 {
    bytes.get(at..at + 4).and_then(|part| part.try_into().ok()).map_or(0, u32::from_be_bytes)
}

/// 64-bit FNV-1a: tells clusters and torn sectors apart; it is no protection against forgery.
pub(crate) fn fingerprint(bytes: &[u8]) -> u64 {
    bytes.iter().fold(0xcbf2_9ce4_8422_2325, |hash, byte| {
        (hash ^ u64::from(*byte)).wrapping_mul(0x0100_0000_01b3)
    })
}

/// What a node says about itself in a heartbeat.
#[derive(Clone, Copy, Debug, Default, Eq, Hash, PartialEq)]
pub enum State {
    /// Booted, not yet a member.
    #[default]
    Starting,
    /// A member, or acting alone.
    Running,
    /// It has lost its peer and contests the claim.
    Contesting,
    /// It lost the claim or was fenced, and waits.
    Quarantined,
    /// It is stopping its resources and will leave.
    Leaving,
    /// It has stopped everything and will not touch shared data before its next boot.
    Left,
    /// Its kernel is going down without asking.
    Dying,
}

impl State {
    const ALL: [Self; 7] = [
        Self::Starting,
        Self::Running,
        Self::Contesting,
        Self::Quarantined,
        Self::Leaving,
        Self::Left,
        Self::Dying,
    ];

    fn byte(self) -> u8 {
        Self::ALL
            .iter()
            .position(|state| *state == self)
            .and_then(|at| u8::try_from(at).ok())
            .unwrap_or(0)
    }
}

const REASONS: [SelfFence; 6] = [
    SelfFence::ClaimLost,
    SelfFence::Mailbox,
    SelfFence::PeerAsked,
    SelfFence::Overslept,
    SelfFence::Isolated,
    SelfFence::ManagerLost,
];

const fn reason_byte(reason: SelfFence) -> u8 {
    match reason {
        SelfFence::ClaimLost => 1,
        SelfFence::Mailbox => 2,
        SelfFence::PeerAsked => 3,
        SelfFence::Overslept => 4,
        SelfFence::Isolated => 5,
        SelfFence::ManagerLost => 6,
    }
}

/// Why, where that is known to this build.
fn reason_from_byte(byte: u8) -> Option<SelfFence> {
    REASONS.into_iter().find(|reason| reason_byte(*reason) == byte)
}

/// What one heartbeat says. A boot id of zero means none.
#[derive(Clone, Copy, Debug, Default, Eq, Hash, PartialEq)]
pub struct Heartbeat {
    /// The sender's clock when it sent this, in microseconds: only ever compared by the sender.
    pub stamp: u64,
    /// Which boot of the receiver the sender hears and grants a lease to.
    pub hears: BootId,
    /// The newest stamp that it heard from that boot: the lease runs from there.
    pub echo: u64,
    /// Which boot of the receiver it has agreed to be a pair with.
    pub agree: BootId,
    /// Which boot of the receiver has lost the claim and must end itself.
    pub condemned: BootId,
    /// Orders who leads: fixed when agreeing.
    pub bid: u64,
    /// The highest claim generation that it knows to be decided.
    pub generation: u64,
    /// The sum of its resources' priorities.
    pub weight: u32,
    /// Its watchdog's effective timeout in milliseconds; zero if none is armed.
    pub watchdog_ms: u32,
    /// Its own state.
    pub state: State,
    /// Whether protected resources are active there.
    pub protected: bool,
    /// Whether it holds the claim alone.
    pub held: bool,
    /// Whether an answer of the receiver's is overdue: it is asked to beat faster for a while.
    pub hurry: bool,
    /// On which links it hears the receiver, a bit per link.
    pub heard_links: u8,
    /// Which disks answer there, a bit per disk.
    pub disks_up: u8,
    /// The newest key that it accepts; zero if it does not say.
    pub newest_key: KeyId,
    /// Why it is about to end itself, if it is.
    pub reason: Option<SelfFence>,
}

/// Bytes of an encoded heartbeat.
pub const HEARTBEAT_LEN: usize = 77;
/// Bytes of the shortest that is understood: it says nothing of keys.
const HEARTBEAT_LEAST: usize = 68;

const PROTECTED: u8 = 1;
const HELD: u8 = 2;
const HURRY: u8 = 4;

impl Heartbeat {
    /// Its bytes.
    #[must_use]
    pub fn encode(&self) -> [u8; HEARTBEAT_LEN] {
        let mut bytes = [0; HEARTBEAT_LEN];
        let words = [
            self.stamp,
            self.hears.0,
            self.echo,
            self.agree.0,
            self.condemned.0,
            self.bid,
            self.generation,
        ];
        for (at, word) in words.iter().enumerate() {
            bytes[at * 8..at * 8 + 8].copy_from_slice(&word.to_be_bytes());
        }
        bytes[56..60].copy_from_slice(&self.weight.to_be_bytes());
        bytes[60..64].copy_from_slice(&self.watchdog_ms.to_be_bytes());
        bytes[64] = self.state.byte();
        let flags = [(self.protected, PROTECTED), (self.held, HELD), (self.hurry, HURRY)];
        bytes[65] = flags.iter().fold(0, |bits, (set, bit)| if *set { bits | bit } else { bits });
        bytes[66] = self.heard_links;
        bytes[67] = self.disks_up;
        bytes[68..76].copy_from_slice(&self.newest_key.0.to_be_bytes());
        bytes[76] = self.reason.map_or(0, reason_byte);
        bytes
    }

    /// What the bytes say; a longer body is of a later minor format and read as far as known.
    ///
    /// # Errors
    /// [`FrameFault::Truncated`] if they are too few, [`FrameFault::Version`] if the state is not
    /// one that this build knows.
    pub fn decode(bytes: &[u8]) -> Result<Self, FrameFault> {
        if bytes.len() < HEARTBEAT_LEAST {
            return Err(FrameFault::Truncated);
        }
        let state = State::ALL.get(usize::from(bytes[64])).copied().ok_or(FrameFault::Version)?;
        Ok(Self {
            stamp: read_u64(bytes, 0),
            hears: BootId(read_u64(bytes, 8)),
            echo: read_u64(bytes, 16),
            agree: BootId(read_u64(bytes, 24)),
            condemned: BootId(read_u64(bytes, 32)),
            bid: read_u64(bytes, 40),
            generation: read_u64(bytes, 48),
            weight: read_u32(bytes, 56),
            watchdog_ms: read_u32(bytes, 60),
            state,
            protected: bytes[65] & PROTECTED != 0,
            held: bytes[65] & HELD != 0,
            hurry: bytes[65] & HURRY != 0,
            heard_links: bytes[66],
            disks_up: bytes[67],
            newest_key: KeyId(read_u64(bytes, 68)),
            reason: bytes.get(76).and_then(|byte| reason_from_byte(*byte)),
        })
    }
}

/// Which sequence numbers of one boot were seen: the last 64.
#[derive(Clone, Copy, Debug, Default, Eq, Hash, PartialEq)]
pub struct ReplayWindow {
    newest: u64,
    seen: u64,
}

/// What a sequence number is to a [`ReplayWindow`].
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Order {
    /// Newer than all before.
    Newest,
    /// Overtaken by another, but not seen yet.
    Late,
    /// Seen before, or too old to tell.
    Replayed,
}

impl ReplayWindow {
    /// Takes note of `sequence`.
    pub fn accept(&mut self, sequence: u64) -> Order {
        if sequence > self.newest {
            let step = sequence - self.newest;
            self.seen = if step < 64 { self.seen << step } else { 0 } | 1;
            self.newest = sequence;
            return Order::Newest;
        }
        let age = self.newest - sequence;
        if age >= 64 || self.seen & (1 << age) != 0 {
            return Order::Replayed;
        }
        self.seen |= 1 << age;
        Order::Late
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn seals() -> (Seal, Seal) {
        let key = Key([7; 32]);
        (Seal::new(&key, "heads", NodeIndex::First), Seal::new(&key, "heads", NodeIndex::Second))
    }

    const HEADER: Header = Header {
        kind: Kind::Heartbeat,
        sender: NodeIndex::First,
        link: 1,
        boot: BootId(0xB007),
        sequence: 5,
    };

    fn heartbeat() -> Heartbeat {
        Heartbeat {
            stamp: 1,
            hears: BootId(2),
            echo: 3,
            agree: BootId(4),
            condemned: BootId(5),
            bid: 6,
            generation: 7,
            weight: 8,
            watchdog_ms: 9,
            state: State::Quarantined,
            protected: true,
            held: true,
            hurry: true,
            heard_links: 10,
            disks_up: 11,
            newest_key: KeyId(12),
            reason: Some(SelfFence::ManagerLost),
        }
    }

    #[test]
    fn what_was_sealed_is_opened_by_the_peer_only() {
        let (first, second) = seals();
        let frame = first.seal(HEADER, &heartbeat().encode()).unwrap();
        let (header, body) = second.open(&frame).unwrap();
        assert_eq!(header, HEADER);
        assert_eq!(Heartbeat::decode(&body), Ok(heartbeat()));
        assert_eq!(first.open(&frame).unwrap_err(), FrameFault::Own);
        let other = Seal::new(&Key([8; 32]), "heads", NodeIndex::Second);
        assert_eq!(other.open(&frame).unwrap_err(), FrameFault::Forged);
        let other = Seal::new(&Key([7; 32]), "tails", NodeIndex::Second);
        assert_eq!(other.open(&frame).unwrap_err(), FrameFault::OtherCluster);
    }

    #[test]
    fn no_changed_or_shortened_frame_is_opened() {
        let (first, second) = seals();
        let frame = first.seal(HEADER, &heartbeat().encode()).unwrap();
        for at in 0..frame.len() {
            assert!(second.open(&frame[..at]).is_err(), "cut at {at}");
            let mut bent = frame.clone();
            bent[at] ^= 0x40;
            assert!(second.open(&bent).is_err(), "bent at {at}");
        }
    }

    #[test]
    fn either_of_two_keys_opens_and_the_one_in_use_seals() {
        let (old, new) = (Key([7; 32]), Key([8; 32]));
        let mut first = Seal::new(&old, "heads", NodeIndex::First);
        let mut second = Seal::new(&old, "heads", NodeIndex::Second);
        let old_id = first.used();
        first.set_keys(&old, Some(&new));
        second.set_keys(&new, None);
        let new_id = second.used();
        assert_ne!(old_id, new_id);
        assert_eq!((first.used(), first.newest()), (old_id, new_id));
        let under_old = first.seal(HEADER, b"word").unwrap();
        assert_eq!(second.open(&under_old).unwrap_err(), FrameFault::Forged);
        first.use_newest(true);
        let under_new = first.seal(HEADER, b"word").unwrap();
        assert_eq!(second.open_any(&under_new).unwrap().2, new_id);
        second.set_keys(&old, Some(&new));
        for (frame, id) in [(&under_old, old_id), (&under_new, new_id)] {
            let (header, body, key) = second.open_any(frame).unwrap();
            assert_eq!((header, &body[..], key), (HEADER, &b"word"[..], id));
        }
        second.use_newest(true);
        assert_eq!((second.used(), second.accepts(old_id)), (new_id, true));
    }

    #[test]
    fn a_heartbeat_that_knows_nothing_of_keys_is_understood() {
        let bytes = heartbeat().encode();
        let known = Heartbeat { newest_key: KeyId(0), reason: None, ..heartbeat() };
        assert_eq!(Heartbeat::decode(&bytes[..HEARTBEAT_LEAST]), Ok(known));
        let short = &bytes[..HEARTBEAT_LEAST - 1];
        assert_eq!(Heartbeat::decode(short), Err(FrameFault::Truncated));
    }

    #[test]
    fn a_sequence_is_taken_once_and_late_ones_are_known_as_late() {
        let mut window = ReplayWindow::default();
        assert_eq!(window.accept(1), Order::Newest);
        assert_eq!(window.accept(1), Order::Replayed);
        assert_eq!(window.accept(4), Order::Newest);
        assert_eq!(window.accept(3), Order::Late);
        assert_eq!(window.accept(3), Order::Replayed);
        assert_eq!(window.accept(200), Order::Newest);
        assert_eq!(window.accept(4), Order::Replayed);
        assert_eq!(window.accept(137), Order::Late);
        assert_eq!(window.accept(136), Order::Replayed);
    }
}
