//! Two machines in QEMU, seen only from outside: consoles, QMP, the network, the shared disks.

pub mod client;
pub mod console;
pub mod journal;
pub mod nbd;
pub mod network;
pub mod pair;
pub mod qemu;
pub mod qmp;
pub mod referee;
pub mod scenario;
pub mod story;
pub mod timeline;
pub mod trouble;
pub mod wait;
