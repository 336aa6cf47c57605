//! Resources: `<master>`, bundles' `masters`, and meta-attributes that are gone.

use super::PREFIX;
use crate::upgrade::Effect;
use crate::upgrade::work::Work;

/// Meta-attributes of resources and operations that mean nothing any more.
const GONE: &[&str] =
    &["restart-type", "restart_type", "can_fail", "can-fail", "role_after_failure"];

/// Rewrites resources and defaults.
pub(super) fn rewrite(work: &mut Work) {
    for master in work.find(|element| element.name() == "master") {
        work.document.rename(master, "clone");
        let wanted = format!("{PREFIX}meta_attributes-{}", work.text(master, "id"));
        let id = work.free_id(&wanted);
        let set = work.document.insert_new(master, 0, "meta_attributes");
        work.document.set_attribute(set, "id", &id);
        work.document.set_attribute(set, "score", "INFINITY");
        work.add_pair(set, &format!("{id}-promotable"), "promotable", "true");
    }
    for container in work.find(|e| matches!(e.name(), "docker" | "podman")) {
        if work.element(container).attribute("promoted-max").is_none() {
            work.rename_attribute(container, "masters", "promoted-max");
        } else if work.document.remove_attribute(container, "masters") {
            work.hint(Effect::Dropped, container, "masters: promoted-max stands beside it");
        }
    }
    for set in work.find(|element| element.name() == "meta_attributes") {
        for pair in work.children(set, |e| e.attribute("name").is_some_and(|n| GONE.contains(&n))) {
            let name = work.text(pair, "name");
            work.drop_element(pair, format!("meta-attribute {name}: it has no effect any more"));
        }
    }
}
