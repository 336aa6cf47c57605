//! A change of the CIB: the same function on both nodes, in the leader's order.

use super::codec::{Decoder, Encoder};
use super::message::{read_record, write_record};
use super::requests;
use crate::controller::status;
use crate::executor::history::Record;
use crate::request::{CibRequest, Request};
use diarch_cib::Document;
use diarch_cib::operations::{Applied, Refusal};

/// Who changed the configuration, and when: written into the CIB's root.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct Stamp {
    /// The node.
    pub origin: String,
    /// The program.
    pub client: String,
    /// The user.
    pub user: String,
    /// `cib-last-written`.
    pub written: String,
}

/// One change.
#[derive(Clone, Debug, PartialEq)]
pub enum Change {
    /// What a tool asked for: all of it or nothing.
    Requests {
        /// In this order.
        requests: Vec<CibRequest>,
        /// By whom.
        stamp: Stamp,
    },
    /// Attributes of a node's `<node_state>`.
    NodeState {
        /// The node's id.
        id: String,
        /// The node's name.
        name: String,
        /// What is set.
        attributes: Vec<(String, String)>,
    },
    /// A result of an action.
    Row {
        /// The node's id.
        id: String,
        /// The result.
        record: Box<Record>,
    },
    /// A row of a resource's history is removed.
    RemoveRow {
        /// The node's id.
        id: String,
        /// The resource.
        resource: String,
        /// The row's id.
        row: String,
    },
    /// A node's history is erased: of one resource, or all of it.
    EraseHistory {
        /// The node's id.
        id: String,
        /// The resource; every one where empty.
        resource: Option<String>,
    },
    /// A transient attribute is set or removed.
    Attribute {
        /// The node's id.
        id: String,
        /// The id of the set; the usual one where empty.
        set: Option<String>,
        /// The attribute's name.
        name: String,
        /// The value; removed where empty.
        value: Option<String>,
    },
    /// All transient attributes of a node are removed.
    EraseAttributes {
        /// The node's id.
        id: String,
    },
    /// Attributes of the root that say how the cluster stands.
    Root {
        /// What is set.
        attributes: Vec<(String, String)>,
    },
}

impl Change {
    /// Carries the change out.
    ///
    /// # Errors
    /// If a request of it is refused; the document is then as it was.
    pub fn apply(&self, document: &mut Document) -> Result<Applied, Refusal> {
        let changed = match self {
            Self::Requests { requests, stamp } => {
                return requests::apply(document, requests, stamp);
            }
            Self::NodeState { id, name, attributes } => {
                status::set_node_state(document, id, name, attributes)
            }
            Self::Row { id, record } => status::record(document, id, record),
            Self::RemoveRow { id, resource, row } => {
                status::remove_row(document, id, resource, row)
            }
            Self::EraseHistory { id, resource } => {
                status::erase_history(document, id, resource.as_deref())
            }
            Self::Attribute { id, set, name, value } => {
                status::set_attribute(document, id, set.as_deref(), name, value.as_deref())
            }
            Self::EraseAttributes { id } => status::erase_attributes(document, id),
            Self::Root { attributes } => {
                let root = document.root().id();
                for (name, value) in attributes {
                    document.set_attribute(root, name, value);
                }
                false
            }
        };
        if changed {
            let [_, _, updates] = version(document);
            let root = document.root().id();
            document.set_attribute(root, "num_updates", &(updates + 1).to_string());
            if document.garbage() > 256 * 1024 {
                *document = document.compacted();
            }
        }
        Ok(Applied { changed, configuration: false })
    }

    pub(super) fn encode(&self, out: &mut Encoder) {
        match self {
            Self::Requests { requests, stamp } => {
                out.number(1).text(&Request::Transaction(requests.clone()).to_xml());
                out.text(&stamp.origin).text(&stamp.client);
                out.text(&stamp.user).text(&stamp.written);
            }
            Self::NodeState { id, name, attributes } => {
                out.number(2).text(id).text(name).pairs(attributes);
            }
            Self::Row { id, record } => {
                out.number(3).text(id);
                write_record(out, record);
            }
            Self::RemoveRow { id, resource, row } => {
                out.number(4).text(id).text(resource).text(row);
            }
            Self::EraseHistory { id, resource } => {
                out.number(5).text(id).maybe(resource.as_deref());
            }
            Self::Attribute { id, set, name, value } => {
                out.number(6).text(id).maybe(set.as_deref()).text(name).maybe(value.as_deref());
            }
            Self::EraseAttributes { id } => {
                out.number(7).text(id);
            }
            Self::Root { attributes } => {
                out.number(8).pairs(attributes);
            }
        }
    }

    pub(super) fn decode(input: &mut Decoder<'_>) -> Option<Self> {
        let change = match input.number()? {
            1 => {
                let Ok(Request::Transaction(requests)) = Request::from_xml(&input.text()?) else {
                    return None;
                };
                let stamp = Stamp {
                    origin: input.text()?,
                    client: input.text()?,
                    user: input.text()?,
                    written: input.text()?,
                };
                Self::Requests { requests, stamp }
            }
            2 => Self::NodeState {
                id: input.text()?,
                name: input.text()?,
                attributes: input.pairs()?,
            },
            3 => Self::Row { id: input.text()?, record: Box::new(read_record(input)?) },
            4 => Self::RemoveRow { id: input.text()?, resource: input.text()?, row: input.text()? },
            5 => Self::EraseHistory { id: input.text()?, resource: input.maybe()? },
            6 => Self::Attribute {
                id: input.text()?,
                set: input.maybe()?,
                name: input.text()?,
                value: input.maybe()?,
            },
            7 => Self::EraseAttributes { id: input.text()? },
            8 => Self::Root { attributes: input.pairs()? },
            _ => return None,
        };
        Some(change)
    }
}

/// A CIB's `admin_epoch`, `epoch` and `num_updates`.
#[must_use]
pub fn version(document: &Document) -> [u64; 3] {
    ["admin_epoch", "epoch", "num_updates"].map(|name| {
        document.root().attribute(name).and_then(|text| text.parse().ok()).unwrap_or_default()
    })
}
