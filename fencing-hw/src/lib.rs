//! Power switches: what stands in the rack, as codecs and state machines without I/O.
//!
//! Every driver is a [`power::PowerSwitch`]: requests, datagrams and the time go in, datagrams and
//! results come out. Two rules hold for each of them. *Unknown is never off*: silence, an error or
//! a value outside the documented set says nothing about the machine. *Off means read back off*: a
//! device that accepted an order has not obeyed it yet.

#![no_std]
#![forbid(unsafe_code)]

#[cfg(test)]
extern crate std;

#[cfg(test)]
mod fixtures;
pub mod ipmi;
pub mod power;
mod random;
pub mod snmp;
pub mod time;
