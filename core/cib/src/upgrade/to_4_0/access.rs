//! Access control lists: permissions for what is gone, or has become several.

use crate::upgrade::Effect;
use crate::upgrade::work::Work;
use crate::xml::{Document, NodeId};
use std::collections::{BTreeMap, BTreeSet};

/// An `XPath` that selects nothing.
const NOTHING: &str = "/*[false()]";

/// What there was before the step.
pub(super) struct Before {
    ids: BTreeSet<String>,
    text: String,
}

impl Before {
    pub(super) fn of(work: &Work) -> Self {
        Self { ids: ids(work), text: text(work) }
    }
}

fn ids(work: &Work) -> BTreeSet<String> {
    let all = work.find(|element| work.has_own_id(element.id()));
    all.into_iter().map(|node| work.text(node, "id")).collect()
}

fn text(work: &Work) -> String {
    let configuration = work.document.root().child("configuration");
    configuration.map_or_else(String::new, |all| Document::from_element(all).write_compact())
}

/// Rewrites permissions whose reference leads nowhere any more, or to one part of several.
pub(super) fn rewrite(work: &mut Work, before: &Before, splits: &BTreeMap<String, Vec<String>>) {
    let is_changed = text(work) != before.text;
    let after = ids(work);
    let permissions = work.find(|e| e.name() == "acl_permission");
    let path = permissions.iter().find(|node| work.element(**node).attribute("xpath").is_some());
    if let Some(permission) = path.filter(|_| is_changed) {
        let what = "permissions by XPath may select other things now: look at each";
        work.hint(Effect::Changed, *permission, what);
    }
    for permission in permissions {
        let Some(id) = work.element(permission).attribute("reference").map(ToOwned::to_owned)
        else {
            continue;
        };
        if let Some(parts) = splits.get(&id).filter(|_| after.contains(&id)) {
            let named: Vec<String> = parts.iter().map(|id| format!("@id='{id}'")).collect();
            select(work, permission, &format!("//rsc_location[{}]", named.join(" or ")));
            let what = format!("{id} is several constraints now; an XPath selects them");
            work.hint(Effect::Changed, permission, what);
        } else if before.ids.contains(&id) && !after.contains(&id) {
            select(work, permission, NOTHING);
            let what = format!("{id} is gone; an XPath that selects nothing stands for it");
            work.hint(Effect::Changed, permission, what);
        }
    }
}

fn select(work: &mut Work, permission: NodeId, path: &str) {
    work.rename_attribute(permission, "reference", "xpath");
    work.document.set_attribute(permission, "xpath", path);
}
