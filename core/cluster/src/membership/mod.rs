//! Who is in sight: sealed heartbeats, the health of each link, and the two-sided handshake.
//!
//! - [`wire`] seals and opens frames and says what a heartbeat means.
//! - [`link`] keeps the health of one link, with hysteresis.
//! - [`figures`] counts what a link loses and delays.
//! - [`line`] finds frames among the bytes of a serial line.
//! - [`contact`] keeps what is known of the peer, and the lease that it gives and takes.

pub mod contact;
pub mod figures;
pub mod line;
pub mod link;
pub mod wire;
