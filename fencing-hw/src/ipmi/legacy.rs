//! The session header of IPMI 1.5 (IPMI 2.0 §13.6, §13.15, §22.17): packets of old BMCs.
//!
//! [`read`] is a checked view: whatever it returns lies inside the datagram. It does not judge a
//! packet's authenticity; [`Packet::is_signed_by`] does. Nothing is encrypted.

use super::message::TooLong;
use super::wire::RMCP;
use super::{Payload, Secret, suite};
use core::fmt;
use md5::{Digest as _, Md5};

/// Bytes of an authentication code, of a padded password and of a padded user name.
pub const CODE_LEN: usize = 16;

/// How a session of IPMI 1.5 proves its packets (§22.13).
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Auth {
    /// A digest over password and packet.
    Md5,
    /// The password itself, readable by whoever listens.
    Password,
}

impl Auth {
    /// Its number on the wire.
    #[must_use]
    pub const fn code(self) -> u8 {
        match self {
            Self::Md5 => 2,
            Self::Password => 4,
        }
    }
}

/// What proves the packets of one session. Printing it prints nothing of the password.
#[derive(Clone)]
pub struct Signer {
    auth: Auth,
    password: [u8; CODE_LEN],
}

impl fmt::Debug for Signer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Signer({:?})", self.auth)
    }
}

impl Signer {
    /// For this password, or nothing if it is longer than IPMI 1.5 allows.
    #[must_use]
    pub fn new(auth: Auth, password: &Secret) -> Option<Self> {
        padded(password.bytes()).map(|password| Self { auth, password })
    }

    /// How packets are proved.
    #[must_use]
    pub const fn auth(&self) -> Auth {
        self.auth
    }

    fn code(&self, session: u32, sequence: u32, payload: &[u8]) -> [u8; CODE_LEN] {
        match self.auth {
            Auth::Password => self.password,
            Auth::Md5 => {
                let mut digest = Md5::new();
                digest.update(self.password);
                digest.update(session.to_le_bytes());
                digest.update(payload);
                digest.update(sequence.to_le_bytes());
                digest.update(self.password);
                digest.finalize().into()
            }
        }
    }
}

/// Bytes with zeros behind them, if they are not too many.
pub(super) fn padded(bytes: &[u8]) -> Option<[u8; CODE_LEN]> {
    let mut padded = [0; CODE_LEN];
    padded.get_mut(..bytes.len())?.copy_from_slice(bytes);
    Some(padded)
}

/// A received packet, cut into its parts.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Packet<'a> {
    /// The session it is for; 0 outside a session.
    pub session: u32,
    /// Its session sequence number; 0 outside a session.
    pub sequence: u32,
    /// The message.
    pub payload: &'a [u8],
    auth: u8,
    code: &'a [u8],
}

impl Packet<'_> {
    /// Whether the packet is proved in the way, and with the password, of `signer`.
    #[must_use]
    pub fn is_signed_by(&self, signer: &Signer) -> bool {
        let code = signer.code(self.session, self.sequence, self.payload);
        self.auth == signer.auth.code() && suite::equal(&code, self.code)
    }

    /// Whether the packet claims no proof at all, as those before a session do.
    #[must_use]
    pub const fn is_plain(&self) -> bool {
        self.auth == 0
    }
}

/// Writes a packet outside any session, with no proof.
///
/// # Errors
///
/// If the message does not fit.
pub fn write_plain(message: &[u8]) -> Result<Payload, TooLong> {
    write(&[], 0, 0, 0, message)
}

/// Writes a packet that `signer` proves.
///
/// # Errors
///
/// If the message does not fit.
pub fn write_signed(
    signer: &Signer,
    session: u32,
    sequence: u32,
    message: &[u8],
) -> Result<Payload, TooLong> {
    let code = signer.code(session, sequence, message);
    write(&code, signer.auth.code(), session, sequence, message)
}

fn write(
    code: &[u8],
    auth: u8,
    session: u32,
    sequence: u32,
    message: &[u8],
) -> Result<Payload, TooLong> {
    let length = u8::try_from(message.len()).map_err(|_| TooLong)?;
    let mut packet = Payload::new();
    let (sequence, session) = (sequence.to_le_bytes(), session.to_le_bytes());
    for part in [&RMCP[..], &[auth], &sequence, &session, code, &[length], message] {
        packet.extend_from_slice(part).map_err(|_| TooLong)?;
    }
    Ok(packet)
}

/// Cuts a datagram into its parts; nothing if it is not one of IPMI 1.5.
#[must_use]
pub fn read(datagram: &[u8]) -> Option<Packet<'_>> {
    let (rmcp, rest) = datagram.split_first_chunk::<4>()?;
    let (&[auth], rest) = rest.split_first_chunk::<1>()?;
    let (sequence, rest) = rest.split_first_chunk::<4>()?;
    let (session, rest) = rest.split_first_chunk::<4>()?;
    let (code, rest) = match auth {
        0 => (&[][..], rest),
        1 | 2 | 4 => rest.split_at_checked(CODE_LEN)?,
        _ => return None,
    };
    let (&length, rest) = rest.split_first()?;
    // What follows the message is padding for old network chips.
    let payload = rest.get(..usize::from(length))?;
    (*rmcp == RMCP).then_some(Packet {
        session: u32::from_le_bytes(*session),
        sequence: u32::from_le_bytes(*sequence),
        payload,
        auth,
        code,
    })
}

#[cfg(test)]
#[path = "legacy_tests.rs"]
mod tests;
