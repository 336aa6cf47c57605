//! `crm_standby`, `crm_master` and `crm_failcount`: `crm_attribute` and `crm_resource` with the
//! options for one purpose.

use super::args::{applet, flag, last_of, value, words};
use super::crm_attribute::{self, promotion_score};
use super::exit::Exit;
use super::local;
use super::nvpairs::{Address, Section, node_id};
use super::run::{Failure, Outcome, Run, Tool, perform};
use clap::Command;
use diarch_cib::time::interval_ms;

/// `crm_standby`.
pub(super) const STANDBY: Tool =
    Tool { name: "crm_standby", command: standby_command, run: standby };

/// `crm_master`.
pub(super) const MASTER: Tool = Tool { name: "crm_master", command: master_command, run: master };

/// `crm_failcount`.
pub(super) const FAILCOUNT: Tool =
    Tool { name: "crm_failcount", command: failcount_command, run: failcount };

/// What the three have in common.
fn shortcut(name: &'static str, about: &'static str) -> Command {
    applet(name, about)
        .next_help_heading("Commands")
        .arg(flag("query", 'G', "Query the current value").alias("get-value"))
        .arg(value("update", 'v', "VALUE", "Update the value").alias("attr-value"))
        .arg(flag("delete", 'D', "Delete the value").alias("delete-attr"))
        .next_help_heading("Additional Options")
        .arg(flag("quiet", 'q', "Print only the value (if querying)").short_alias('Q'))
        .arg(
            value("node", 'N', "NODE", "Operate on this node instead of the local one")
                .short_alias('U')
                .alias("node-uname")
                .alias("uname"),
        )
        .arg(value("lifetime", 'l', "VALUE", "Valid values: reboot, forever"))
        .arg(value("id", 'i', "VALUE", "(Advanced) XML ID of the attribute"))
        .arg(words("rest"))
}

fn standby_command() -> Command {
    shortcut("crm_standby", "Query, enable, or disable standby mode for a node")
}

fn master_command() -> Command {
    shortcut("crm_master", "Query, update, or delete a resource's promotion score").arg(value(
        "resource",
        'r',
        "ID",
        "The resource; default: OCF_RESOURCE_INSTANCE",
    ))
}

fn failcount_command() -> Command {
    shortcut("crm_failcount", "Query or delete resource fail counts")
        .arg(value("resource", 'r', "ID", "Name of the resource to use (required)"))
        .arg(value("operation", 'n', "NAME", "Only this operation's failures"))
        .arg(value("interval", 'I', "VALUE", "If operation is specified, its interval"))
}

/// Runs `crm_attribute` with these words and takes over its output.
fn attribute(run: &mut Run, mut words: Vec<String>) -> Outcome {
    if run.given("quiet") {
        words.push("-q".to_owned());
    }
    if let Some(id) = run.text("id") {
        words.extend(["-i".to_owned(), id]);
    }
    let world = core::mem::take(&mut run.world);
    let (code, printed, _) = perform(&crm_attribute::TOOL, &words, world);
    run.out.raw(&printed.stdout);
    if !printed.stderr.is_empty() {
        run.out.message(printed.stderr.trim_end());
    }
    if code == Exit::Ok { Ok(code) } else { Err(Failure::silent(code)) }
}

/// The command as `crm_attribute` spells it.
fn action(run: &Run) -> Vec<String> {
    match last_of(&run.matches, &["query", "update", "delete"]) {
        Some("update") => vec!["-v".to_owned(), run.text("update").unwrap_or_default()],
        Some("delete") => vec!["-D".to_owned()],
        _ => vec!["-G".to_owned()],
    }
}

fn standby(run: &mut Run) -> Outcome {
    let source = run.source()?;
    let node = match run.text("node") {
        Some(node) => node,
        None => local::node(run, &source)?,
    };
    let mut words = action(run);
    let lifetime = match run.text("lifetime") {
        Some(lifetime) => lifetime,
        None if words[0] == "-G" => {
            let permanent = Address {
                section: Section::Nodes,
                node: Some(node_id(&source, &node)?),
                utilization: false,
                set: None,
                id: None,
            };
            let is_set = !permanent.find(&source, |name| name == "standby")?.is_empty();
            if is_set { "forever" } else { "reboot" }.to_owned()
        }
        None => "forever".to_owned(),
    };
    if words[0] == "-G" {
        words.extend(["-d", "off"].map(str::to_owned));
    }
    words.extend(["-n", "standby", "-N", &node, "-l", &lifetime].map(str::to_owned));
    drop(source);
    attribute(run, words)
}

fn master(run: &mut Run) -> Outcome {
    let resource = run
        .text("resource")
        .or_else(|| run.world.variable("OCF_RESOURCE_INSTANCE").map(str::to_owned));
    let Some(resource) = resource else {
        return Err(Failure::new(
            Exit::Usage,
            "This program should normally only be invoked from inside an OCF resource agent.\n\
             To use it on the command line, name the resource with -r.",
        ));
    };
    let mut words = action(run);
    let lifetime = run.text("lifetime").unwrap_or_else(|| "forever".to_owned());
    words.extend(["-n".to_owned(), promotion_score(&resource)]);
    words.extend(["-l".to_owned(), lifetime]);
    if let Some(node) = run.text("node") {
        words.extend(["-N".to_owned(), node]);
    }
    attribute(run, words)
}

fn failcount(run: &mut Run) -> Outcome {
    let Some(resource) = run.text("resource") else {
        return Err(Failure::new(Exit::Usage, "-r/--resource is required"));
    };
    let chosen = last_of(&run.matches, &["query", "update", "delete"]);
    if chosen == Some("update") && run.text("update").as_deref() != Some("0") {
        return Err(Failure::new(
            Exit::Usage,
            "Setting fail counts to anything but 0 is not supported",
        ));
    }
    let operation = run.text("operation");
    let interval_ms = match run.text("interval") {
        Some(text) => interval_ms(&text)
            .ok_or_else(|| Failure::new(Exit::Usage, format!("Invalid interval: {text}")))?,
        None => 0,
    };
    let source = run.source()?;
    let node = match run.text("node") {
        Some(node) => node,
        None => local::node(run, &source)?,
    };
    if matches!(chosen, Some("update" | "delete")) {
        let target = super::crm_resource::Forgotten {
            resource: Some(resource),
            node: Some(node),
            operation,
            interval_ms: Some(interval_ms),
            failed_only: true,
        };
        return super::crm_resource::forget(run, &source, target);
    }
    let name = match &operation {
        Some(operation) => format!("fail-count-{resource}#{operation}_{interval_ms}"),
        None => format!("fail-count-{resource}"),
    };
    let address = Address {
        section: Section::Status,
        node: Some(node_id(&source, &node)?),
        utilization: false,
        set: None,
        id: None,
    };
    let of_any_operation = format!("{name}#");
    let found = address.find(&source, |candidate| {
        candidate == name || operation.is_none() && candidate.starts_with(&of_any_operation)
    })?;
    let total = total(found.iter().map(|pair| pair.value.as_str()));
    if run.given("quiet") {
        run.out.line(&total);
    } else {
        run.out.line(&format!("scope=status  name={name} value={total}"));
    }
    run.out.element("attribute", &[("name", &name), ("value", &total), ("scope", "status")]);
    Ok(Exit::Ok)
}

/// The sum of fail counts; `INFINITY` absorbs everything.
fn total<'v>(values: impl Iterator<Item = &'v str>) -> String {
    let mut sum = 0_u32;
    for value in values {
        match value.parse::<u32>() {
            Ok(count) => sum = sum.saturating_add(count),
            Err(_) if value == "INFINITY" => return value.to_owned(),
            Err(_) => {}
        }
    }
    if sum >= 1_000_000 {
        return "INFINITY".to_owned();
    }
    sum.to_string()
}
