//! Name-value pairs in the CIB: where an option or attribute lives, and the element that sets it.
//!
//! Relies on *Pacemaker Explained*, "Cluster Options" and "Node Attributes": an update goes to the
//! pair that exists, otherwise to the set that the tools use by default.

use super::exit::Exit;
use super::run::Failure;
use super::source::Source;
use diarch_cib::xml::{Document, NodeId};

/// A part of the CIB that holds name-value pairs.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Section {
    /// `crm_config`: cluster options.
    Cluster,
    /// `rsc_defaults`.
    ResourceDefaults,
    /// `op_defaults`.
    OperationDefaults,
    /// `tickets`, in the status.
    Tickets,
    /// `nodes`: a node's permanent attributes.
    Nodes,
    /// `status`: a node's transient attributes.
    Status,
}

impl Section {
    /// The section's name in output and on the command line.
    pub(super) const fn name(self) -> &'static str {
        match self {
            Self::Cluster => "crm_config",
            Self::ResourceDefaults => "rsc_defaults",
            Self::OperationDefaults => "op_defaults",
            Self::Tickets => "tickets",
            Self::Nodes => "nodes",
            Self::Status => "status",
        }
    }

    /// The section that an option names; `crm_attribute` accepts these.
    pub(super) fn named(name: &str) -> Option<Self> {
        Some(match name {
            "crm_config" => Self::Cluster,
            "rsc_defaults" => Self::ResourceDefaults,
            "op_defaults" => Self::OperationDefaults,
            "tickets" => Self::Tickets,
            "nodes" | "forever" => Self::Nodes,
            "status" | "reboot" | "transient" => Self::Status,
            _ => return None,
        })
    }

    /// Whether its pairs belong to a node.
    pub(super) const fn is_of_node(self) -> bool {
        match self {
            Self::Nodes | Self::Status => true,
            Self::Cluster | Self::ResourceDefaults | Self::OperationDefaults | Self::Tickets => {
                false
            }
        }
    }
}

/// Which pairs are meant.
#[derive(Clone, Debug)]
pub(super) struct Address {
    /// The section.
    pub(super) section: Section,
    /// The node's id, where the section's pairs belong to nodes.
    pub(super) node: Option<String>,
    /// Utilization attributes instead of node attributes.
    pub(super) utilization: bool,
    /// Only in the set with this id.
    pub(super) set: Option<String>,
    /// Only the pair with this id.
    pub(super) id: Option<String>,
}

/// A pair that exists.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(super) struct Found {
    /// The pair's id.
    pub(super) id: String,
    /// The id of its set.
    pub(super) set: String,
    /// Its name.
    pub(super) name: String,
    /// Its value.
    pub(super) value: String,
}

impl Address {
    /// The element that contains the sets.
    fn container(&self) -> String {
        let node = self.node.as_deref().map(quoted).unwrap_or_default();
        match self.section {
            Section::Cluster | Section::ResourceDefaults | Section::OperationDefaults => {
                format!("/cib/configuration/{}", self.section.name())
            }
            Section::Tickets => "/cib/status/tickets".to_owned(),
            Section::Nodes => format!("/cib/configuration/nodes/node[@id={node}]"),
            Section::Status => {
                format!("/cib/status/node_state[@id={node}]/transient_attributes")
            }
        }
    }

    fn set_type(&self) -> &'static str {
        match self.section {
            Section::Cluster => "cluster_property_set",
            Section::ResourceDefaults | Section::OperationDefaults => "meta_attributes",
            Section::Tickets | Section::Nodes | Section::Status => {
                if self.utilization {
                    "utilization"
                } else {
                    "instance_attributes"
                }
            }
        }
    }

    /// The pairs that match, in document order.
    ///
    /// # Errors
    /// The manager or the file does not answer.
    pub(super) fn find(
        &self,
        source: &Source,
        wanted: impl Fn(&str) -> bool,
    ) -> Result<Vec<Found>, Failure> {
        let Some(document) = source.select(&self.container())? else {
            return Ok(Vec::new());
        };
        let mut found = Vec::new();
        let sets =
            document.root().descendants().filter(|element| element.name() == self.set_type());
        for set in sets {
            let set_id = set.attribute("id").unwrap_or_default();
            if self.set.as_deref().is_some_and(|wanted| wanted != set_id) {
                continue;
            }
            for pair in set.descendants().filter(|pair| pair.name() == "nvpair") {
                let id = pair.attribute("id").unwrap_or_default();
                let name = pair.attribute("name").unwrap_or_default();
                if self.id.as_deref().is_some_and(|wanted| wanted != id) || !wanted(name) {
                    continue;
                }
                found.push(Found {
                    id: id.to_owned(),
                    set: set_id.to_owned(),
                    name: name.to_owned(),
                    value: pair.attribute("value").unwrap_or_default().to_owned(),
                });
            }
        }
        Ok(found)
    }

    /// The set that a new pair goes to.
    pub(super) fn default_set(&self) -> String {
        if let Some(set) = &self.set {
            return set.clone();
        }
        let node = self.node.as_deref().unwrap_or_default();
        let suffix = if self.utilization { "-utilization" } else { "" };
        match self.section {
            Section::Cluster => "cib-bootstrap-options".to_owned(),
            Section::ResourceDefaults | Section::OperationDefaults => {
                format!("{}-options", self.section.name())
            }
            Section::Tickets => "status-tickets".to_owned(),
            Section::Nodes | Section::Status => {
                format!("{}-{node}{suffix}", self.section.name())
            }
        }
    }

    /// The update that gives a pair its value: `existing` where there is one, otherwise a new one.
    pub(super) fn update(&self, name: &str, value: &str, existing: Option<&Found>) -> String {
        let set = existing.map_or_else(|| self.default_set(), |found| found.set.clone());
        let id = match (existing, &self.id) {
            (Some(found), _) => found.id.clone(),
            (None, Some(id)) => id.clone(),
            (None, None) => clean_id(&format!("{set}-{name}")),
        };
        let mut document = Document::new(match self.section {
            Section::Tickets => "status",
            Section::Cluster
            | Section::ResourceDefaults
            | Section::OperationDefaults
            | Section::Nodes
            | Section::Status => self.section.name(),
        });
        let mut here = document.root().id();
        for (element, id) in self.steps() {
            here = child(&mut document, here, element, id.as_deref());
        }
        here = child(&mut document, here, self.set_type(), Some(&set));
        let pair = child(&mut document, here, "nvpair", Some(&id));
        document.set_attribute(pair, "name", name);
        document.set_attribute(pair, "value", value);
        document.write_compact()
    }

    /// The section that an update goes to.
    pub(super) const fn update_section(&self) -> &'static str {
        match self.section {
            Section::Tickets => "status",
            Section::Cluster
            | Section::ResourceDefaults
            | Section::OperationDefaults
            | Section::Nodes
            | Section::Status => self.section.name(),
        }
    }

    /// What stands between the section and the set.
    fn steps(&self) -> Vec<(&'static str, Option<String>)> {
        match self.section {
            Section::Cluster | Section::ResourceDefaults | Section::OperationDefaults => Vec::new(),
            Section::Tickets => vec![("tickets", None)],
            Section::Nodes => vec![("node", self.node.clone())],
            Section::Status => {
                vec![("node_state", self.node.clone()), ("transient_attributes", self.node.clone())]
            }
        }
    }
}

fn child(document: &mut Document, parent: NodeId, name: &str, id: Option<&str>) -> NodeId {
    let node = document.append_new(parent, name);
    if let Some(id) = id {
        document.set_attribute(node, "id", id);
    }
    node
}

/// A text as an `XPath` literal; one that contains both kinds of quotes matches nothing.
pub(super) fn quoted(text: &str) -> String {
    if text.contains('\'') && text.contains('"') {
        "''".to_owned()
    } else if text.contains('\'') {
        format!("\"{text}\"")
    } else {
        format!("'{text}'")
    }
}

/// A text with everything that an XML id may not contain replaced by a dot.
pub(super) fn clean_id(text: &str) -> String {
    let mut id: String = text
        .chars()
        .map(|c| if c.is_alphanumeric() || matches!(c, '-' | '_' | '.') { c } else { '.' })
        .collect();
    if id.starts_with(|c: char| !c.is_alphabetic() && c != '_') {
        id.insert(0, '_');
    }
    id
}

/// The id of the node with this name.
///
/// # Errors
/// There is no such node.
pub(super) fn node_id(source: &Source, name: &str) -> Result<String, Failure> {
    let literal = quoted(name);
    let by_name = format!("/cib/configuration/nodes/node[@uname={literal}]");
    if let Some(document) = source.select(&by_name)?
        && let Some(id) = document.root().attribute("id")
    {
        return Ok(id.to_owned());
    }
    let remotes = [
        format!("/cib/configuration/resources//primitive[@type='remote'][@id={literal}]"),
        format!(
            "/cib/configuration/resources//meta_attributes\
             /nvpair[@name='remote-node'][@value={literal}]"
        ),
        format!("/cib/status/node_state[@remote_node='true'][@uname={literal}]"),
    ];
    for xpath in remotes {
        if source.select(&xpath)?.is_some() {
            return Ok(name.to_owned());
        }
    }
    Err(Failure::new(Exit::NoSuch, format!("Could not map name={name} to a UUID")))
}
