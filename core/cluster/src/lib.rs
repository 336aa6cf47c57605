//! The pair, as machines without I/O.
//!
//! Two machines per node. The **guardian** decides who is alive and who may act; it alone feeds the
//! watchdog. The **manager** decides what should run where and makes it so; it takes membership and
//! fencing evidence from the guardian and from nowhere else. Neither opens a socket, reads a file,
//! starts a process or looks at a clock: inputs and the time go in, outputs come out, so that the
//! platform and the simulator drive exactly the same code.
//!
//! - [`view`] is what the two halves of one node tell each other.
//! - [`guardian`] composes [`membership`] (frames, links, leases, the handshake) and
//!   [`arbitration`] (the claim on the shared disks, and the table that decides).
//! - [`guardian_io`] and [`manager_io`] are what the platform (or simulator) feeds and performs.
//! - [`fencing`] has the peer's power switched off where the guardian allows it, and reads it back.
//! - [`alerts`] are the administrator's programs that are told what happens.
//! - [`request`] is what the command-line tools ask of a manager.
//! - [`config`] and [`timing`] are the pair's settings and every timer derived from them.
//!
//! **What keeps two nodes safe.** A node with protected resources feeds its watchdog only within a
//! lease that its peer has given, or with the claim held, or when the peer left for good. The lease
//! runs from a moment on the *own* clock that the peer has echoed, so the peer can bound it without
//! knowing anything of the network. Of two contenders one wins the claim; the winner waits out the
//! loser's lease, watchdog and margin, or takes better proof, before anything is started.
//!
//! It relies on: clocks that drift less than the margin covers, a watchdog that fires at its
//! effective timeout, sectors that a majority of the configured disks keeps once written, one
//! guardian per boot of a machine, and a shared key that nobody else has.

#![forbid(unsafe_code)]

pub mod alerts;
pub mod arbitration;
pub mod attributes;
pub mod config;
pub mod controller;
pub mod executor;
pub mod fencing;
pub mod guardian;
pub mod guardian_io;
pub mod manager;
pub mod manager_io;
pub mod membership;
pub mod replication;
pub mod request;
pub mod timing;
pub mod transition;
pub mod view;

pub use diarch_watchdog::time::Instant;
pub use manager::{Manager, ManagerConfig};

/// The feature set of the CIB that this build writes, and that agents are told.
pub const FEATURE_SET: &str = "3.20.5";

/// A number that looks random and depends on nothing but `seed`.
const fn random(seed: u64) -> u64 {
    let mixed = seed.wrapping_add(0x9e37_79b9_7f4a_7c15);
    let mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    mixed ^ (mixed >> 31)
}
