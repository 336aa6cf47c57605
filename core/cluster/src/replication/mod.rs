//! The CIB and everything that goes with it, kept the same on both nodes.

pub mod stream;
