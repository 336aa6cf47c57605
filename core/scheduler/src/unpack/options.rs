//! Cluster options: `crm_config`, old names, defaults.

use super::duration::{boolean, ms_or};
use super::nvpairs::{self, Pairs};
use super::rule::Context;
use crate::model::{NoQuorum, Options, Placement, Tables};
use diarch_cib::xml::Element;

/// Old names of options, and the current ones.
const ALIASES: [(&str, &str); 8] = [
    ("stonith-enabled", "fencing-enabled"),
    ("stonith-action", "fencing-action"),
    ("stonith-timeout", "fencing-timeout"),
    ("stonith-watchdog-timeout", "fencing-watchdog-timeout"),
    ("stonith-max-attempts", "fencing-max-attempts"),
    ("stop-orphan-resources", "stop-removed-resources"),
    ("stop-orphan-actions", "cancel-removed-actions"),
    ("default-action-timeout", "default-action-timeout"),
];

/// The options of a document without any.
pub(crate) const fn defaults<'c>() -> Options<'c> {
    Options {
        raw: Pairs::new(),
        symmetric: true,
        fencing_enabled: true,
        fencing_action: "reboot",
        fencing_timeout: "60s",
        fencing_timeout_ms: 60_000,
        concurrent_fencing: true,
        startup_fencing: true,
        priority_fencing_delay_ms: 0,
        node_pending_timeout_s: 0,
        no_quorum: NoQuorum::Stop,
        stop_all: false,
        stop_removed: true,
        cancel_removed: true,
        maintenance: false,
        start_failure_fatal: true,
        startup_probes: true,
        shutdown_lock: false,
        shutdown_lock_limit_s: 0,
        placement: Placement::Default,
        remove_after_stop: false,
        quorate: true,
        watchdog_fencing: false,
        health_strategy: "none",
        cluster_delay: "60s",
    }
}

/// Reads the cluster options into the tables.
pub(crate) fn unpack<'c>(t: &mut Tables<'c>, config: Option<Element<'c>>) {
    let mut raw = Pairs::new();
    if let Some(config) = config {
        nvpairs::collect(
            t,
            &[config],
            "cluster_property_set",
            Some("cib-bootstrap-options"),
            &Context::default(),
            &mut raw,
        );
    }
    for (old, new) in ALIASES {
        if let Some(value) = raw.get(old).copied() {
            raw.entry(new).or_insert(value);
        }
    }
    let flag =
        |name: &str, default: bool| raw.get(name).and_then(|text| boolean(text)).unwrap_or(default);
    let text = |name: &str, default: &'c str| raw.get(name).copied().unwrap_or(default);
    let ms = |name: &str, default: u64| ms_or(raw.get(name).copied(), default);
    let quorate = t.cib.attribute("have-quorum").is_some_and(|v| boolean(v) == Some(true));
    let mut options = Options {
        symmetric: flag("symmetric-cluster", true),
        fencing_enabled: flag("fencing-enabled", true),
        fencing_action: if text("fencing-action", "reboot") == "poweroff" {
            "off"
        } else {
            text("fencing-action", "reboot")
        },
        fencing_timeout: text("fencing-timeout", "60s"),
        fencing_timeout_ms: ms("fencing-timeout", 60_000),
        concurrent_fencing: flag("concurrent-fencing", true),
        startup_fencing: flag("startup-fencing", true),
        priority_fencing_delay_ms: ms("priority-fencing-delay", 0),
        node_pending_timeout_s: ms("node-pending-timeout", 0) / 1000,
        stop_all: flag("stop-all-resources", false),
        stop_removed: flag("stop-removed-resources", true),
        cancel_removed: flag("cancel-removed-actions", true),
        maintenance: flag("maintenance-mode", false),
        start_failure_fatal: flag("start-failure-is-fatal", true),
        startup_probes: flag("enable-startup-probes", true),
        shutdown_lock: flag("shutdown-lock", false),
        shutdown_lock_limit_s: ms("shutdown-lock-limit", 0) / 1000,
        placement: match text("placement-strategy", "default") {
            "utilization" => Placement::Utilization,
            "balanced" => Placement::Balanced,
            "minimal" => Placement::Minimal,
            _ => Placement::Default,
        },
        remove_after_stop: flag("remove-after-stop", false),
        quorate,
        watchdog_fencing: flag("have-watchdog", false),
        health_strategy: text("node-health-strategy", "none"),
        cluster_delay: text("cluster-delay", "60s"),
        ..defaults()
    };
    options.no_quorum = no_quorum(t, &options, text("no-quorum-policy", "stop"));
    t.have_fencing = options.watchdog_fencing;
    options.raw = raw;
    t.options = options;
}

fn no_quorum(t: &Tables<'_>, options: &Options<'_>, policy: &str) -> NoQuorum {
    match policy {
        "ignore" => NoQuorum::Ignore,
        "freeze" => NoQuorum::Freeze,
        "demote" => NoQuorum::Demote,
        "fence" | "suicide" => {
            let panic = t.cib.attribute("no-quorum-panic");
            let had_quorum = panic.is_some_and(|v| boolean(v) == Some(true));
            if options.fencing_enabled && (had_quorum || options.quorate) {
                NoQuorum::Fence
            } else {
                NoQuorum::Stop
            }
        }
        _ => NoQuorum::Stop,
    }
}
