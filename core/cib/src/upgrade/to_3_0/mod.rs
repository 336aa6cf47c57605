//! From 2.10 to 3.0: cluster options with one spelling and one place, no `normal` nodes, fence
//! devices' parameters, isolation, and what an operation's sets may say.

mod operations;
mod options;
mod resources;

use super::UpgradeError;
use super::work::Work;

/// Rewrites options, nodes, resources, operations and colocations.
#[expect(clippy::unnecessary_wraps, reason = "every step has the same type")]
pub(super) fn step(work: &mut Work) -> Result<(), UpgradeError> {
    options::rewrite(work);
    nodes(work);
    resources::rewrite(work);
    operations::rewrite(work);
    colocations(work);
    Ok(())
}

fn nodes(work: &mut Work) {
    let normal = work.find(|e| e.name() == "node" && e.attribute("type") == Some("normal"));
    for node in normal {
        work.document.set_attribute(node, "type", "member");
    }
}

/// Scores by attribute never had an effect there.
fn colocations(work: &mut Work) {
    for colocation in work.find(|element| element.name() == "rsc_colocation") {
        for name in ["score-attribute", "score-attribute-mangle"] {
            work.document.remove_attribute(colocation, name);
        }
    }
}
