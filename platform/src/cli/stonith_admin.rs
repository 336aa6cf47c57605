//! `stonith_admin`: fence a node, confirm that one is off, see what was fenced.

use super::args::{applet, flag, last_of, long_flag, long_value, texts, value, words};
use super::clock;
use super::crm_resource::{Spec, fence_agents, metadata_of};
use super::exit::Exit;
use super::run::{Failure, Outcome, Run, Tool};
use super::source::document;
use clap::{Arg, ArgAction, Command};
use diarch_cib::time::interval_ms;
use diarch_cib::xml::Element;
use diarch_cluster::fencing::device;
use diarch_cluster::fencing::survey::Survey;
use diarch_cluster::manager_io::WallClock;
use diarch_cluster::request::Request;
use std::time::Duration;

/// The tool.
pub(super) const TOOL: Tool = Tool { name: "stonith_admin", command, run };

/// How long fencing may take unless `--timeout` says otherwise.
const TIMEOUT_DEFAULT_MS: u64 = 120_000;

const COMMANDS: &[&str] = &[
    "list",
    "list-registered",
    "list-installed",
    "metadata",
    "query",
    "history",
    "last",
    "validate",
    "fence",
    "unfence",
    "reboot",
    "confirm",
];

fn command() -> Command {
    let many = |arg: Arg| arg.action(ArgAction::Append);
    applet("stonith_admin", "Access the Pacemaker fencing API")
        .mut_arg("help", |help| help.short('?'))
        .next_help_heading("Queries")
        .arg(value("list", 'l', "HOST", "List devices that can terminate the specified host"))
        .arg(flag("list-registered", 'L', "List all registered devices"))
        .arg(flag("list-installed", 'I', "List all installed devices"))
        .arg(flag("metadata", 'M', "Show agent metadata. Requires: --agent"))
        .arg(value("query", 'Q', "DEVICE", "Check the named device's status"))
        .arg(value(
            "history",
            'H',
            "NODE",
            "Show last fencing of named node (or '*' for all nodes). Optional: --cleanup, \
             --quiet, --verbose, --broadcast",
        ))
        .arg(value("last", 'h', "NODE", "Indicate when the named node was last fenced"))
        .arg(flag("validate", 'K', "Validate a fence device configuration. Requires: --agent"))
        .next_help_heading("Fencing Commands")
        .arg(value("fence", 'F', "HOST", "Fence named host"))
        .arg(value("unfence", 'U', "HOST", "Unfence named host"))
        .arg(value("reboot", 'B', "HOST", "Reboot named host"))
        .arg(value("confirm", 'C', "HOST", "Tell cluster that named host is now safely down"))
        .next_help_heading("Additional Options")
        .arg(flag("cleanup", 'c', "Cleanup wherever appropriate. Requires --history"))
        .arg(flag("broadcast", 'b', "Broadcast wherever appropriate"))
        .arg(value("agent", 'a', "AGENT", "The agent to use (for example, fence_xvm)"))
        .arg(many(value("option", 'o', "PARAM", "A device parameter as NAME=VALUE")))
        .arg(many(value("env-option", 'e', "PARAM", "A device parameter from OCF_RESKEY_PARAM")))
        .arg(value("tag", 'T', "TAG", "Identify fencing operations in logs with this tag"))
        .arg(many(value("device", 'v', "DEVICE", "Device ID")))
        .arg(value("timeout", 't', "SECONDS", "Operation timeout in seconds (default 120)"))
        .arg(value("delay", 'y', "SECONDS", "Apply a fencing delay in seconds"))
        .arg(flag("as-node-id", 'n', "(Advanced) The node is given by its ID (with --last)"))
        .arg(long_value("tolerance", "SECONDS", "(Advanced) Accept fencing this recent"))
        .arg(long_flag("html-cgi", "").hide(true))
        .arg(flag("quiet", 'q', "Be less descriptive in output"))
        .arg(words("rest"))
}

fn run(run: &mut Run) -> Outcome {
    let Some(chosen) = last_of(&run.matches, COMMANDS) else {
        return Err(Failure::new(Exit::Usage, "Must specify a command option"));
    };
    match chosen {
        "list-registered" => registered(run),
        "list" => able(run),
        "list-installed" => {
            let agents = fence_agents();
            show(run, "Installed fence devices", &agents);
            Ok(Exit::Ok)
        }
        "metadata" => metadata(run),
        "query" => query(run),
        "history" => history(run, "history"),
        "last" => history(run, "last"),
        "validate" => validate(run),
        "confirm" => confirm(run),
        "fence" => fence(run, chosen, "off"),
        "unfence" => fence(run, chosen, "on"),
        _ => fence(run, chosen, "reboot"),
    }
}

/// A list of devices and how many they are.
fn show(run: &mut Run, title: &str, names: &[String]) {
    let count = names.len().to_string();
    run.out.open("list", &[("name", title), ("count", &count)]);
    for name in names {
        run.out.line(name);
        run.out.element_with_text("item", &[], name);
    }
    run.out.close();
    run.out.line(&if names.len() == 1 {
        "1 fence device found".to_owned()
    } else {
        format!("{count} fence devices found")
    });
}

/// The fence devices that are configured.
fn devices(run: &Run) -> Result<Vec<String>, Failure> {
    let cib = run.source()?.query(None)?;
    Ok(cib
        .root()
        .descendants()
        .filter(|e| e.name() == "primitive" && e.attribute("class") == Some("stonith"))
        .filter_map(|device| device.attribute("id"))
        .map(str::to_owned)
        .collect())
}

fn registered(run: &mut Run) -> Outcome {
    let names = devices(run)?;
    show(run, "Registered fence devices", &names);
    Ok(Exit::Ok)
}

/// `--list`: the devices that can fence a node.
fn able(run: &mut Run) -> Outcome {
    let host = run.text("list").unwrap_or_default();
    let cib = run.source()?.query(None)?;
    let (levels, warnings) =
        device::levels(&cib, &host, None, WallClock(run.world.now), &Survey::default());
    for warning in warnings {
        run.out.complain(&format!("warning: {warning}"));
    }
    let mut names: Vec<String> = Vec::new();
    for device in levels.into_iter().flatten() {
        if !names.contains(&device.id) {
            names.push(device.id);
        }
    }
    show(run, "Fence Devices", &names);
    Ok(Exit::Ok)
}

fn query(run: &Run) -> Outcome {
    let wanted = run.text("query").unwrap_or_default();
    if devices(run)?.contains(&wanted) {
        return Ok(Exit::Ok);
    }
    Err(Failure::new(Exit::NoSuch, format!("Device {wanted} is not registered")))
}

fn agent(run: &Run) -> Result<Spec, Failure> {
    let Some(kind) = run.text("agent") else {
        return Err(Failure::new(Exit::Usage, "Please specify an agent to query using -a,--agent"));
    };
    Ok(Spec { class: "stonith".to_owned(), provider: String::new(), kind })
}

fn metadata(run: &mut Run) -> Outcome {
    let agent = agent(run)?;
    let Some(text) = metadata_of(&agent, &run.world) else {
        return Err(Failure::new(Exit::NoSuch, format!("No metadata for {}", agent.kind)));
    };
    run.out.raw(&text);
    run.out.element_with_text("metadata", &[], &text);
    Ok(Exit::Ok)
}

/// `--validate`: the agent checks the parameters.
fn validate(run: &mut Run) -> Outcome {
    let agent = agent(run)?;
    let Some(program) = agent.program(&run.world).filter(|program| program.exists()) else {
        return Err(Failure::new(Exit::NoSuch, format!("Agent {} is not installed", agent.kind)));
    };
    let mut parameters: Vec<String> =
        texts(&run.matches, "option").into_iter().map(str::to_owned).collect();
    for name in texts(&run.matches, "env-option") {
        if let Some(value) = run.world.variable(&format!("OCF_RESKEY_{name}")) {
            parameters.push(format!("{name}={value}"));
        }
    }
    let (valid, output) = super::crm_resource::fence_action(&program, "validate-all", &parameters)
        .map_err(|error| Failure::new(Exit::OsErr, error.to_string()))?;
    let word = if valid { "succeeded" } else { "failed" };
    if !run.given("quiet") {
        run.out.line(&format!("Validation of {} {word}", agent.kind));
    }
    let yes = if valid { "true" } else { "false" };
    run.out.open("validate", &[("agent", &agent.kind), ("valid", yes)]);
    if !output.is_empty() {
        run.out.element_with_text("command-output", &[], &output);
    }
    run.out.close();
    Ok(if valid { Exit::Ok } else { Exit::Error })
}

/// An operator's word that a node is off.
fn confirm(run: &Run) -> Outcome {
    let target = run.text("confirm").unwrap_or_default();
    let reply = run.source()?.ask(&Request::ConfirmOff { target: target.clone() })?;
    if reply.rc == 0 {
        return Ok(Exit::Ok);
    }
    Err(Failure::new(
        Exit::of(reply.rc),
        format!("Couldn't confirm {target} as down: {}", reply.message),
    ))
}

fn fence(run: &Run, option: &str, action: &str) -> Outcome {
    let target = run.text(option).unwrap_or_default();
    let timeout_ms = match run.text("timeout") {
        Some(text) => interval_ms(&text)
            .ok_or_else(|| Failure::new(Exit::Usage, format!("Invalid timeout: {text}")))?,
        None => TIMEOUT_DEFAULT_MS,
    };
    if tolerated(run, &target, action)? {
        return Ok(Exit::Ok);
    }
    let delay = run.text("delay").unwrap_or_default();
    let delay_s = match delay.trim() {
        "-1" => -1,
        _ => i32::try_from(seconds(run, "delay")?.as_secs()).unwrap_or(i32::MAX),
    };
    let reply = run.source()?.ask(&Request::Fence {
        target: target.clone(),
        action: action.to_owned(),
        timeout_s: u32::try_from(timeout_ms.div_ceil(1000)).unwrap_or(u32::MAX),
        delay_s,
    })?;
    if reply.rc == 0 {
        return Ok(Exit::Ok);
    }
    let verb = if action == "on" { "unfence" } else { "fence" };
    Err(Failure::new(Exit::of(reply.rc), format!("Couldn't {verb} {target}: {}", reply.message)))
}

/// The time that an option gives; a number alone is seconds.
fn seconds(run: &Run, option: &str) -> Result<Duration, Failure> {
    let Some(text) = run.text(option) else { return Ok(Duration::ZERO) };
    let time = interval_ms(&text).map(Duration::from_millis);
    time.ok_or_else(|| Failure::new(Exit::Usage, format!("--{option}: {text} is no time")))
}

/// `--tolerance`: whether the node was fenced in this way so short a time ago. What cannot be told,
/// or lies in the future of a clock that was set back, is no reason not to fence.
fn tolerated(run: &Run, target: &str, action: &str) -> Result<bool, Failure> {
    let tolerance = seconds(run, "tolerance")?.as_secs();
    if tolerance == 0 {
        return Ok(false);
    }
    let reply = run.source()?.ask(&Request::FenceHistory { target: Some(target.to_owned()) })?;
    if reply.rc != 0 {
        return Ok(false);
    }
    let answer = document(&reply.payload)?;
    let since = run.world.now - i64::try_from(tolerance).unwrap_or(i64::MAX);
    let recent = answer.root().children_named("fence_event").any(|event| {
        let completed = event.attribute("completed").and_then(|text| text.parse::<i64>().ok());
        event_state(event) == "success"
            && event.attribute("action") == Some(action)
            && completed.is_some_and(|completed| (since..=run.world.now).contains(&completed))
    });
    Ok(recent)
}

/// `--history` and `--last`.
fn history(run: &mut Run, option: &str) -> Outcome {
    let target = run.text(option).filter(|target| target != "*");
    if run.given("broadcast") {
        let why = "--broadcast: each node keeps its own fencing history; ask each";
        return Err(Failure::new(Exit::Unimplemented, why));
    }
    if run.given("cleanup") {
        let reply = run.source()?.ask(&Request::ForgetFencing { target: target.clone() })?;
        if reply.rc != 0 {
            return Err(Failure::new(Exit::of(reply.rc), reply.message));
        }
        if !run.given("quiet") {
            let whose = target.as_deref().unwrap_or("*");
            run.out.line(&format!("cleaning up fencing-history for node {whose}"));
        }
        return Ok(Exit::Ok);
    }
    let reply = run.source()?.ask(&Request::FenceHistory { target })?;
    if reply.rc != 0 {
        return Err(Failure::new(Exit::of(reply.rc), reply.message));
    }
    let answer = document(&reply.payload)?;
    let mut events: Vec<Element<'_>> = answer.root().children_named("fence_event").collect();
    if !run.given("verbose") {
        events.retain(|event| event_state(*event) == "success");
        events.truncate(1);
    }
    let count = events.len().to_string();
    run.out.open("list", &[("name", "fencing history"), ("count", &count)]);
    for event in &events {
        run.out.line(&event_line(*event, run.given("quiet")));
        let completed = completed(*event);
        let attributes: Vec<(&str, &str)> = event
            .attributes()
            .map(|(name, value)| (name, if name == "completed" { &completed } else { value }))
            .collect();
        run.out.element("fence_event", &attributes);
    }
    run.out.close();
    if !run.given("quiet") {
        let plural = if events.len() == 1 { "" } else { "s" };
        run.out.line(&format!("{count} event{plural} found"));
    }
    Ok(Exit::Ok)
}

fn event_state(event: Element<'_>) -> &str {
    event.attribute("status").or_else(|| event.attribute("state")).unwrap_or_default()
}

/// When an event was over: the manager says it in seconds since 1970.
fn completed(event: Element<'_>) -> String {
    let text = event.attribute("completed").unwrap_or_default();
    text.parse().map_or_else(|_| text.to_owned(), clock::utc_text)
}

/// One event as a sentence; quietly only its time.
fn event_line(event: Element<'_>, quiet: bool) -> String {
    let text = |name| event.attribute(name).unwrap_or_default();
    if quiet {
        return text("completed").to_owned();
    }
    let completed = completed(event);
    let (action, target) = (text("action"), text("target"));
    let by = format!("on behalf of {} from {}", text("client"), text("origin"));
    match event_state(event) {
        "success" => format!(
            "{} was able to {action} node {target} {by} at {completed}",
            event.attribute("delegate").unwrap_or("We")
        ),
        "failed" => format!("We were not able to {action} node {target} {by} at {completed}"),
        _ => format!("{} is trying to {action} node {target} {by}", text("origin")),
    }
}
