//! Fence devices: the agents' names and options over the drivers of `diarch-fencing-hw`.
//!
//! An agent answers to the name and to the option names of the fence agent whose place it takes,
//! on the command line and as `name=value` lines on standard input. Nothing is started for it and
//! no secret leaves the process but through the device's own protocol. A device is named by its
//! address or by a line of `/etc/hosts`: a fence order never waits for a name server.

mod agents;
mod applet;
mod ask;
mod bmc;
mod device;
mod drive;
mod installed;
mod metadata;
mod options;
mod parameters;
mod pdu;
#[cfg(test)]
mod tests;

pub(crate) use agents::AGENTS;
pub(crate) use applet::main;
pub(crate) use ask::{ask, find, is_native};
