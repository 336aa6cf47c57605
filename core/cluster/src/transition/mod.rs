//! Executing a transition: which step may start, what has ended, when to start over.

pub mod abort;
pub mod engine;

pub use abort::Abort;
pub use engine::{Engine, Outcome};
