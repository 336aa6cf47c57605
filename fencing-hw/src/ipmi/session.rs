//! An open session, of either version: what is inside it is numbered and proved.

use super::Payload;
use super::legacy::{self, Signer};
use super::message::{self, Answer, Command};
use super::rakp::CONSOLE_SESSION;
use super::suite::{BLOCK, Keys};
use super::wire::{self, Kind};

/// Session sequence numbers of this many packets are remembered (IPMI 2.0 §13.32.1).
const WINDOW: u32 = 16;

/// A datagram that has a form.
#[derive(Clone, Copy, Debug)]
pub(super) enum Heard<'a> {
    /// Of IPMI 2.0.
    Plus(wire::Packet<'a>),
    /// Of IPMI 1.5.
    Old(legacy::Packet<'a>),
}

impl<'a> Heard<'a> {
    pub(super) fn read(datagram: &'a [u8]) -> Option<Self> {
        wire::read(datagram).map(Self::Plus).or_else(|| legacy::read(datagram).map(Self::Old))
    }

    /// A packet of a handshake of IPMI 2.0.
    pub(super) fn plus(self, kind: Kind) -> Option<&'a [u8]> {
        match self {
            Self::Plus(packet) if packet.kind == kind && packet.is_plain() => Some(packet.payload),
            Self::Plus(_) | Self::Old(_) => None,
        }
    }

    /// A packet of IPMI 1.5.
    pub(super) const fn old(self) -> Option<legacy::Packet<'a>> {
        match self {
            Self::Plus(_) => None,
            Self::Old(packet) => Some(packet),
        }
    }
}

/// What proves packets, and hides them where it can.
#[derive(Clone, Debug)]
enum Seal {
    Plus(Keys),
    Old(Signer),
}

/// An open session.
#[derive(Clone, Debug)]
pub(super) struct Session {
    seal: Seal,
    /// The BMC's number for it.
    pub(super) id: u32,
    sequence: u32,
    /// The requester's sequence number of the command under way, 0…63.
    pub(super) number: u8,
    highest: u32,
    seen: u32,
}

impl Session {
    /// A session of IPMI 2.0.
    pub(super) const fn plus(keys: Keys, id: u32) -> Self {
        Self { seal: Seal::Plus(keys), id, sequence: 0, number: 1, highest: 0, seen: 0 }
    }

    /// A session of IPMI 1.5, whose first packets have these numbers: ours, and the BMC's.
    pub(super) const fn old(signer: Signer, id: u32, ours: u32, theirs: u32) -> Self {
        let (sequence, highest) = (ours.wrapping_sub(1), theirs.wrapping_sub(1));
        Self { seal: Seal::Old(signer), id, sequence, number: 1, highest, seen: 0 }
    }

    /// The next packet, with this command.
    pub(super) fn write(&mut self, command: Command<'_>, iv: [u8; BLOCK]) -> Option<Payload> {
        // No packet inside a session has number 0.
        self.sequence = self.sequence.wrapping_add(1).max(1);
        let message = message::write(command, self.number).ok()?;
        match &self.seal {
            Seal::Plus(keys) => wire::write_sealed(keys, self.id, self.sequence, &message, iv).ok(),
            Seal::Old(signer) => {
                legacy::write_signed(signer, self.id, self.sequence, &message).ok()
            }
        }
    }

    /// The message in a packet of this session that was not seen before.
    pub(super) fn open(&mut self, heard: &Heard<'_>) -> Option<Payload> {
        let (sequence, payload) = match (heard, &self.seal) {
            (Heard::Plus(packet), Seal::Plus(keys)) => {
                let ours = packet.kind == Kind::Message && packet.session == CONSOLE_SESSION;
                (packet.sequence, ours.then(|| packet.verified(keys)).flatten()?)
            }
            (Heard::Old(packet), Seal::Old(signer)) => {
                let ours = packet.session == self.id && packet.is_signed_by(signer);
                let payload = ours.then(|| Payload::from_slice(packet.payload).ok()).flatten();
                (packet.sequence, payload?)
            }
            (Heard::Plus(_) | Heard::Old(_), _) => return None,
        };
        self.accept(sequence).then_some(payload)
    }

    /// Whether an answer is that to the command under way.
    pub(super) fn is_answer(&self, answer: &Answer<'_>, (netfn, command): (u8, u8)) -> bool {
        let same = answer.netfn == netfn + 1 && answer.command == command;
        same && answer.sequence == self.number
    }

    /// Whether a packet with this sequence number is new; it is remembered.
    fn accept(&mut self, sequence: u32) -> bool {
        if sequence == 0 {
            return false;
        }
        if sequence > self.highest {
            let ahead = sequence - self.highest;
            self.seen = self.seen.checked_shl(ahead).unwrap_or(0) | 1;
            self.highest = sequence;
            return true;
        }
        let behind = self.highest - sequence;
        let fresh = behind < WINDOW && self.seen & (1 << behind) == 0;
        if fresh {
            self.seen |= 1 << behind;
        }
        fresh
    }
}

#[cfg(test)]
mod tests {
    use super::super::Secret;
    use super::super::legacy::{Auth, write_signed};
    use super::*;

    #[test]
    fn a_packet_is_opened_once_in_any_near_order_and_no_old_one_is() {
        let password = Secret::new(b"secret").unwrap();
        let signer = Signer::new(Auth::Md5, &password).unwrap();
        let mut session = Session::old(signer.clone(), 7, 1, 100);
        let mut opens = |id, sequence| {
            let packet = write_signed(&signer, id, sequence, b"hello").unwrap();
            session.open(&Heard::read(&packet).unwrap()).is_some()
        };
        assert!(!opens(7, 0), "no packet inside a session has that number");
        assert!(!opens(8, 100), "that is another session");
        for (sequence, new) in
            [(100, true), (100, false), (103, true), (101, true), (101, false), (103, false)]
        {
            assert_eq!(opens(7, sequence), new, "{sequence}");
        }
        assert!(opens(7, 140) && opens(7, 125) && !opens(7, 124), "too long ago");
    }
}
