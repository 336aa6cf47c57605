//! The pair in a simulated world, replayed from a seed.
//!
//! [`world`] drives two real guardians in virtual time against simulated [`network`], [`disk`]s,
//! watchdogs and power; [`fault`] is what goes wrong; [`checker`] holds what must never happen;
//! [`run`] is one run from one seed. The scenarios under `tests/` are named by what they claim.

pub mod checker;
pub mod disk;
pub mod fault;
pub mod network;
pub mod node;
pub mod rng;
pub mod run;
pub mod world;
