//! Self-fencing: the watchdog, its feeder and SBD's disk format.
//!
//! A node that cannot prove it is healthy stops feeding its watchdog and is reset by hardware. This
//! crate holds the decision (pure), the device (Linux), and the on-disk words of SBD.

pub mod applet;
pub mod device;
pub mod disk;
pub mod feeder;
pub mod linux;
pub mod sbd;
pub mod software;
pub mod time;
