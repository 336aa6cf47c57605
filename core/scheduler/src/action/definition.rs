//! Parameters that changed since an operation ran: restart or reload.

use super::create;
use crate::model::{NodeIdx, RscIdx, Tables};
use diarch_cib::digest;
use diarch_cib::xml::Element;

/// Compares the digest that a start was recorded with to that of the parameters of now.
pub(super) fn check(t: &mut Tables<'_>, rsc: RscIdx, node: NodeIdx, op: Element<'_>) {
    let Some(recorded) = op.attribute("op-digest") else { return };
    if recorded.is_empty()
        || t.resources[rsc].fence_device
        || t.resources[rsc].remote_connection
        || t.is_bundled(rsc)
    {
        return;
    }
    let parameters = crate::unpack::resources::parameters(t, rsc, Some(node));
    let pairs = || parameters.iter().map(|(name, value)| (name.as_ref(), value.as_ref()));
    if digest::of_parameters(pairs(), false) == recorded {
        return;
    }
    if let Some(restart) = op.attribute("op-restart-digest") {
        let forced: Vec<&str> =
            op.attribute("op-force-restart").unwrap_or("").split_whitespace().collect();
        let kept = pairs().filter(|(name, _)| forced.contains(name));
        if digest::of_parameters(kept, false) == restart {
            t.resources[rsc].reload = true;
            return;
        }
    }
    create::resource(t, rsc, "start", 0, Some(node), false);
}
