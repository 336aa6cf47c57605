//! Bundles: containers with a resource inside each (*Pacemaker Explained*, "Bundles").

use crate::model::{RscIdx, Tables};

/// Reads a bundle.
pub(crate) fn unpack(t: &mut Tables<'_>, rsc: RscIdx) -> Option<()> {
    let id = t.resources[rsc].id.clone();
    t.error(format!("ignoring bundle '{id}': not supported yet"));
    None
}
