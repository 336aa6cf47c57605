//! From 3.10 to 4.0: names, sets in the order of their scores, constraints with one rule each, and
//! the end of what the old dialects kept for long.

mod access;
mod constraints;
mod options;
mod references;
mod resources;
mod sets;
mod unsupported;

use super::work::Work;
use super::{Effect, UpgradeError};
use crate::xml::NodeId;

/// How ids begin that this step makes.
pub(super) const PREFIX: &str = "pcmk__3_10_upgrade-";

/// Rewrites everything but the status. References are written out before and made again after, so
/// that what stands where it is used is rewritten as it is used.
pub(super) fn step(work: &mut Work) -> Result<(), UpgradeError> {
    let before = access::Before::of(work);
    let references = references::resolve(work)?;
    options::rewrite(work);
    unsupported::remove(work);
    resources::rewrite(work);
    constraints::ping_nodes(work);
    constraints::lifetimes(work);
    let splits = constraints::split(work);
    sets::rewrite(work);
    moons(work);
    levels(work);
    references::restore(work, &references);
    access::rewrite(work, &before, &splits);
    Ok(())
}

/// The phase of the moon selects nothing any more.
fn moons(work: &mut Work) {
    for part in work.find(|e| matches!(e.name(), "date_spec" | "duration")) {
        if work.document.remove_attribute(part, "moon") {
            work.hint(Effect::Widened, part, "moon is gone, the rest of the date_spec holds alone");
        }
    }
}

/// Levels of fencing go from 1 to 9.
fn levels(work: &mut Work) {
    let above = |text: &str| text.parse::<u64>().is_ok_and(|index| index > 9);
    let gone =
        work.find(|e| e.name() == "fencing-level" && e.attribute("index").is_some_and(above));
    for level in gone {
        work.drop_element(level, "a fencing level above 9 was never tried");
    }
}

/// A new rule in `owner`, before everything else in it.
fn first_rule(work: &mut Work, owner: NodeId, wanted_id: &str, operator: &str) -> NodeId {
    let id = work.free_id(&format!("{PREFIX}{wanted_id}"));
    let rule = work.document.insert_new(owner, 0, "rule");
    work.document.set_attribute(rule, "id", &id);
    work.document.set_attribute(rule, "boolean-op", operator);
    rule
}

/// Adds an expression that compares the node's name.
fn add_node_expression(work: &mut Work, rule: NodeId, node: &str) {
    let id = work.text(rule, "id");
    let expression = work.new_set(rule, "expression", &format!("{id}-expr"));
    for (name, value) in [("attribute", "#uname"), ("operation", "eq"), ("value", node)] {
        work.document.set_attribute(expression, name, value);
    }
}
