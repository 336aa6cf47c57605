//! IPMI over LAN, 2.0 (RMCP+) and 1.5, as a driver of one BMC.
//!
//! Layers, bottom up: [`wire`] frames a payload for RMCP and for a session, [`suite`] is the
//! cryptography of cipher suites 3 and 17, [`rakp`] is the handshake, [`legacy`] frames and proves
//! packets of IPMI 1.5, [`message`] is the command inside a session, [`Lan`] the driver. IPMI 2.0
//! §13 (sessions), §22 (commands), §28 (chassis).

pub mod legacy;
pub mod message;
pub mod rakp;
pub mod suite;
pub mod wire;

mod lan;
mod login;
mod session;

pub use lan::Lan;
pub use login::Old;

use crate::power::DATAGRAM_MAX;
use heapless::{String, Vec};
use suite::Suite;

/// Longest user name, in bytes (IPMI 2.0 §13.20).
pub const USER_MAX: usize = 16;
/// Longest password or Kg, in bytes (IPMI 2.0 §13.31).
pub const SECRET_MAX: usize = 20;

/// A payload inside a frame.
pub type Payload = Vec<u8, DATAGRAM_MAX>;

/// A secret. Printing it prints nothing of it.
#[derive(Clone, Default)]
pub struct Secret(Vec<u8, SECRET_MAX>);

impl Secret {
    /// A secret of at most [`SECRET_MAX`] bytes, or nothing if it is longer.
    #[must_use]
    pub fn new(bytes: &[u8]) -> Option<Self> {
        Vec::from_slice(bytes).ok().map(Self)
    }

    pub(crate) fn bytes(&self) -> &[u8] {
        &self.0
    }
}

impl core::fmt::Debug for Secret {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.write_str("Secret(…)")
    }
}

/// The privilege that a session asks for (IPMI 2.0 §6.8).
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Privilege {
    /// May read.
    User,
    /// May switch power.
    Operator,
    /// May do everything.
    Administrator,
}

impl Privilege {
    /// The level's number on the wire.
    #[must_use]
    pub const fn code(self) -> u8 {
        match self {
            Self::User => 2,
            Self::Operator => 3,
            Self::Administrator => 4,
        }
    }
}

/// How to reach and convince one BMC.
#[derive(Clone, Debug)]
pub struct Settings {
    /// The user's name, at most [`USER_MAX`] bytes.
    pub user: String<USER_MAX>,
    /// The user's password.
    pub password: Secret,
    /// The BMC's own key, where one is set.
    pub kg: Option<Secret>,
    /// The cipher suite. Suite 0 authenticates nobody and cannot be named here.
    pub suite: Suite,
    /// The level to ask for.
    pub privilege: Privilege,
}
