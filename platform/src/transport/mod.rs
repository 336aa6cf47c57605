//! The pair's links: raw Ethernet frames with types of our own, datagrams of UDP, serial lines.
//!
//! Frames go to every station of an Ethernet link, which is a cable or a network of its own; who
//! spoke and whether it may be believed is the machines' business, under the pair's key.

mod carrier;
mod link;
mod packet;
mod serial;
mod udp;

pub(crate) use carrier::Carrier;
pub(crate) use link::{Link, Reader};

/// Whose frames a socket carries.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Half {
    /// The guardians': heartbeats.
    Guardian,
    /// The managers': their stream.
    Manager,
}

impl Half {
    /// The two types for local experiments.
    const fn ether_type(self) -> u16 {
        match self {
            Self::Guardian => 0x88b5,
            Self::Manager => 0x88b6,
        }
    }
}
