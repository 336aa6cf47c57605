//! The settings' file as it is written, before anything in it is believed.

use serde::Deserialize;
use std::collections::BTreeMap;
use std::path::PathBuf;

/// The whole file.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Document {
    /// The pair.
    pub(super) cluster: Cluster,
    /// Both nodes.
    #[serde(default)]
    pub(super) node: Vec<Node>,
    /// The links.
    #[serde(default)]
    pub(super) link: Vec<Link>,
    /// The shared SBD disks.
    #[serde(default)]
    pub(super) disk: Vec<Disk>,
    /// The watchdog.
    pub(super) watchdog: Watchdog,
}

/// `[cluster]`.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Cluster {
    /// The pair's name.
    pub(super) name: String,
    /// The longest time from a fault to the right to take over.
    pub(super) failover_budget: Option<String>,
    /// The key, beside this file where the path is relative.
    pub(super) key_file: Option<String>,
}

/// `[[node]]`.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Node {
    /// Its host name.
    pub(super) name: String,
}

/// `[[link]]`: one of its keys says what it is.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Link {
    /// The interface at both ends.
    pub(super) interface: Option<Ends>,
    /// The address and port at both ends.
    pub(super) udp: Option<Ends>,
    /// The serial line's device at both ends.
    pub(super) serial: Option<Ends>,
    /// A serial line's speed, in bits a second.
    pub(super) baud: Option<u32>,
}

/// What a link is called at its ends.
#[derive(Clone, Debug, Deserialize)]
#[serde(untagged)]
pub(super) enum Ends {
    /// The same on both nodes.
    Same(String),
    /// One for each node, by the node's name.
    Each(BTreeMap<String, String>),
}

/// `[[disk]]`.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Disk {
    /// The device.
    pub(super) path: PathBuf,
    /// The sectors' size, in bytes, of a file in place of a device.
    pub(super) sector_size: Option<u32>,
}

/// `[watchdog]`.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Watchdog {
    /// The device.
    pub(super) device: PathBuf,
}
