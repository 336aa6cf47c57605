//! Cluster options that have a new name, and one that is gone.

use crate::upgrade::work::Work;

const NAMES: &[(&str, &str)] = &[
    ("crmd-finalization-timeout", "join-finalization-timeout"),
    ("crmd-integration-timeout", "join-integration-timeout"),
    ("crmd-transition-delay", "transition-delay"),
];

/// Rewrites the pairs of every `<cluster_property_set>`.
pub(super) fn rewrite(work: &mut Work) {
    let Some(section) = work.section("crm_config") else {
        return;
    };
    for set in work.children(section, |element| element.name() == "cluster_property_set") {
        for pair in work.children(set, |element| element.name() == "nvpair") {
            let name = work.text(pair, "name");
            let new = NAMES.iter().find(|(old, _)| *old == name).map(|(_, new)| *new);
            if let Some(new) = new {
                let twin = work.element(set).children().any(|p| p.attribute("name") == Some(new));
                if twin {
                    work.drop_element(pair, format!("option {name}: {new} stands beside it"));
                } else {
                    work.document.set_attribute(pair, "name", new);
                }
            } else if name == "stonith-action" && work.text(pair, "value") == "poweroff" {
                work.document.set_attribute(pair, "value", "off");
            } else if name == "remove-after-stop" {
                work.drop_element(pair, "option remove-after-stop: there is none any more");
            }
        }
    }
}
