//! The cluster options as the scheduler uses them (*Pacemaker Explained*, "Cluster Options").

use std::collections::BTreeMap;

/// What to do without quorum.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum NoQuorum {
    /// Keep what runs, recover nothing.
    Freeze,
    /// Stop everything.
    Stop,
    /// Go on as with quorum.
    Ignore,
    /// Fence this partition.
    Fence,
    /// Demote what is promoted, stop the rest.
    Demote,
}

/// How resources are spread over nodes.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Placement {
    /// By the number of resources.
    Default,
    /// By the number of resources where capacity suffices.
    Utilization,
    /// By the capacity that remains.
    Balanced,
    /// On few nodes.
    Minimal,
}

/// Cluster options with their defaults.
#[derive(Clone, Debug)]
#[expect(clippy::struct_excessive_bools, reason = "one field for each option")]
pub struct Options<'c> {
    /// All options as written, current names.
    pub raw: BTreeMap<&'c str, &'c str>,
    /// `symmetric-cluster`.
    pub symmetric: bool,
    /// `fencing-enabled`.
    pub fencing_enabled: bool,
    /// `fencing-action`: `reboot` or `off`.
    pub fencing_action: &'c str,
    /// `fencing-timeout` as written.
    pub fencing_timeout: &'c str,
    /// `fencing-timeout` in milliseconds.
    pub fencing_timeout_ms: u64,
    /// `concurrent-fencing`.
    pub concurrent_fencing: bool,
    /// `startup-fencing`.
    pub startup_fencing: bool,
    /// `priority-fencing-delay` in milliseconds.
    pub priority_fencing_delay_ms: u64,
    /// `node-pending-timeout` in seconds.
    pub node_pending_timeout_s: u64,
    /// `no-quorum-policy`.
    pub no_quorum: NoQuorum,
    /// `stop-all-resources`.
    pub stop_all: bool,
    /// `stop-removed-resources`.
    pub stop_removed: bool,
    /// `cancel-removed-actions`.
    pub cancel_removed: bool,
    /// `maintenance-mode`.
    pub maintenance: bool,
    /// `start-failure-is-fatal`.
    pub start_failure_fatal: bool,
    /// `enable-startup-probes`.
    pub startup_probes: bool,
    /// `shutdown-lock`.
    pub shutdown_lock: bool,
    /// `shutdown-lock-limit` in seconds.
    pub shutdown_lock_limit_s: u64,
    /// `placement-strategy`.
    pub placement: Placement,
    /// `remove-after-stop`.
    pub remove_after_stop: bool,
    /// The partition has quorum.
    pub quorate: bool,
    /// A watchdog is there: it counts as a device that can fence.
    pub watchdog_fencing: bool,
    /// `node-health-strategy`.
    pub health_strategy: &'c str,
    /// `cluster-delay` as written.
    pub cluster_delay: &'c str,
}
