//! From an agent's name to a command with the environment that agents rely on.

use crate::fence;
use diarch_cluster::manager_io::AgentCall;
use std::fmt::Write as _;
use std::io;
use std::os::unix::process::CommandExt as _;
use std::process::{Command, Stdio};

/// Where agents find the tools; `/usr/sbin` is a must.
const PATH: &str = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";

/// The part of the environment that is the same for every agent.
const ENVIRONMENT: &[(&str, &str)] = &[
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
        writeln!(words, "action={}", fencing(action)).map_err(io::Error::other)?;
        command.stdin(Stdio::piped());
    } else {
        command.envs(call.environment.iter().map(|(name, value)| (name, value)));
    }
    Ok((command, words))
}

/// A fence device is started by looking whether it answers.
fn fencing(action: &str) -> &str {
    match action {
        "start" => "monitor",
        "meta-data" => "metadata",
        other => other,
    }
}

fn status_of(action: &str) -> &str {
    if action == "monitor" { "status" } else { action }
}

fn systemctl(action: &str) -> &str {
    if matches!(action, "monitor" | "status") { "is-active" } else { action }
}
