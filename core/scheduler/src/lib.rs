//! From a CIB to a transition: `schedule(cib, now) -> plan`.

#![forbid(unsafe_code)]

pub mod graph;
