//! `crm_node`: who belongs to the cluster, and who is here.

use super::args::{applet, flag, last_of, value, words};
use super::exit::Exit;
use super::local::{self, Members};
use super::run::{Failure, Outcome, Run, Tool};
use clap::Command;
use diarch_cluster::request::Request;

/// The tool.
pub(super) const TOOL: Tool = Tool { name: "crm_node", command, run };

const COMMANDS: &[&str] =
    &["cluster-id", "list", "name", "partition", "quorum", "name-for-id", "remove"];

fn command() -> Command {
    applet("crm_node", "Tool for displaying low-level node information")
        .next_help_heading("Commands")
        .arg(flag("cluster-id", 'i', "Display this node's cluster id"))
        .arg(flag("list", 'l', "Display all known members (past and present) of this cluster"))
        .arg(flag("name", 'n', "Display the name used by the cluster for this node"))
        .arg(flag("partition", 'p', "Display the members of this partition"))
        .arg(flag("quorum", 'q', "Display a 1 if our partition has quorum, 0 if not"))
        .arg(value("name-for-id", 'N', "ID", "Display the name of the node with this ID"))
        .arg(value("remove", 'R', "NAME", "(Advanced) Remove this (stopped) node"))
        .next_help_heading("Additional Options")
        .arg(flag("force", 'f', "Remove without further questions"))
        .arg(flag("quiet", 'Q', "Be less descriptive in output"))
        .arg(words("rest"))
}

fn run(run: &mut Run) -> Outcome {
    let Some(chosen) = last_of(&run.matches, COMMANDS) else {
        return Err(Failure::new(Exit::Usage, "Must specify a command option"));
    };
    if chosen == "name"
        && let Some(name) = local::target_of_agent(&run.world)
    {
        show_name(run, &name);
        return Ok(Exit::Ok);
    }
    if chosen == "remove" {
        return remove(run);
    }
    let source = run.source()?;
    let members = local::members(&source)?;
    match chosen {
        "list" => list(run, &members),
        "partition" => partition(run, &members),
        "quorum" => {
            let has = members.has_quorum();
            run.out.line(if has { "1" } else { "0" });
            let text = if has { "true" } else { "false" };
            run.out.element("cluster-info", &[("quorum", text)]);
        }
        "name" => {
            let name = members.local_name().unwrap_or_default();
            show_name(run, &name);
        }
        "cluster-id" => {
            let Some(id) = members.all().find(|m| m.is_local).map(|m| m.id.to_owned()) else {
                return Err(Failure::new(Exit::Protocol, "Node is not known to cluster"));
            };
            run.out.line(&id);
            run.out.element("node-info", &[("nodeid", &id)]);
        }
        _ => return name_for_id(run, &members),
    }
    Ok(Exit::Ok)
}

fn show_name(run: &mut Run, name: &str) {
    run.out.line(name);
    run.out.element("node-info", &[("uname", name)]);
}

fn list(run: &mut Run, members: &Members) {
    run.out.open("nodes", &[]);
    for node in members.all() {
        let state = if node.is_member { "member" } else { "lost" };
        run.out.line(&format!("{} {} {state}", node.id, node.name));
        run.out.element("node", &[("id", node.id), ("name", node.name), ("state", state)]);
    }
    run.out.close();
}

fn partition(run: &mut Run, members: &Members) {
    let mut line = String::new();
    run.out.open("nodes", &[]);
    for node in members.all().filter(|node| node.is_member) {
        line.push_str(node.name);
        line.push(' ');
        run.out.element("node", &[("id", node.id), ("name", node.name), ("state", "member")]);
    }
    run.out.close();
    run.out.line(&line);
}

fn name_for_id(run: &mut Run, members: &Members) -> Outcome {
    let wanted = run.text("name-for-id").unwrap_or_default();
    let Some(name) = members.all().find(|node| node.id == wanted).map(|node| node.name.to_owned())
    else {
        return Err(Failure::new(Exit::NoSuch, format!("Node {wanted} is not known to cluster")));
    };
    show_name(run, &name);
    Ok(Exit::Ok)
}

/// `--remove`: a node that is not here, and that is gone for good.
fn remove(run: &Run) -> Outcome {
    if !run.given("force") {
        return Err(Failure::new(
            Exit::Usage,
            "The supplied command is considered dangerous.  To prevent accidental destruction \
             of the cluster, the --force flag is required in order to proceed.",
        ));
    }
    let name = run.text("remove").unwrap_or_default();
    let reply = run.source()?.ask(&Request::RemoveNode { name: name.clone() })?;
    if reply.rc == 0 {
        return Ok(Exit::Ok);
    }
    let message = format!("Could not remove node {name}: {}", reply.message);
    Err(Failure::new(Exit::of(reply.rc), message))
}
