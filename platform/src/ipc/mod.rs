//! The tools' socket: one Unix socket of our own, messages of one XML document each.
//!
//! A message is a little-endian `u32` length and that many bytes. The server checks the peer's
//! credentials as the kernel tells them, and drops a client that does not take its answers.

pub(crate) mod client;
pub(crate) mod codec;
pub(crate) mod server;

/// Where the manager listens.
pub(crate) const SOCKET: &str = "/run/diarch/tools.sock";
