//! `attrd_updater`: transient node attributes, straight from the attribute manager.

use super::args::{applet, flag, last_of, value, words};
use super::exit::Exit;
use super::local;
use super::run::{Failure, Outcome, Run, Tool};
use super::source::{Source, document};
use clap::Command;
use diarch_cib::time::interval_ms;
use diarch_cluster::request::Request;

/// The tool.
pub(super) const TOOL: Tool = Tool { name: "attrd_updater", command, run };

/// The options that name a command; the last one given counts.
const COMMANDS: &[&str] = &["update", "update-both", "update-delay", "query", "delete", "refresh"];

fn command() -> Command {
    applet("attrd_updater", "query and update Pacemaker node attributes")
        .next_help_heading("Required Arguments")
        .arg(value("name", 'n', "NAME", "The attribute's name"))
        .arg(value("pattern", 'P', "PATTERN", "All attributes that match (with -U, -B, -Y, -D)"))
        .next_help_heading("Command")
        .arg(value("update", 'U', "VALUE", "Update the attribute's value").short_alias('v'))
        .arg(value("update-both", 'B', "VALUE", "Update value and dampening; requires -d/--delay"))
        .arg(flag("update-delay", 'Y', "Update the dampening only; requires -d/--delay"))
        .arg(flag("query", 'Q', "Query the attribute's value"))
        .arg(flag("delete", 'D', "Unset the attribute"))
        .arg(flag("refresh", 'R', "(Advanced) Write all current values to the CIB again"))
        .next_help_heading("Additional Options")
        .arg(value("delay", 'd', "SECONDS", "How long to wait for further changes"))
        .arg(value("set", 's', "SET", "(Advanced) The attribute set for the value"))
        .arg(value("node", 'N', "NODE", "Set the attribute of this node, not the local one"))
        .arg(flag("all", 'A', "Show the values of all nodes (query only)"))
        .arg(value("lifetime", 'l', "SECTION", "").hide(true))
        .arg(value("section", 'S', "SECTION", "").hide(true))
        .arg(flag("private", 'p', "Never write a new attribute to the CIB"))
        .arg(value("wait", 'W', "UNTIL", "Wait for an update: no (default), local, cluster"))
        .arg(flag("utilization", 'z', "A utilization attribute"))
        .arg(flag("quiet", 'q', "").hide(true))
        .arg(words("rest"))
}

fn run(run: &mut Run) -> Outcome {
    let Some(chosen) = last_of(&run.matches, COMMANDS) else {
        return Err(Failure::new(Exit::Usage, "Must specify a command option"));
    };
    if chosen == "refresh" {
        // Every value is written when it changes; there is nothing to repeat.
        return run.source()?.ask(&Request::Nodes).map(|_| Exit::Ok);
    }
    let pattern = run.text("pattern");
    let Some(name) = pattern.clone().or_else(|| run.text("name")) else {
        return Err(Failure::new(Exit::Usage, "Command requires --name or --pattern argument"));
    };
    let delay = run.text("delay");
    if delay.is_none() && matches!(chosen, "update-both" | "update-delay") {
        return Err(Failure::new(Exit::Usage, "Command requires --delay argument"));
    }
    let dampen_ms = match &delay {
        Some(text) => Some(interval_ms(text).ok_or_else(|| {
            Failure::new(Exit::Usage, format!("Invalid value for --delay: {text}"))
        })?),
        None => None,
    };
    let source = run.source()?;
    let node = run.text("node").or_else(|| local::target_of_agent(&run.world));
    let value = match chosen {
        "query" => return query(run, &source, &name, node),
        "update" | "update-both" => run.text(chosen),
        "update-delay" => current(&source, &name, node.as_deref())?,
        _ => None,
    };
    let reply = source.ask(&Request::AttributeUpdate {
        name: name.clone(),
        pattern: pattern.is_some(),
        value,
        node,
        dampen_ms,
        private: run.given("private"),
        set_id: run.text("set"),
    })?;
    if reply.rc == 0 {
        return Ok(Exit::Ok);
    }
    let message = format!("Could not update {name}: {}", reply.message);
    Err(Failure::new(Exit::of(reply.rc), message))
}

/// `--query`: one line for each node that has the attribute.
fn query(run: &mut Run, source: &Source, name: &str, node: Option<String>) -> Outcome {
    let node = match node {
        _ if run.given("all") => None,
        Some(node) => Some(node),
        None => Some(local::node(run, source)?),
    };
    let values = values(source, name, node)?;
    if values.is_empty() {
        return Err(Failure::new(
            Exit::Config,
            format!("Could not query value of {name}: attribute does not exist"),
        ));
    }
    for (host, value) in values {
        let line = format!("name=\"{name}\" host=\"{host}\" value=\"{value}\"");
        run.out.line(&line);
        run.out.element("attribute", &[("name", name), ("value", &value), ("host", &host)]);
    }
    Ok(Exit::Ok)
}

/// Which node has which value.
fn values(
    source: &Source,
    name: &str,
    node: Option<String>,
) -> Result<Vec<(String, String)>, Failure> {
    let reply = source.ask(&Request::AttributeQuery { name: name.to_owned(), node })?;
    if reply.payload.is_empty() {
        return Ok(Vec::new());
    }
    let answer = document(&reply.payload)?;
    Ok(answer
        .root()
        .children()
        .filter_map(|value| {
            let host = value.attribute("node")?;
            Some((host.to_owned(), value.attribute("value")?.to_owned()))
        })
        .collect())
}

/// The value that `--update-delay` leaves as it is.
fn current(source: &Source, name: &str, node: Option<&str>) -> Result<Option<String>, Failure> {
    let values = values(source, name, node.map(str::to_owned))?;
    Ok(values.into_iter().next().map(|(_, value)| value))
}
