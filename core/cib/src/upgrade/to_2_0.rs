//! From 1.x to 2.0: access control lists name roles and permissions.

use super::work::Work;
use super::{Effect, UpgradeError};
use crate::xml::NodeId;

const PERMISSIONS: [&str; 3] = ["read", "write", "deny"];

/// Rewrites `<acls>`.
#[expect(clippy::unnecessary_wraps, reason = "every step has the same type")]
pub(super) fn step(work: &mut Work) -> Result<(), UpgradeError> {
    let Some(acls) = work.section("acls") else {
        return Ok(());
    };
    for owner in work.children(acls, |e| matches!(e.name(), "acl_role" | "acl_user")) {
        for permission in work.children(owner, |e| PERMISSIONS.contains(&e.name())) {
            rewrite_permission(work, permission);
        }
    }
    for user in work.children(acls, |element| element.name() == "acl_user") {
        rewrite_user(work, acls, user);
    }
    Ok(())
}

fn rewrite_permission(work: &mut Work, permission: NodeId) {
    let kind = work.element(permission).name().to_owned();
    let all: Vec<(String, String)> = work
        .element(permission)
        .attributes()
        .map(|(name, value)| (name.to_owned(), value.to_owned()))
        .collect();
    let attribute = work.element(permission).attribute("attribute").map(ToOwned::to_owned);
    let in_path = work.element(permission).attribute("xpath").is_some();
    for (name, _) in &all {
        work.document.remove_attribute(permission, name);
    }
    work.document.rename(permission, "acl_permission");
    for (name, value) in all {
        match name.as_str() {
            "id" => {
                work.document.set_attribute(permission, "id", &value);
                work.document.set_attribute(permission, "kind", &kind);
            }
            "ref" => work.document.set_attribute(permission, "reference", &value),
            "tag" => work.document.set_attribute(permission, "object-type", &value),
            "xpath" => {
                let narrowed = attribute.as_ref().map(|name| format!("{value}[@{name}]"));
                let path = narrowed.unwrap_or(value);
                work.document.set_attribute(permission, "xpath", &path);
            }
            "attribute" if in_path => {}
            _ => work.document.set_attribute(permission, &name, &value),
        }
    }
    if in_path && attribute.is_some() {
        let what = "an attribute joined to an XPath selects elements that have the attribute";
        work.hint(Effect::Changed, permission, what);
    }
}

/// A user of roles becomes a target; one with permissions of its own gets a role for them.
fn rewrite_user(work: &mut Work, acls: NodeId, user: NodeId) {
    work.document.rename(user, "acl_target");
    for role in work.children(user, |element| element.name() == "role_ref") {
        work.document.rename(role, "role");
    }
    let own = work.children(user, |element| element.name() == "acl_permission");
    if own.is_empty() {
        return;
    }
    let wanted = format!("auto-{}", work.text(user, "id"));
    let role = work.new_set(acls, "acl_role", &wanted);
    for permission in own {
        work.document.move_into(permission, role);
    }
    let id = work.text(role, "id");
    let reference = work.document.append_new(user, "role");
    work.document.set_attribute(reference, "id", &id);
}
