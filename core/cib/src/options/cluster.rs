//! The cluster's own options (*Pacemaker Explained*, "Cluster Options").

use super::Kind::{Boolean, Duration, Integer, Percentage, Score, Select, Text, Timeout};
use super::{Definition, Kind, option};

const INT_MAX: i64 = i32::MAX as i64;
const COUNT: Kind = Integer { min: 0, max: INT_MAX };
const COUNT_OR_ALL: Kind = Integer { min: -1, max: INT_MAX };
const AT_LEAST_ONE: Kind = Integer { min: 1, max: INT_MAX };
const QUORUM: Kind = Select(&["stop", "freeze", "ignore", "demote", "fence", "suicide"]);
const FENCING: Kind = Select(&["reboot", "off", "poweroff"]);
const PLACEMENT: Kind = Select(&["default", "utilization", "minimal", "balanced"]);
const HEALTH: Kind = Select(&["none", "migrate-on-red", "only-green", "progressive", "custom"]);

/// The options of `cluster_property_set`.
pub const CLUSTER: &[Definition] = &[
    option("dc-version", Text, "", "Version of the node that schedules")
        .without_default()
        .generated(),
    option("cluster-infrastructure", Text, "", "Layer that tells who is a member")
        .without_default()
        .generated(),
    option("cluster-name", Text, "", "Name of this cluster").without_default(),
    option("have-watchdog", Boolean, "false", "Whether nodes fence themselves by a watchdog")
        .generated(),
    option("no-quorum-policy", QUORUM, "stop", "What a partition without quorum does"),
    option("symmetric-cluster", Boolean, "true", "Whether resources may run anywhere at first"),
    option("maintenance-mode", Boolean, "false", "Whether all resources are left alone"),
    option("stop-all-resources", Boolean, "false", "Whether every resource is to be stopped"),
    option("stop-removed-resources", Boolean, "true", "Whether removed resources are stopped")
        .formerly(&["stop-orphan-resources"])
        .advanced(),
    option("cancel-removed-actions", Boolean, "true", "Whether removed monitors are cancelled")
        .formerly(&["stop-orphan-actions"])
        .advanced(),
    option("remove-after-stop", Boolean, "false", "Whether a stop deletes the history")
        .deprecated(),
    option("start-failure-is-fatal", Boolean, "true", "Whether one failed start bars a node"),
    option("enable-startup-probes", Boolean, "true", "Whether a new node is probed").deprecated(),
    option("shutdown-lock", Boolean, "false", "Whether resources wait for a node shut down"),
    option("shutdown-lock-limit", Duration, "0", "How long resources wait; 0 is for ever"),
    option("fencing-enabled", Boolean, "true", "Whether lost nodes are fenced")
        .formerly(&["stonith-enabled"]),
    option("fencing-action", FENCING, "reboot", "What fencing does to a node")
        .formerly(&["stonith-action"]),
    option("fencing-timeout", Duration, "60s", "How long one fencing action may take")
        .formerly(&["stonith-timeout"]),
    option("fencing-max-attempts", AT_LEAST_ONE, "10", "Failures before fencing has to wait")
        .formerly(&["stonith-max-attempts"]),
    option("fencing-watchdog-timeout", Timeout, "0", "When a lost node has fenced itself")
        .formerly(&["stonith-watchdog-timeout"])
        .advanced(),
    option("fencing-reaction", Select(&["stop", "panic"]), "stop", "What a fenced node does")
        .formerly(&["fence-reaction"])
        .advanced(),
    option("concurrent-fencing", Boolean, "true", "Whether several nodes are fenced at once")
        .deprecated(),
    option("startup-fencing", Boolean, "true", "Whether nodes never seen are fenced").advanced(),
    option("fence-remote-without-quorum", Boolean, "false", "Fence remote nodes inquorate")
        .advanced(),
    option("priority-fencing-delay", Duration, "0", "Head start of the more important node"),
    option("node-pending-timeout", Duration, "0", "How long a member may take to join"),
    option("cluster-delay", Duration, "60s", "Longest time that a message is under way"),
    option("load-threshold", Percentage, "80%", "Load of a node that slows the cluster down"),
    option("node-action-limit", COUNT, "0", "Actions at once on a node; 0 follows its cores"),
    option("batch-limit", COUNT_OR_ALL, "0", "Actions at once in the cluster"),
    option("migration-limit", COUNT_OR_ALL, "-1", "Live migrations at once on a node"),
    option("cluster-ipc-limit", Integer { min: 500, max: INT_MAX }, "500", "Longest backlog")
        .deprecated(),
    option("pe-error-series-max", COUNT_OR_ALL, "-1", "Inputs kept that gave errors"),
    option("pe-warn-series-max", COUNT_OR_ALL, "5000", "Inputs kept that gave warnings"),
    option("pe-input-series-max", COUNT_OR_ALL, "4000", "Inputs kept that gave neither"),
    option("enable-acl", Boolean, "false", "Whether access control lists are enforced"),
    option("placement-strategy", PLACEMENT, "default", "How resources share the nodes"),
    option("node-health-strategy", HEALTH, "none", "What a node's health does to placement"),
    option("node-health-base", Score, "0", "Health score that every node begins with"),
    option("node-health-green", Score, "0", "Score that green stands for"),
    option("node-health-yellow", Score, "0", "Score that yellow stands for"),
    option("node-health-red", Score, "-INFINITY", "Score that red stands for"),
    option("cluster-recheck-interval", Duration, "15min", "Longest time between two schedules"),
    option("dc-deadtime", Duration, "20s", "How long to wait for a peer at start"),
    option("election-timeout", Duration, "2min", "How long an election may take").advanced(),
    option("shutdown-escalation", Duration, "20min", "How long a shutdown may take").advanced(),
    option("join-integration-timeout", Duration, "3min", "How long a node may take to answer")
        .formerly(&["crmd-integration-timeout"])
        .advanced(),
    option("join-finalization-timeout", Duration, "30min", "How long a join may take")
        .formerly(&["crmd-finalization-timeout"])
        .advanced(),
    option("transition-delay", Duration, "0s", "Pause before a schedule, to gather changes")
        .formerly(&["crmd-transition-delay"])
        .advanced(),
];
