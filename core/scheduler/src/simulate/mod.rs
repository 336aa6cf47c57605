//! What if: suppose that something happened, and carry the transition out on paper.

mod inject;
mod run;
mod state;

pub use inject::{Change, InjectError, inject};
pub use run::{Outcome, run};

use crate::model::Tables;
use diarch_cib::xml::Document;

/// Reads what a run on paper came to. Nothing is in progress any more: what was begun before and
/// is not part of the transition shows in its resource's role only.
#[must_use]
pub fn read_after<'c>(cib: &'c Document, input: &crate::Input) -> Tables<'c> {
    let mut tables = crate::read(cib, input);
    for rsc in tables.resources.ids() {
        tables.resources[rsc].pending = None;
    }
    tables
}
