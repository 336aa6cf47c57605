//! `crmadmin`: who orders changes, how a node's manager does, which nodes there are.

use super::args::{applet, flag, last_of, optional, value, words};
use super::clock;
use super::exit::Exit;
use super::local;
use super::run::{Failure, Outcome, Run, Tool};
use clap::Command;
use diarch_cib::xml::{Document, Element};

/// The tool.
pub(super) const TOOL: Tool = Tool { name: "crmadmin", command, run };

fn command() -> Command {
    applet("crmadmin", "query and manage the Pacemaker controller")
        .next_help_heading("Commands")
        .arg(value("status", 'S', "NODE", "Display the status of the specified node"))
        .arg(flag("pacemakerd", 'P', "Display the status of the local manager"))
        .arg(flag("dc_lookup", 'D', "Display the node that orders changes").alias("dc"))
        .arg(optional("nodes", Some('N'), "TYPE", "Display all nodes: all, cluster, guest, remote"))
        .next_help_heading("Additional Options")
        .arg(value("timeout", 't', "TIMESPEC", "Time to wait before declaring failure"))
        .arg(flag("bash-export", 'B', "Display nodes as 'export uname=uuid' (with -N)"))
        .arg(value("ipc-name", 'i', "NAME", "(Ignored)").hide(true))
        .arg(flag("quiet", 'q', "Display only the essential query information"))
        .arg(words("rest"))
}

fn run(run: &mut Run) -> Outcome {
    match last_of(&run.matches, &["status", "pacemakerd", "dc_lookup", "nodes"]) {
        Some("status") => status(run),
        Some("pacemakerd") => daemon(run),
        Some("dc_lookup") => leader(run),
        Some(_) => nodes(run),
        None => Err(Failure::new(Exit::Usage, "Must specify a command option")),
    }
}

fn leader(run: &mut Run) -> Outcome {
    let members = local::members(&run.source()?)?;
    let leader = members.leader().unwrap_or("<none>").to_owned();
    run.out.line(&if run.given("quiet") {
        leader.clone()
    } else {
        format!("Designated Controller is: {leader}")
    });
    run.out.element("dc", &[("node_name", &leader)]);
    Ok(Exit::Ok)
}

fn status(run: &mut Run) -> Outcome {
    let node = run.text("status").unwrap_or_default();
    let members = local::members(&run.source()?)?;
    let Some(member) = members.all().find(|member| member.name == node) else {
        return Err(Failure::new(Exit::NoSuch, format!("No node {node} is known")));
    };
    if !member.is_member {
        return Err(Failure::new(Exit::Timeout, format!("{node} does not answer")));
    }
    // The node that orders changes is idle or at work; any other takes its orders.
    let leads = members.leader() == Some(member.name);
    let state = if leads { "S_IDLE" } else { "S_NOT_DC" };
    run.out.line(&if run.given("quiet") {
        state.to_owned()
    } else {
        format!("Controller on {node} in state {state}: ok")
    });
    run.out.element("crmd", &[("node_name", &node), ("state", state), ("result", "ok")]);
    Ok(Exit::Ok)
}

fn daemon(run: &mut Run) -> Outcome {
    local::members(&run.source()?)?;
    let now = clock::utc_text(run.world.now);
    run.out.line(&if run.given("quiet") {
        "running".to_owned()
    } else {
        format!("Status of pacemakerd: 'Pacemaker is running' (last updated {now})")
    });
    run.out.element(
        "pacemakerd",
        &[("sys_from", "pacemakerd"), ("state", "running"), ("last_updated", &now)],
    );
    Ok(Exit::Ok)
}

/// `--nodes`: from the configuration, so that absent ones are named, too.
fn nodes(run: &mut Run) -> Outcome {
    let wanted = run.text("nodes").unwrap_or_default();
    let wanted: Vec<&str> = wanted.split(',').filter(|word| !word.is_empty()).collect();
    let cib = run.source()?.query(None)?;
    run.out.open("nodes", &[]);
    for (kind, name, id) in all_nodes(&cib) {
        if !wanted.is_empty() && !wanted.contains(&kind) && !wanted.contains(&"all") {
            continue;
        }
        run.out.line(&if run.given("bash-export") {
            format!("export {name}={id}")
        } else if run.given("quiet") {
            name.to_owned()
        } else {
            format!("{kind} node: {name} ({id})")
        });
        run.out.element("node", &[("type", kind), ("name", name), ("id", id)]);
    }
    run.out.close();
    Ok(Exit::Ok)
}

/// Kind, name and id of every node: cluster nodes, then guests, then remote nodes.
fn all_nodes(cib: &Document) -> Vec<(&'static str, &str, &str)> {
    let elements = || cib.root().descendants();
    let is_member = |node: &Element<'_>| {
        node.name() == "node" && node.parent().is_some_and(|parent| parent.name() == "nodes")
    };
    let mut found: Vec<(&'static str, &str, &str)> = elements()
        .filter(|node| is_member(node) && node.attribute("type") != Some("remote"))
        .map(|node| {
            let text = |name| node.attribute(name).unwrap_or_default();
            ("cluster", text("uname"), text("id"))
        })
        .collect();
    let guests = elements()
        .filter(|pair| pair.name() == "nvpair" && pair.attribute("name") == Some("remote-node"))
        .filter_map(|pair| pair.attribute("value"));
    found.extend(guests.map(|name| ("guest", name, name)));
    let remotes = elements()
        .filter(|primitive| {
            primitive.name() == "primitive"
                && primitive.attribute("type") == Some("remote")
                && primitive.attribute("provider") == Some("pacemaker")
        })
        .filter_map(|primitive| primitive.attribute("id"));
    found.extend(remotes.map(|name| ("remote", name, name)));
    found
}
