//! Which node a tool works for when its caller names none.
//!
//! An agent's environment says it, so that the tools which agents call on every monitor ask the
//! manager one question only.

use super::exit::Exit;
use super::run::{Failure, Run, World};
use super::source::Source;
use diarch_cib::xml::Document;
use diarch_cluster::request::Request;

/// The node whose attributes an agent means: its own, or, for a bundled resource whose attributes
/// belong to the container's host, that host.
pub(super) fn target_of_agent(world: &World) -> Option<String> {
    let on_host = world
        .variable("OCF_RESKEY_CRM_meta_container_attribute_target")
        .is_some_and(|target| target == "host");
    let name =
        if on_host { "OCF_RESKEY_CRM_meta_physical_host" } else { "OCF_RESKEY_CRM_meta_on_node" };
    world.variable(name).map(str::to_owned)
}

/// This node's name: from an agent's environment, from the manager, or (on a file) the system's.
///
/// # Errors
/// The manager does not answer.
pub(super) fn node(run: &Run, source: &Source) -> Result<String, Failure> {
    if let Some(name) = target_of_agent(&run.world) {
        return Ok(name);
    }
    if !source.is_live() {
        return host_name();
    }
    let members = members(source)?;
    members
        .local_name()
        .ok_or_else(|| Failure::new(Exit::Disconnect, "Could not determine the local node name"))
}

/// The system's name for itself.
///
/// # Errors
/// The kernel does not tell.
pub(super) fn host_name() -> Result<String, Failure> {
    let name = std::fs::read_to_string("/proc/sys/kernel/hostname")
        .map_err(|error| Failure::new(Exit::OsErr, error.to_string()))?;
    Ok(name.trim().to_owned())
}

/// The manager's answer to "who is there".
#[derive(Debug)]
pub(super) struct Members {
    document: Document,
}

/// One node of that answer.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) struct Member<'m> {
    /// Its id.
    pub(super) id: &'m str,
    /// Its name.
    pub(super) name: &'m str,
    /// Whether it is here.
    pub(super) is_member: bool,
    /// Whether it is the one that answered.
    pub(super) is_local: bool,
}

impl Members {
    /// All nodes, in order of their ids.
    pub(super) fn all(&self) -> impl Iterator<Item = Member<'_>> {
        let local = self.document.root().attribute("local").unwrap_or_default();
        self.document.root().children_named("node").map(move |node| {
            let name = node.attribute("name").unwrap_or_default();
            Member {
                id: node.attribute("id").unwrap_or_default(),
                name,
                is_member: node.attribute("member") == Some("true"),
                is_local: name == local,
            }
        })
    }

    /// Whether this partition has quorum.
    pub(super) fn has_quorum(&self) -> bool {
        self.document.root().attribute("quorate") == Some("true")
    }

    /// The node that orders changes.
    pub(super) fn leader(&self) -> Option<&str> {
        self.document.root().attribute("leader").filter(|name| !name.is_empty())
    }

    /// The node that answered.
    pub(super) fn local_name(&self) -> Option<String> {
        self.document.root().attribute("local").map(str::to_owned)
    }
}

/// Asks who is there.
///
/// # Errors
/// The manager does not answer.
pub(super) fn members(source: &Source) -> Result<Members, Failure> {
    let reply = source.ask(&Request::Nodes)?;
    let document = super::source::document(&reply.payload)?;
    Ok(Members { document })
}
