//! RMCP and the RMCP+ session header and trailer (IPMI 2.0 §13.1, §13.6).
//!
//! [`read`] is a checked view: whatever it returns lies inside the datagram. It does not judge a
//! packet's authenticity; [`Packet::verified`] does.

use super::Payload;
use super::message::TooLong;
use super::suite::{self, Keys};

/// RMCP version 1, no acknowledgement wanted, class IPMI.
pub(super) const RMCP: [u8; 4] = [0x06, 0x00, 0xff, 0x07];
/// Authentication type of RMCP+ packets.
const RMCP_PLUS: u8 = 0x06;
/// The trailer's fixed "next header" byte.
const NEXT_HEADER: u8 = 0x07;
/// Bytes from the RMCP header to the payload.
const HEAD: usize = 16;
/// Payload type bit: encrypted.
const ENCRYPTED: u8 = 0x80;
/// Payload type bit: authenticated.
const AUTHENTICATED: u8 = 0x40;

/// What a packet carries (§13.27.3).
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Kind {
    /// A command or its answer.
    Message,
    /// RMCP+ Open Session Request.
    OpenRequest,
    /// RMCP+ Open Session Response.
    OpenResponse,
    /// RAKP message 1, 2, 3 or 4.
    Rakp(u8),
}

impl Kind {
    const fn code(self) -> u8 {
        match self {
            Self::Message => 0x00,
            Self::OpenRequest => 0x10,
            Self::OpenResponse => 0x11,
            Self::Rakp(number) => 0x11 + number,
        }
    }

    const fn from_code(code: u8) -> Option<Self> {
        match code {
            0x00 => Some(Self::Message),
            0x10 => Some(Self::OpenRequest),
            0x11 => Some(Self::OpenResponse),
            0x12..=0x15 => Some(Self::Rakp(code - 0x11)),
            _ => None,
        }
    }
}

/// A received packet, cut into its parts.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Packet<'a> {
    /// What it carries.
    pub kind: Kind,
    /// The session it is for; 0 outside a session.
    pub session: u32,
    /// Its session sequence number; 0 outside a session.
    pub sequence: u32,
    /// What it carries, still encrypted if the sender encrypted it.
    pub payload: &'a [u8],
    flags: u8,
    covered: &'a [u8],
    code: &'a [u8],
}

impl Packet<'_> {
    /// The decrypted payload, if the packet is authenticated and encrypted with `keys`.
    #[must_use]
    pub fn verified(&self, keys: &Keys) -> Option<Payload> {
        let protected = self.flags == ENCRYPTED | AUTHENTICATED;
        (protected && suite::equal(&keys.code(self.covered), self.code))
            .then(|| keys.open(self.payload))
            .flatten()
    }

    /// Whether the packet claims no protection at all, as those of the handshake do.
    #[must_use]
    pub const fn is_plain(&self) -> bool {
        self.flags == 0
    }
}

/// Writes a packet of the handshake: outside any session, unprotected.
///
/// # Errors
///
/// If the payload does not fit.
pub fn write_plain(kind: Kind, payload: &[u8]) -> Result<Payload, TooLong> {
    write(kind.code(), 0, 0, payload)
}

/// Writes a packet inside a session, encrypted and authenticated.
///
/// # Errors
///
/// If the payload does not fit.
pub fn write_sealed(
    keys: &Keys,
    session: u32,
    sequence: u32,
    message: &[u8],
    iv: [u8; suite::BLOCK],
) -> Result<Payload, TooLong> {
    let sealed = keys.seal(message, iv).ok_or(TooLong)?;
    let kind = Kind::Message.code() | ENCRYPTED | AUTHENTICATED;
    let mut packet = write(kind, session, sequence, &sealed)?;
    // The code covers everything after RMCP, in whole words, the two bytes before it included.
    let pad = (4 - (packet.len() - RMCP.len() + 2) % 4) % 4;
    for _ in 0..pad {
        packet.push(0xff).map_err(|_| TooLong)?;
    }
    let pad = u8::try_from(pad).map_err(|_| TooLong)?;
    packet.extend_from_slice(&[pad, NEXT_HEADER]).map_err(|_| TooLong)?;
    let code = keys.code(&packet[RMCP.len()..]);
    packet.extend_from_slice(&code).map_err(|_| TooLong)?;
    Ok(packet)
}

fn write(kind: u8, session: u32, sequence: u32, payload: &[u8]) -> Result<Payload, TooLong> {
    let mut packet = Payload::new();
    let length = u16::try_from(payload.len()).map_err(|_| TooLong)?;
    let parts: [&[u8]; 6] = [
        &RMCP,
        &[RMCP_PLUS, kind],
        &session.to_le_bytes(),
        &sequence.to_le_bytes(),
        &length.to_le_bytes(),
        payload,
    ];
    for part in parts {
        packet.extend_from_slice(part).map_err(|_| TooLong)?;
    }
    Ok(packet)
}

/// Cuts a datagram into its parts; nothing if it is not a whole RMCP+ packet.
#[must_use]
pub fn read(datagram: &[u8]) -> Option<Packet<'_>> {
    let (head, rest) = datagram.split_at_checked(HEAD)?;
    let (rmcp, head) = head.split_at_checked(RMCP.len())?;
    let &[kind, flagged, s0, s1, s2, s3, q0, q1, q2, q3, l0, l1] = head else {
        return None;
    };
    if rmcp != RMCP || kind != RMCP_PLUS {
        return None;
    }
    let (payload, trailer) = rest.split_at_checked(usize::from(u16::from_le_bytes([l0, l1])))?;
    let flags = flagged & (ENCRYPTED | AUTHENTICATED);
    let (padding, code) = if flags & AUTHENTICATED == 0 {
        (0, trailer)
    } else {
        let padding = trailer.iter().take_while(|byte| **byte == 0xff).count().min(3);
        let ends = trailer.get(padding..padding + 2)?;
        if ends != [u8::try_from(padding).ok()?, NEXT_HEADER] {
            return None;
        }
        (padding + 2, trailer.get(padding + 2..)?)
    };
    Some(Packet {
        kind: Kind::from_code(flagged & !(ENCRYPTED | AUTHENTICATED))?,
        session: u32::from_le_bytes([s0, s1, s2, s3]),
        sequence: u32::from_le_bytes([q0, q1, q2, q3]),
        payload,
        flags,
        covered: datagram.get(RMCP.len()..HEAD + payload.len() + padding)?,
        code,
    })
}

#[cfg(test)]
mod tests {
    use super::super::suite::Suite;
    use super::*;

    #[test]
    fn a_sealed_packet_is_read_back_and_no_flipped_bit_is() {
        for suite in [Suite::Sha1, Suite::Sha256] {
            let keys = Keys::new(suite, b"key");
            let packet = write_sealed(&keys, 7, 9, b"hello", [3; 16]).unwrap();
            let read_back = read(&packet).unwrap();
            assert_eq!((read_back.session, read_back.sequence), (7, 9));
            assert_eq!(read_back.verified(&keys).unwrap().as_slice(), b"hello");
            for bit in 0..packet.len() * 8 {
                let mut bad = packet.clone();
                bad[bit / 8] ^= 1 << (bit % 8);
                let opened = read(&bad).and_then(|packet| packet.verified(&keys));
                assert_eq!(opened, None, "bit {bit}");
            }
        }
    }

    #[test]
    fn no_part_of_a_packet_is_taken_for_the_whole() {
        let keys = Keys::new(Suite::Sha1, b"key");
        let packet = write_sealed(&keys, 7, 9, b"hello", [3; 16]).unwrap();
        for length in 0..packet.len() {
            let opened = read(&packet[..length]).and_then(|packet| packet.verified(&keys));
            assert_eq!(opened, None);
        }
    }

    #[test]
    fn an_unprotected_packet_is_never_verified() {
        let keys = Keys::new(Suite::Sha1, b"key");
        let packet = write_plain(Kind::Message, b"hello").unwrap();
        let packet = read(&packet).unwrap();
        assert!(packet.is_plain());
        assert_eq!(packet.verified(&keys), None);
    }
}
