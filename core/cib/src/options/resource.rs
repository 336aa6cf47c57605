//! The options of resources and of their operations (*Pacemaker Explained*, "Resource
//! Meta-Attributes" and "Operation Properties").

use super::Kind::{Boolean, Duration, Integer, Score, Select, Text, Threshold};
use super::{Definition, Kind, option};

const TARGET: Kind = Select(&["Started", "Stopped", "Promoted", "Unpromoted", "Master", "Slave"]);
const REQUIRES: Kind = Select(&["nothing", "quorum", "fencing", "unfencing"]);
const MULTIPLE: Kind = Select(&["stop_start", "stop_only", "block", "stop_unexpected"]);
const PORT: Kind = Integer { min: 0, max: 65_535 };
const ON_FAIL: Kind = Select(&[
    "ignore",
    "block",
    "stop",
    "demote",
    "restart",
    "fence",
    "standby",
    "restart-container",
]);

/// The meta-attributes of a resource.
pub const RESOURCE_META: &[Definition] = &[
    option("priority", Score, "0", "Who may run when not all can"),
    option("critical", Boolean, "true", "Whether it may draw along what it is colocated with"),
    option("target-role", TARGET, "Started", "The role that is to be reached"),
    option("is-managed", Boolean, "true", "Whether the cluster starts and stops it"),
    option("maintenance", Boolean, "false", "Whether it is left alone, monitors included"),
    option("resource-stickiness", Score, "0", "How much it prefers to stay; 1 for clones")
        .without_default(),
    option("requires", REQUIRES, "fencing", "What has to be true before it starts")
        .without_default(),
    option("migration-threshold", Threshold, "INFINITY", "Failures before it leaves a node"),
    option("failure-timeout", Duration, "0", "When failures are forgotten; 0 is never"),
    option("multiple-active", MULTIPLE, "stop_start", "What to do when it runs twice"),
    option("allow-migrate", Boolean, "false", "Whether it moves live").without_default(),
    option("allow-unhealthy-nodes", Boolean, "false", "Whether a node's health is overlooked"),
    option("container-attribute-target", Text, "", "Where a bundle's attributes are kept")
        .without_default(),
    option("remote-node", Text, "", "Name of the guest node that it brings").without_default(),
    option("remote-addr", Text, "", "Address of the guest node").without_default(),
    option("remote-port", PORT, "3121", "Port of the guest node"),
    option("remote-connect-timeout", Duration, "60s", "How long a guest node may take"),
    option("remote-allow-migrate", Boolean, "true", "Whether the guest's connection may move"),
];

/// The properties of an operation.
pub const OPERATION: &[Definition] = &[
    option("interval", Duration, "0", "Time between two runs; 0 is once"),
    option("timeout", Duration, "20s", "How long it may take"),
    option("on-fail", ON_FAIL, "restart", "What a failure leads to").without_default(),
    option("enabled", Boolean, "true", "Whether it is run at all"),
    option("record-pending", Boolean, "true", "Whether it is recorded before it ends").deprecated(),
    option("role", TARGET, "Started", "The role in which it is run").without_default(),
    option("interval-origin", Text, "", "A time at which a run falls due").without_default(),
    option("start-delay", Duration, "0", "How long the first run waits"),
];
