//! What resources' sets may say: failure stickiness, isolation, fence devices' parameters.

use super::options::{is_minus_infinity, one_failure};
use crate::upgrade::Effect;
use crate::upgrade::work::Work;
use crate::xml::NodeId;

/// The meta-attributes that put a resource into a container of its own.
const ISOLATION: [&str; 3] = ["isolation-instance", "isolation-host", "isolation-wrapper"];

/// Rewrites the sets of every primitive and template.
pub(super) fn rewrite(work: &mut Work) {
    for resource in work.find(|e| matches!(e.name(), "primitive" | "template")) {
        for set in work.children(resource, |element| element.name() == "meta_attributes") {
            isolation(work, set);
            failure_stickiness(work, set);
            work.drop_if_empty(set);
        }
        for set in work.children(resource, |element| element.name() == "instance_attributes") {
            fence_parameters(work, set);
            let is_reference = work.element(set).attribute("id-ref").is_some();
            if !is_reference {
                work.drop_if_empty(set);
            }
        }
    }
}

/// A resource that asked for a container that nothing provides any more must not run without one.
fn isolation(work: &mut Work, set: NodeId) {
    let asked = |name: Option<&str>| name.is_some_and(|name| ISOLATION.contains(&name));
    let about = work.children(set, |pair| {
        let name = pair.attribute("name");
        name == Some("isolation") || asked(name)
    });
    let is_isolated = about.iter().any(|pair| asked(work.element(*pair).attribute("name")));
    for (at, pair) in about.into_iter().enumerate() {
        let name = work.text(pair, "name");
        if at == 0 && is_isolated {
            work.document.set_attribute(pair, "name", "target-role");
            work.document.set_attribute(pair, "value", "Stopped");
            let what = "isolation is gone; the resource is disabled: use a bundle in its place";
            work.hint(Effect::Changed, pair, what);
        } else {
            work.drop_element(pair, format!("meta-attribute {name}: isolation is gone"));
        }
    }
}

fn failure_stickiness(work: &mut Work, set: NodeId) {
    let name = Some("resource-failure-stickiness");
    for pair in work.children(set, |pair| pair.attribute("name") == name) {
        if is_minus_infinity(&work.text(pair, "value")) {
            one_failure(work, pair);
        } else {
            let what = "resource-failure-stickiness: only -INFINITY has a counterpart";
            work.drop_element(pair, what);
        }
    }
}

fn fence_parameters(work: &mut Work, set: NodeId) {
    for pair in work.children(set, |element| element.name() == "nvpair") {
        let name = work.text(pair, "name");
        let action = name.strip_prefix("pcmk_").and_then(|rest| rest.strip_suffix("_cmd"));
        if let Some(action) = action {
            let name = format!("pcmk_{action}_action");
            work.document.set_attribute(pair, "name", &name);
        } else if name == "pcmk_arg_map" {
            argument_map(work, pair);
        }
    }
}

fn argument_map(work: &mut Work, pair: NodeId) {
    let value = work.text(pair, "value");
    match value.strip_prefix("port:").filter(|argument| !argument.contains([':', ','])) {
        Some(argument) => {
            work.document.set_attribute(pair, "name", "pcmk_host_argument");
            work.document.set_attribute(pair, "value", argument);
        }
        None => work.drop_element(
            pair,
            format!("pcmk_arg_map=\"{value}\": only port:NAME has a counterpart"),
        ),
    }
}
