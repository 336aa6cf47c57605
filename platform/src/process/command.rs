//! From an agent's name to a command with the environment that agents rely on.

use crate::fence;
use core::time::Duration;
use diarch_cib::time::interval_ms;
use diarch_cluster::manager_io::AgentCall;
use std::fmt::Write as _;
use std::io;
use std::os::unix::process::CommandExt as _;
use std::process::{Command, Stdio};

/// How often a fence device is looked at before it is said not to answer.
const TRIES: u32 = 2;

/// Where agents find the tools; `/usr/sbin` is a must.
const PATH: &str = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";

/// The part of the environment that is the same for every agent.
pub(super) const ENVIRONMENT: &[(&str, &str)] = &[
    ("PATH", PATH),
    ("LC_ALL", "C"),
    ("HOME", "/root"),
    ("HA_LOGFACILITY", "daemon"),
    ("HA_logfacility", "daemon"),
    ("HA_debug", "0"),
    ("HA_mcp", "true"),
    ("HA_cluster_type", "corosync"),
    ("HA_quorum_type", "corosync"),
    ("PCMK_logfacility", "daemon"),
    ("PCMK_debug", "0"),
    ("PCMK_mcp", "true"),
    ("PCMK_cluster_type", "corosync"),
    ("PCMK_quorum_type", "corosync"),
    ("PCMK_service", "pacemaker-execd"),
    ("OCF_ROOT", "/usr/lib/ocf"),
];

/// The command of `call`, and what it is told on its standard input.
pub(super) fn of(call: &AgentCall) -> io::Result<(Command, String)> {
    for word in [&call.provider, &call.kind] {
        if word.contains('/') || word.starts_with('.') {
            return Err(io::ErrorKind::NotFound.into());
        }
    }
    let (kind, action) = (&call.kind, call.action.as_str());
    let (program, arguments) = match call.class.as_str() {
        "ocf" => (format!("/usr/lib/ocf/resource.d/{}/{kind}", call.provider), vec![action]),
        "lsb" => (format!("/etc/init.d/{kind}"), vec![status_of(action)]),
        "service" | "systemd" => ("/usr/bin/systemctl".to_owned(), vec![systemctl(action), kind]),
        // This executable answers to the names of the agents that it has drivers for.
        "stonith" if fence::is_native(kind) => ("/proc/self/exe".to_owned(), vec![kind.as_str()]),
        "stonith" => (format!("/usr/sbin/{kind}"), Vec::new()),
        _ => return Err(io::ErrorKind::NotFound.into()),
    };
    let mut command = Command::new(program);
    command
        .args(arguments)
        .env_clear()
        .envs(ENVIRONMENT.iter().copied())
        .current_dir(super::WORKING_FOLDER)
        .process_group(0)
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped());
    let mut words = String::new();
    if call.class == "stonith" {
        // A fence agent is told everything on its standard input, a line for each parameter.
        let parameters = call.environment.iter().filter_map(|(name, value)| {
            let name = name.strip_prefix("OCF_RESKEY_")?;
            let ours = name.starts_with("CRM_meta_") || name.starts_with("pcmk_");
            (!ours && name != "crm_feature_set").then_some((name, value))
        });
        for (name, value) in parameters {
            writeln!(words, "{name}={value}").map_err(io::Error::other)?;
        }
        writeln!(words, "action={}", fencing(call)).map_err(io::Error::other)?;
        command.stdin(Stdio::piped());
    } else {
        command.envs(call.environment.iter().map(|(name, value)| (name, value)));
    }
    Ok((command, words))
}

/// What a fence agent is told to do. A device is started by looking whether it answers.
fn fencing(call: &AgentCall) -> &str {
    match call.action.as_str() {
        "start" | "monitor" => parameter(call, "pcmk_monitor_action").unwrap_or("monitor"),
        "meta-data" => "metadata",
        other => other,
    }
}

fn parameter<'c>(call: &'c AgentCall, wanted: &str) -> Option<&'c str> {
    let name = |name: &str| name.strip_prefix("OCF_RESKEY_") == Some(wanted);
    let found = call.environment.iter().find(|(known, _)| name(known));
    found.map(|(_, value)| value.as_str())
}

/// How long a call may take, and how often it is tried within that time.
///
/// *Pacemaker Explained*, "Special Meta-Attributes for Fencing Resources": `pcmk_monitor_timeout`
/// and `pcmk_monitor_retries`.
pub(super) fn limits(call: &AgentCall) -> (Duration, u32) {
    if call.class != "stonith" || !matches!(call.action.as_str(), "start" | "monitor") {
        return (call.timeout, 1);
    }
    let timeout = parameter(call, "pcmk_monitor_timeout").and_then(interval_ms);
    let tries = parameter(call, "pcmk_monitor_retries").and_then(|text| text.parse().ok());
    (timeout.map_or(call.timeout, Duration::from_millis), tries.unwrap_or(TRIES).clamp(1, 100))
}

fn status_of(action: &str) -> &str {
    if action == "monitor" { "status" } else { action }
}

fn systemctl(action: &str) -> &str {
    if matches!(action, "monitor" | "status") { "is-active" } else { action }
}
