//! What if: suppose that something happened, and carry the transition out on paper.

mod inject;
mod run;
mod state;

pub use inject::{Change, InjectError, inject};
pub use run::{Outcome, run};
