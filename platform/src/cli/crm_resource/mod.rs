//! `crm_resource`: what an administrator and the agents do with resources.

mod agents;
mod constraint;
mod find;
mod force;
mod forget;
mod history;
mod parameter;
mod place;

pub(super) use agents::{Spec, fence_action, fence_agents, metadata_of};
pub(super) use forget::{Forgotten, forget};

use super::args::{applet, flag, last_of, long_flag, long_value, optional, value, words};
use super::exit::Exit;
use super::options;
use super::run::{Failure, Outcome, Run, Tool};
use clap::{ArgAction, Command};
use core::time::Duration;
use diarch_cib::time::interval_ms;
use diarch_cluster::request::Request;

/// The tool.
pub(super) const TOOL: Tool = Tool { name: "crm_resource", command, run };

/// The options that name a command; the last one given counts.
const COMMANDS: &[&str] = &[
    "list",
    "list-raw",
    "list-operations",
    "list-all-operations",
    "list-options",
    "list-standards",
    "list-ocf-providers",
    "list-agents",
    "list-ocf-alternatives",
    "show-metadata",
    "query-xml",
    "query-xml-raw",
    "get-parameter",
    "set-parameter",
    "delete-parameter",
    "locate",
    "cleanup",
    "refresh",
    "move",
    "ban",
    "clear",
    "delete",
    "fail",
    "wait",
    "restart",
    "validate",
    "force-check",
    "force-start",
    "force-stop",
    "force-promote",
    "force-demote",
];

fn command() -> Command {
    let command = applet("crm_resource", "perform tasks related to Pacemaker cluster resources");
    additional(advanced(locations(commands(queries(command)))))
}

fn queries(command: Command) -> Command {
    command
        .next_help_heading("Queries")
        .arg(flag("list", 'L', "List all cluster resources with status"))
        .arg(flag("list-raw", 'l', "List IDs of all instantiated resources"))
        .arg(flag("list-operations", 'O', "List active resource operations"))
        .arg(flag("list-all-operations", 'o', "List all resource operations"))
        .arg(long_value(
            "list-options",
            "TYPE",
            "List all available options of this type: primitive",
        ))
        .arg(long_flag("list-standards", "List supported standards"))
        .arg(long_flag("list-ocf-providers", "List all available OCF providers"))
        .arg(long_value("list-agents", "STD:PROV", "List the agents of a standard or provider"))
        .arg(long_value("list-ocf-alternatives", "AGENT", "List the providers of an OCF agent"))
        .arg(long_value("show-metadata", "SPEC", "Show the metadata of class:provider:agent"))
        .arg(flag("query-xml", 'q', "Show XML configuration of resource"))
        .arg(flag("query-xml-raw", 'w', "The same before any template expansion"))
        .arg(value("get-parameter", 'g', "PARAM", "Display named parameter for resource"))
        .arg(flag("locate", 'W', "Show node(s) currently running resource"))
}

fn commands(command: Command) -> Command {
    command
        .next_help_heading("Commands")
        .arg(
            optional("validate", None, "LEVEL", "Call the agent's validate-all action")
                .require_equals(true),
        )
        .arg(flag("cleanup", 'C', "Forget past failures, so that the state is checked again"))
        .arg(flag("refresh", 'R', "Forget all history, so that the state is checked again"))
        .arg(value("set-parameter", 'p', "PARAM", "Set named parameter (requires -v)"))
        .arg(value("delete-parameter", 'd', "PARAM", "Delete named parameter"))
}

fn locations(command: Command) -> Command {
    command
        .next_help_heading("Locations")
        .arg(flag("move", 'M', "Create a constraint to move resource").alias("migrate"))
        .arg(flag("ban", 'B', "Create a constraint to keep resource off a node"))
        .arg(
            flag("clear", 'U', "Remove all constraints created by --ban and --move")
                .alias("un-move")
                .alias("un-migrate")
                .alias("unban"),
        )
        .arg(flag("expired", 'e', "Only those constraints that have expired (with --clear)"))
        .arg(value("lifetime", 'u', "TIMESPEC", "Lifespan (ISO 8601 duration) of constraints"))
        .arg(long_flag("promoted", "Limit command to the promoted role").alias("master"))
}

fn advanced(command: Command) -> Command {
    let command = command
        .next_help_heading("Advanced")
        .arg(flag("delete", 'D', "(Advanced) Delete a resource from the CIB. Required: -t"))
        .arg(flag("fail", 'F', "(Advanced) Tell the cluster this resource has failed"))
        .arg(long_flag("restart", "(Advanced) Restart this resource and what depends on it"))
        .arg(long_flag("wait", "(Advanced) Wait until the cluster settles into a stable state"))
        .arg(long_flag("digests", "(Advanced) Show parameter hashes").hide(true));
    let command = ["force-demote", "force-stop", "force-start", "force-promote"].into_iter().fold(
        command,
        |command, name| {
            command.arg(long_flag(name, "(Advanced) Bypass the cluster and act on the local node"))
        },
    );
    command.arg(
        optional(
            "force-check",
            None,
            "LEVEL",
            "(Advanced) Bypass the cluster and check the state on the local node",
        )
        .require_equals(true),
    )
}

fn additional(command: Command) -> Command {
    command
        .next_help_heading("Additional Options")
        .arg(
            value("node", 'N', "NAME", "Node name")
                .short_alias('H')
                .alias("node-uname")
                .alias("host-uname"),
        )
        .arg(long_flag("recursive", "Follow colocation chains when using --set-parameter"))
        .arg(value("resource-type", 't', "ELEMENT", "Resource XML element (with -D)"))
        .arg(value("parameter-value", 'v', "PARAM", "Value to use with -p"))
        .arg(flag("meta", 'm', "Use resource meta-attribute (with -p, -g, -d)"))
        .arg(flag("utilization", 'z', "Use resource utilization attribute (with -p, -g, -d)"))
        .arg(long_flag("element", "Use resource element attribute (with -p, -g, -d)"))
        .arg(value("operation", 'n', "OPERATION", "Operation to clear instead of all (with -C)"))
        .arg(value("interval", 'I', "N", "Interval of operation to clear (with -C -n)"))
        .arg(long_value("class", "CLASS", "The standard the resource agent conforms to"))
        .arg(long_value("agent", "AGENT", "The agent to use (for example, IPaddr)"))
        .arg(long_value("provider", "PROVIDER", "The vendor that supplies the agent"))
        .arg(
            long_value("option", "PARAM", "A parameter as NAME=VALUE (with --validate)")
                .action(ArgAction::Append),
        )
        .arg(value("set-name", 's', "ID", "(Advanced) XML ID of attributes element (with -p, -d)"))
        .arg(value("nvpair", 'i', "ID", "(Advanced) XML ID of nvpair element (with -p, -d)"))
        .arg(value("timeout", 'T', "N", "(Advanced) Abort if command takes longer than this"))
        .arg(long_flag("all", "List all options, including advanced and deprecated").hide(true))
        .arg(flag("force", 'f', "Force the action to be performed"))
        .arg(flag("quiet", 'Q', "Be less descriptive in output"))
        .arg(value("resource", 'r', "ID", "Resource ID"))
        .arg(words("rest"))
}

fn run(run: &mut Run) -> Outcome {
    let chosen = last_of(&run.matches, COMMANDS).unwrap_or("list");
    match chosen {
        "list-options" => {
            let kind = run.text("list-options").unwrap_or_default();
            options::list(run, &kind)
        }
        "list-standards" => agents::standards(run),
        "list-ocf-providers" => agents::providers(run),
        "list-agents" => agents::agents(run),
        "list-ocf-alternatives" => agents::alternatives(run),
        "show-metadata" => agents::metadata(run),
        "validate" if run.text("resource").is_none() => force::validate_options(run),
        "wait" => wait(run),
        "cleanup" | "refresh" => forget::command(run, chosen == "cleanup"),
        "list-raw" => place::list_raw(run),
        "list-operations" | "list-all-operations" => {
            history::list(run, chosen == "list-all-operations")
        }
        "list" => place::list(run),
        _ => with_resource(run, chosen),
    }
}

/// The commands that need `--resource`.
fn with_resource(run: &mut Run, chosen: &str) -> Outcome {
    let Some(resource) = run.text("resource") else {
        return Err(Failure::new(Exit::Usage, "Must supply a resource id with -r"));
    };
    match chosen {
        "locate" => place::locate(run, &resource),
        "query-xml" | "query-xml-raw" => place::query_xml(run, &resource),
        "get-parameter" => parameter::get(run, &resource),
        "set-parameter" => parameter::set(run, &resource),
        "delete-parameter" => parameter::delete(run, &resource),
        "move" => constraint::move_away(run, &resource),
        "ban" => constraint::ban(run, &resource),
        "clear" => constraint::clear(run, &resource),
        "delete" => parameter::delete_resource(run, &resource),
        "restart" => parameter::restart(run, &resource),
        "fail" => fail(run, resource),
        _ => force::on_resource(run, &resource, chosen),
    }
}

/// `--wait`: until no transition is running and none is due, or `--timeout` is over.
fn wait(run: &Run) -> Outcome {
    let source = run.source()?;
    let Some(text) = run.text("timeout") else {
        let reply = source.ask(&Request::WaitIdle)?;
        return answered(reply.rc, &reply.message);
    };
    let timeout = interval_ms(&text).ok_or_else(|| {
        Failure::new(Exit::InvalidParam, format!("Invalid value for --timeout: {text}"))
    })?;
    let (sender, receiver) = std::sync::mpsc::channel();
    std::thread::spawn(move || sender.send(source.ask(&Request::WaitIdle)));
    match receiver.recv_timeout(Duration::from_millis(timeout)) {
        Ok(reply) => {
            let reply = reply?;
            answered(reply.rc, &reply.message)
        }
        Err(_) => Err(Failure::new(Exit::Timeout, "Error performing operation: Timer expired")),
    }
}

/// `--fail`: pretend that a monitor failed.
fn fail(run: &mut Run, resource: String) -> Outcome {
    let Some(node) = run.text("node") else {
        return Err(Failure::new(Exit::Usage, "You need to supply a node with -N"));
    };
    let reply = run.source()?.ask(&Request::Fail { resource, node: Some(node) })?;
    if reply.rc == 0 {
        run.out.line("Waiting for 1 reply from the controller");
        run.out.line("... got reply (done)");
    }
    answered(reply.rc, &reply.message)
}

/// A manager's answer as the applet's result.
fn answered(rc: i32, message: &str) -> Outcome {
    if rc == 0 {
        return Ok(Exit::Ok);
    }
    Err(Failure::new(Exit::of(rc), format!("Error performing operation: {message}")))
}
