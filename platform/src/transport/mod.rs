//! The pair's direct links: raw Ethernet frames with types of our own.
//!
//! Frames go to every station of the link, which is a cable or a network of its own; who spoke and
//! whether it may be believed is the machines' business, under the pair's key.

mod carrier;
mod packet;

pub(crate) use carrier::Carrier;
pub(crate) use packet::{PacketSocket, receive};

/// The guardians' frames: one of the two types for local experiments.
pub(crate) const GUARDIAN: u16 = 0x88b5;
/// The managers' stream: the other one.
pub(crate) const MANAGER: u16 = 0x88b6;
