//! Self-fencing: the watchdog and SBD's disk format.
//!
//! A node that cannot prove it is healthy stops feeding its watchdog and is reset by hardware; the
//! guardian's table of verdicts decides when. `device` says what any watchdog can do, `linux`
//! drives a real one and `software` stands in for it in test rigs. `sbd` holds SBD's on-disk words
//! and machines without I/O, `disk` performs their sector operations, `applet` is the `sbd` tool
//! over both.

pub mod applet;
pub mod device;
pub mod disk;
pub mod linux;
pub mod sbd;
pub mod software;
pub mod time;
