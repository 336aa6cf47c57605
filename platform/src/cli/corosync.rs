//! `corosync-quorumtool` and `corosync-cmapctl`: the few answers that agents, exporters and shells
//! look for, given from what this cluster knows.

use super::args::{applet, flag, texts, value, words};
use super::clock;
use super::exit::Exit;
use super::local::{self, Members};
use super::run::{Failure, Outcome, Run, Tool};
use clap::{Arg, Command};

/// `corosync-quorumtool`.
pub(super) const QUORUMTOOL: Tool =
    Tool { name: "corosync-quorumtool", command: quorumtool_command, run: quorumtool };

/// `corosync-cmapctl`.
pub(super) const CMAPCTL: Tool =
    Tool { name: "corosync-cmapctl", command: cmapctl_command, run: cmapctl };

fn quorumtool_command() -> Command {
    applet("corosync-quorumtool", "show quorum in Corosync's words")
        .arg(flag("status", 's', "Show quorum status"))
        .arg(flag("list", 'l', "List nodes"))
        .arg(flag("parseable", 'p', "Show status with a column for a quorum device"))
        .arg(flag("expected", 'e', "(Ignored)").hide(true))
        .arg(flag("ids", 'i', "Show node ids instead of names"))
        .arg(words("rest"))
}

/// Its exit status is 0 without quorum and 1 with it, and 2 tells of a partition; callers accept 0
/// and 2, so 0 is what a cluster with quorum gives here.
fn quorumtool(run: &mut Run) -> Outcome {
    let members = local::members(&run.source()?)?;
    if run.given("list") && !run.given("status") {
        run.out.line("");
        membership(run, &members);
        return Ok(Exit::Ok);
    }
    let present = members.all().filter(|member| member.is_member).count();
    let all = members.all().count();
    let local = members.all().find(|member| member.is_local).map_or("0", |member| member.id);
    let quorate = members.has_quorum();
    let yes = if quorate { "Yes" } else { "No" };
    let now = clock::local_text(run.world.now);
    // Of two nodes one is enough once the other is known to be off.
    let lines = [
        "Quorum information".to_owned(),
        "------------------".to_owned(),
        format!("Date:             {now}"),
        "Quorum provider:  corosync_votequorum".to_owned(),
        format!("Nodes:            {present}"),
        format!("Node ID:          {local}"),
        format!("Ring ID:          {local}.{present}"),
        format!("Quorate:          {yes}"),
        String::new(),
        "Votequorum information".to_owned(),
        "----------------------".to_owned(),
        format!("Expected votes:   {all}"),
        format!("Highest expected: {all}"),
        format!("Total votes:      {present}"),
        "Quorum:           1  ".to_owned(),
        format!("Flags:            {}2Node ", if quorate { "Quorate " } else { "" }),
        String::new(),
    ];
    for line in lines {
        run.out.line(&line);
    }
    membership(run, &members);
    Ok(Exit::Ok)
}

/// The table of members.
fn membership(run: &mut Run, members: &Members) {
    run.out.line("Membership information");
    run.out.line("----------------------");
    let parseable = run.given("parseable");
    run.out.line(if parseable {
        "    Nodeid      Votes    Qdevice Name"
    } else {
        "    Nodeid      Votes Name"
    });
    for member in members.all().filter(|member| member.is_member) {
        let device = if parseable { "         NR" } else { "" };
        let local = if member.is_local { " (local)" } else { "" };
        let name = if run.given("ids") { member.id } else { member.name };
        run.out.line(&format!("{:>10} {:>10}{device} {name}{local}", member.id, 1));
    }
}

fn cmapctl_command() -> Command {
    applet("corosync-cmapctl", "show the values that scripts look for in Corosync's map")
        .arg(value("get", 'g', "KEY", "Show the value of a key"))
        .arg(flag("brief", 'b', "Show the keys that begin so"))
        .arg(
            Arg::new("set")
                .short('s')
                .num_args(3)
                .help("(Refused: this cluster is configured by diarch.toml)"),
        )
        .arg(words("rest"))
}

fn cmapctl(run: &mut Run) -> Outcome {
    if run.matches.contains_id("set") {
        return Err(Failure::new(
            Exit::Error,
            "Keys cannot be set: this cluster is configured by diarch.toml",
        ));
    }
    let map = map(run)?;
    if let Some(wanted) = run.text("get") {
        let Some((key, kind, value)) = map.iter().find(|(key, _, _)| *key == wanted) else {
            return Err(Failure::new(
                Exit::Error,
                format!("Can't get key {wanted}. Error CS_ERR_NOT_EXIST"),
            ));
        };
        run.out.line(&format!("{key} ({kind}) = {value}"));
        return Ok(Exit::Ok);
    }
    let prefixes: Vec<String> =
        texts(&run.matches, "rest").into_iter().map(str::to_owned).collect();
    for (key, kind, value) in map {
        if prefixes.is_empty() || prefixes.iter().any(|prefix| key.starts_with(prefix)) {
            run.out.line(&format!("{key} ({kind}) = {value}"));
        }
    }
    Ok(Exit::Ok)
}

/// Key, type and value of everything there is, in order of the keys.
fn map(run: &Run) -> Result<Vec<(String, &'static str, String)>, Failure> {
    let source = run.source()?;
    let members = local::members(&source)?;
    let name = source
        .select("/cib/configuration/crm_config//nvpair[@name='cluster-name']")?
        .and_then(|found| found.root().attribute("value").map(str::to_owned));
    let mut map = Vec::new();
    for (place, member) in members.all().enumerate() {
        let id = member.id;
        map.push((format!("nodelist.node.{place}.name"), "str", member.name.to_owned()));
        map.push((format!("nodelist.node.{place}.nodeid"), "u32", id.to_owned()));
        if member.is_local {
            map.push(("nodelist.local_node_pos".to_owned(), "u32", place.to_string()));
        }
        let status = if member.is_member { "joined" } else { "left" };
        map.push((format!("runtime.members.{id}.status"), "str", status.to_owned()));
    }
    let name = name.unwrap_or_else(|| "diarch".to_owned());
    map.push(("totem.cluster_name".to_owned(), "str", name));
    map.sort();
    Ok(map)
}
