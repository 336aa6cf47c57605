//! `crm_mon`: the cluster's state, once, as text or XML.

use super::args::{applet, flag, long_flag, long_value, optional, text, texts, value, words};
use super::clock;
use super::exit::Exit;
use super::local;
use super::run::{Failure, Outcome, PACEMAKER_VERSION, Run, Tool};
use super::source::{Source, document};
use clap::{ArgAction, Command};
use diarch_cib::time::DateTime;
use diarch_cib::xml::{Document, Element};
use diarch_cluster::request::Request;
use diarch_scheduler::Input;
use diarch_scheduler::summary::{self, Facts, FencingEvent, FencingState, Section, Show};
use std::collections::BTreeSet;

/// The tool.
pub(super) const TOOL: Tool = Tool { name: "crm_mon", command, run };

fn command() -> Command {
    let list = |arg: clap::Arg| arg.action(ArgAction::Append);
    applet("crm_mon", "Provides a summary of cluster's current state.")
        .next_help_heading("Display Options")
        .arg(list(value("include", 'I', "SECTION(s)", "A list of sections to include")))
        .arg(list(value("exclude", 'U', "SECTION(s)", "A list of sections to exclude")))
        .arg(long_value("node", "NODE", "Limit the output to a node, or nodes of a tag"))
        .arg(long_value("resource", "RSC", "Limit the output to a resource, or those of a tag"))
        .arg(flag("group-by-node", 'n', "Group resources by node"))
        .arg(flag("inactive", 'r', "Display inactive resources"))
        .arg(flag("failcounts", 'f', "Display resource fail counts"))
        .arg(flag("operations", 'o', "Display resource operation history"))
        .arg(flag("timing-details", 't', "Display resource operation history with timing details"))
        .arg(flag("tickets", 'c', "Display cluster tickets"))
        .arg(optional("fence-history", Some('m'), "LEVEL", "Show fence history: 0=off, 1, 2, 3"))
        .arg(optional("neg-locations", Some('L'), "PREFIX", "Display negative constraints"))
        .arg(flag("show-node-attributes", 'A', "Display node attributes"))
        .arg(flag("hide-headers", 'D', "Hide all headers"))
        .arg(flag("show-detail", 'R', "Show more details (node IDs, individual clone instances)"))
        .arg(long_flag("show-description", "Show resource descriptions"))
        .arg(flag("brief", 'b', "Brief output"))
        .arg(flag("pending", 'j', "Display pending state (always done)").hide(true))
        .next_help_heading("Additional Options")
        .arg(value("interval", 'i', "TIMESPEC", "Update frequency (it is shown once)"))
        .arg(flag("one-shot", '1', "Display the cluster status once and exit"))
        .arg(flag("daemonize", 'd', "(Ignored)").hide(true))
        .arg(value("pid-file", 'p', "FILE", "(Ignored)").hide(true))
        .arg(flag("as-xml", 'X', "Write cluster status as XML, as before 2.0.3").hide(true))
        .arg(flag("simple-status", 's', "Display the cluster status as a single line").hide(true))
        .arg(flag("disable-ncurses", 'N', "(Ignored)").hide(true))
        .arg(flag("watch-fencing", 'W', "(Ignored)").hide(true))
        .arg(flag("quiet", 'Q', "Display only essential output"))
        .arg(words("rest"))
}

fn run(run: &mut Run) -> Outcome {
    let (cib, facts) = match gather(run) {
        Ok(found) => found,
        Err(failure) => {
            let state = [("description", "Not connected"), ("pacemakerd-state", "not_running")];
            run.out.element("crm-mon-disconnected", &state);
            return Err(failure);
        }
    };
    let mut tables = diarch_scheduler::read(&cib, &Input { now: run.world.now });
    if run.given("simple-status") {
        let line = simple(&tables);
        run.out.line(&line);
        return Ok(Exit::Ok);
    }
    let as_xml = run.given("as-xml");
    let mut show = shown(run, as_xml || run.out.is_xml())?;
    if show.has(Section::Bans) {
        summary::read_bans(&mut tables);
    }
    show.nodes = filter(run, "node", &tables);
    show.resources = filter(run, "resource", &tables);
    let now = clock::utc_text(facts.now);
    let answers = facts.origin.is_some();
    if as_xml || run.out.is_xml() {
        let mut status = summary::document(&tables, &facts, &show, "crm_mon");
        let root = status.root().id();
        status.set_attribute(root, "version", PACEMAKER_VERSION);
        if answers {
            let daemon = status.insert_new(root, 0, "pacemakerd");
            status.set_attribute(daemon, "sys_from", "pacemakerd");
            status.set_attribute(daemon, "state", "running");
            status.set_attribute(daemon, "last_updated", &now);
        }
        if as_xml {
            run.out.raw(&status.write());
        } else {
            for child in status.root().children() {
                run.out.xml(child);
            }
        }
        return Ok(Exit::Ok);
    }
    if answers && !run.given("quiet") {
        let running = "Status of pacemakerd: 'Pacemaker is running'";
        run.out.line(&format!("{running} (last updated {now})"));
    }
    run.out.raw(&summary::report(&tables, &facts, &show));
    Ok(Exit::Ok)
}

/// The CIB, and what only a manager knows.
fn gather(run: &Run) -> Result<(Document, Facts), Failure> {
    let source = run.source()?;
    let cib = source.query(None)?;
    let mut facts = Facts { now: run.world.now, ..Facts::default() };
    if source.is_live() {
        facts.origin = local::members(&source)?.local_name();
        facts.fencing = fencing(&source)?;
    }
    Ok((cib, facts))
}

/// The history of fencing.
fn fencing(source: &Source) -> Result<Vec<FencingEvent>, Failure> {
    let reply = source.ask(&Request::FenceHistory { target: None })?;
    if reply.rc != 0 || reply.payload.is_empty() {
        return Ok(Vec::new());
    }
    let answer = document(&reply.payload)?;
    Ok(answer.root().children_named("fence_event").map(event).collect())
}

fn event(event: Element<'_>) -> FencingEvent {
    let optional = |name| event.attribute(name).filter(|text: &&str| !text.is_empty());
    let text = |name| optional(name).unwrap_or_default().to_owned();
    let state = optional("status").or_else(|| optional("state")).unwrap_or_default();
    FencingEvent {
        state: match state {
            "success" | "done" => FencingState::Succeeded,
            "failed" => FencingState::Failed,
            _ => FencingState::Pending,
        },
        action: text("action"),
        target: text("target"),
        client: text("client"),
        origin: text("origin"),
        delegate: optional("delegate").map(str::to_owned),
        completed: optional("completed").map(|at| match at.parse::<i64>() {
            Ok(seconds) => DateTime::from_epoch(seconds).to_string(),
            Err(_) => at.to_owned(),
        }),
        reason: optional("exit-reason").map(str::to_owned),
    }
}

/// What the words of `--include` and `--exclude` stand for.
fn sections(word: &str) -> Option<&'static [Section]> {
    use Section as S;
    Some(match word {
        "attributes" => &[S::Attributes],
        "bans" => &[S::Bans],
        "counts" => &[S::Counts],
        "dc" => &[S::Leader],
        "failcounts" => &[S::FailCounts],
        "failures" => &[S::Failures],
        "fencing" => &[S::FencingFailed, S::FencingPending, S::FencingSucceeded],
        "fencing-failed" => &[S::FencingFailed],
        "fencing-pending" => &[S::FencingPending],
        "fencing-succeeded" => &[S::FencingSucceeded],
        "maint-mode" => &[S::Maintenance],
        "nodes" => &[S::Nodes],
        "operations" => &[S::Operations],
        "options" => &[S::Options],
        "resources" => &[S::Resources],
        "stack" => &[S::Stack],
        "summary" => &[S::Stack, S::Leader, S::Times, S::Counts, S::Options, S::Maintenance],
        "tickets" => &[S::Tickets],
        "times" => &[S::Times],
        "all" => &[
            S::Stack,
            S::Leader,
            S::Times,
            S::Counts,
            S::Options,
            S::Maintenance,
            S::Nodes,
            S::Resources,
            S::Attributes,
            S::FailCounts,
            S::Operations,
            S::Failures,
            S::FencingFailed,
            S::FencingPending,
            S::FencingSucceeded,
            S::Tickets,
            S::Bans,
        ],
        _ => return None,
    })
}

fn of(words: &[&str]) -> BTreeSet<Section> {
    words.iter().filter_map(|word| sections(word)).flatten().copied().collect()
}

/// What is shown where nothing is said.
fn usual(xml: bool) -> BTreeSet<Section> {
    if xml {
        return of(&["all"]);
    }
    of(&["summary", "nodes", "resources", "failures", "fencing-failed", "fencing-pending"])
}

/// What to show, by the options.
fn shown(run: &Run, xml: bool) -> Result<Show, Failure> {
    let mut show = Show {
        sections: usual(xml),
        inactive: run.given("inactive"),
        by_node: run.given("group-by-node"),
        detail: run.given("show-detail"),
        timing: run.given("timing-details"),
        ..Show::default()
    };
    let options = [
        ("failcounts", "failcounts"),
        ("operations", "operations"),
        ("timing-details", "operations"),
        ("tickets", "tickets"),
        ("neg-locations", "bans"),
        ("show-node-attributes", "attributes"),
    ];
    for (option, section) in options {
        if run.given(option) {
            show.sections.extend(of(&[section]));
        }
    }
    if run.given("hide-headers") {
        show.sections.retain(|section| !of(&["summary"]).contains(section));
    }
    if let Some(level) = text(&run.matches, "fence-history") {
        show.sections.retain(|section| !of(&["fencing"]).contains(section));
        show.sections.extend(match level {
            "0" => of(&[]),
            "" | "1" => of(&["fencing-failed", "fencing-pending"]),
            "2" | "3" => of(&["fencing"]),
            _ => {
                let message = "Fence history must be 0-3";
                return Err(Failure::new(Exit::InvalidParam, message));
            }
        });
    }
    text(&run.matches, "neg-locations").unwrap_or_default().clone_into(&mut show.ban_prefix);
    for list in texts(&run.matches, "exclude") {
        change(&mut show, list, false, xml)?;
    }
    for list in texts(&run.matches, "include") {
        change(&mut show, list, true, xml)?;
    }
    Ok(show)
}

/// Applies one list of `--include` or `--exclude`.
fn change(show: &mut Show, list: &str, include: bool, xml: bool) -> Result<(), Failure> {
    for word in list.split(',') {
        if let Some(prefix) = word.strip_prefix("bans:").filter(|_| include) {
            prefix.clone_into(&mut show.ban_prefix);
            show.sections.insert(Section::Bans);
            continue;
        }
        match (word, include) {
            ("none", true) => show.sections.clear(),
            ("none", false) => show.sections = of(&["all"]),
            ("default" | "defaults", true) => show.sections.extend(usual(xml)),
            _ => {
                let Some(found) = sections(word) else {
                    let option = if include { "include" } else { "exclude" };
                    return Err(Failure::new(
                        Exit::Usage,
                        format!("--{option} options: {word} is no section"),
                    ));
                };
                if include {
                    show.sections.extend(found);
                } else {
                    show.sections.retain(|section| !found.contains(section));
                }
            }
        }
    }
    Ok(())
}

/// The names that `--node` or `--resource` stands for: one, or those of a tag.
fn filter(
    run: &Run,
    option: &str,
    tables: &diarch_scheduler::model::Tables<'_>,
) -> Option<BTreeSet<String>> {
    let name = run.text(option).filter(|name| name != "*")?;
    let mut names: BTreeSet<String> =
        tables.tags.get(name.as_str()).into_iter().flatten().map(|id| (*id).to_owned()).collect();
    if option == "node" {
        let by_id = |id: &String| tables.node_by_id(id).map(|node| tables.nodes[node].name);
        names = names.iter().map(|id| by_id(id).unwrap_or(id).to_owned()).collect();
        names.extend(tables.node_by_name(&name).map(|node| tables.nodes[node].name.to_owned()));
    }
    names.insert(name);
    Some(names)
}

/// The state in one line, as monitoring systems read it.
fn simple(tables: &diarch_scheduler::model::Tables<'_>) -> String {
    let nodes = || tables.nodes.iter().map(|(_, node)| node);
    let wrong: Vec<String> = nodes()
        .filter_map(|node| {
            let state = match (node.standby, node.maintenance, node.online) {
                (true, _, _) => "standby",
                (false, true, _) => "maintenance",
                (false, false, false) => "offline",
                (false, false, true) => return None,
            };
            Some(format!("{state} node: {}", node.name))
        })
        .collect();
    if wrong.is_empty() {
        format!("CLUSTER OK: {} nodes online", nodes().count())
    } else {
        format!("CLUSTER WARN: {}", wrong.join(", "))
    }
}
