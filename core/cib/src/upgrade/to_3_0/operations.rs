//! What an operation may say: `requires` is the resource's, its own options are
//! meta-attributes.

use crate::upgrade::Effect;
use crate::upgrade::work::Work;
use crate::xml::NodeId;

/// An operation's own options, which stood among the agent's parameters.
const OPTIONS: &[&str] =
    &["interval-origin", "start-delay", "enabled", "on-fail", "record-pending", "role", "timeout"];

/// Rewrites the operations of every primitive and template.
pub(super) fn rewrite(work: &mut Work) {
    for resource in work.find(|e| matches!(e.name(), "primitive" | "template")) {
        let mut requires = None;
        for list in work.children(resource, |element| element.name() == "operations") {
            for operation in work.children(list, |element| element.name() == "op") {
                rewrite_sets(work, operation, &mut requires);
                rewrite_attribute(work, operation, &mut requires);
            }
        }
        if let Some(requires) = requires {
            hand_to_resource(work, resource, &requires);
        }
    }
}

/// What operations have required, to become what the resource requires.
struct Requires {
    value: String,
    pair_id: String,
    set_id: Option<String>,
}

/// Only starting and promoting could require something.
fn counts(work: &Work, operation: NodeId) -> bool {
    matches!(work.element(operation).attribute("name"), Some("start" | "promote"))
}

fn rewrite_attribute(work: &mut Work, operation: NodeId, requires: &mut Option<Requires>) {
    let Some(value) = work.element(operation).attribute("requires").map(ToOwned::to_owned) else {
        return;
    };
    work.document.remove_attribute(operation, "requires");
    if counts(work, operation) {
        let pair_id = format!("_2TO3_{}-meta-requires", work.text(operation, "id"));
        *requires = Some(Requires { value, pair_id, set_id: None });
        work.hint(Effect::Changed, operation, "what it requires, the resource requires now");
    } else {
        work.hint(Effect::Dropped, operation, "requires: it counted for start and promote only");
    }
}

fn rewrite_sets(work: &mut Work, operation: NodeId, requires: &mut Option<Requires>) {
    for set in work.children(operation, |element| element.name() == "instance_attributes") {
        for pair in work.children(set, |element| element.name() == "nvpair") {
            let name = work.text(pair, "name");
            if OPTIONS.contains(&name.as_str()) {
                let wanted = format!("_2TO3_{}-meta", work.text(operation, "id"));
                let target = work.set_or_new(operation, "meta_attributes", &wanted);
                work.document.move_into(pair, target);
            } else if name == "requires" && counts(work, operation) {
                let (value, pair_id) = (work.text(pair, "value"), work.text(pair, "id"));
                let set_id = Some(format!("_2TO3_{}", work.text(set, "id")));
                work.hint(Effect::Changed, pair, "the resource requires it now");
                work.document.detach(pair);
                work.release_id(&pair_id);
                *requires = Some(Requires { value, pair_id, set_id });
            } else if name == "requires" {
                work.drop_element(pair, "requires: it counted for start and promote only");
            }
        }
        let is_reference = work.element(set).attribute("id-ref").is_some();
        if !is_reference {
            work.drop_if_empty(set);
        }
    }
}

/// The last operation that says it is heard, unless the resource has its own word.
fn hand_to_resource(work: &mut Work, resource: NodeId, requires: &Requires) {
    let own = work.element(resource).children_named("meta_attributes").any(|set| {
        set.children_named("nvpair").any(|pair| pair.attribute("name") == Some("requires"))
    });
    if own {
        work.hint(Effect::Dropped, resource, "requires of an operation: the resource has its own");
        return;
    }
    let default = format!("_2TO3_{}-meta", work.text(resource, "id"));
    let wanted = requires.set_id.as_deref().unwrap_or(&default);
    let set = work.new_set(resource, "meta_attributes", wanted);
    work.add_pair(set, &requires.pair_id, "requires", &requires.value);
}
