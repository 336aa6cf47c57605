//! Switched PDUs over SNMP, as a driver of some outlets of one PDU.
//!
//! Layers, bottom up: [`ber`] is the encoding (X.690, the part of it that SNMP uses), [`message`]
//! the requests and their answers (RFC 1157, RFC 3416), [`usm`] proves and hides what version 3
//! sends (RFC 3414, RFC 3826, RFC 7860), [`model`] the table of what PDUs there are, [`Outlets`]
//! the driver.

pub mod ber;
pub mod message;
pub mod model;
pub mod usm;

mod outlets;

pub use outlets::{OUTLETS_MAX, Outlets};

use crate::power::DATAGRAM_MAX;
use heapless::Vec;

/// Longest object identifier, in numbers.
pub const OID_MAX: usize = 24;
/// Longest community, user name and secret, in bytes.
pub const NAME_MAX: usize = 64;

/// An object's name.
pub type Oid = Vec<u32, OID_MAX>;
/// A community, a user's name or a secret.
pub type Name = Vec<u8, NAME_MAX>;
/// An encoded message.
pub type Encoded = Vec<u8, DATAGRAM_MAX>;

/// Whom a PDU believes.
#[derive(Clone)]
pub enum Access {
    /// Version 1 with this community.
    V1(Name),
    /// Version 2c with this community.
    V2c(Name),
    /// Version 3 with this user.
    V3(usm::User),
}

impl core::fmt::Debug for Access {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.write_str(match self {
            Self::V1(_) => "V1(…)",
            Self::V2c(_) => "V2c(…)",
            Self::V3(_) => "V3(…)",
        })
    }
}
