//! `crm_simulate`: what the cluster would do, and what would come of it.

use super::args::{applet, flag, given, long_value, text, texts, value, words};
use super::cibfile;
use super::clock;
use super::exit::Exit;
use super::run::{Failure, Outcome, Run, Tool};
use super::source::document;
use clap::{Arg, ArgAction, Command};
use diarch_cib::time::{DateTime, truth};
use diarch_cib::xml::Document;
use diarch_scheduler::graph::write;
use diarch_scheduler::simulate::{self, Change};
use diarch_scheduler::summary::{self, Facts, Outline, Section, Show};
use diarch_scheduler::{Input, Plan, Tables, read, schedule};
use std::path::Path;

/// The tool.
pub(super) const TOOL: Tool = Tool { name: "crm_simulate", command, run };

fn command() -> Command {
    let list = |arg: Arg| arg.action(ArgAction::Append);
    applet("crm_simulate", "simulate a Pacemaker cluster's response to events")
        .next_help_heading("Operations")
        .arg(flag("run", 'R', "Process the supplied input and show what actions are needed"))
        .arg(flag("simulate", 'S', "Like --run, but also simulate taking those actions"))
        .arg(flag("in-place", 'X', "Like --simulate, but also store the results to the input"))
        .arg(flag("show-attrs", 'A', "Show node attributes"))
        .arg(flag("show-failcounts", 'c', "Show resource fail counts"))
        .arg(flag("show-scores", 's', "Show allocation scores"))
        .arg(flag("show-utilization", 'U', "Show utilization information"))
        .next_help_heading("Synthetic Cluster Events")
        .arg(list(value("node-up", 'u', "NODE", "Simulate bringing a node online")))
        .arg(list(value("node-down", 'd', "NODE", "Simulate taking a node offline")))
        .arg(list(value("node-fail", 'f', "NODE", "Simulate a node failing")))
        .arg(list(value("op-inject", 'i', "OPSPEC", "Generate a failure to react to")))
        .arg(list(value("op-fail", 'F', "OPSPEC", "Make an operation fail while simulating")))
        .arg(value("set-datetime", 't', "DATETIME", "Set date/time (ISO 8601 format)"))
        .arg(value("quorum", 'q', "QUORUM", "Set to '1' (or 'true') to indicate quorum"))
        .arg(value("watchdog", 'w', "DEVICE", "Set to '1' (or 'true') to indicate a watchdog"))
        .arg(list(value("ticket-grant", 'g', "TICKET", "Simulate granting a ticket")))
        .arg(list(value("ticket-revoke", 'r', "TICKET", "Simulate revoking a ticket")))
        .arg(list(value("ticket-standby", 'b', "TICKET", "Simulate making a ticket standby")))
        .arg(list(value("ticket-activate", 'e', "TICKET", "Simulate activating a ticket")))
        .next_help_heading("Artifact Options")
        .arg(value("save-input", 'I', "FILE", "Save the input configuration to the named file"))
        .arg(value("save-output", 'O', "FILE", "Save the output configuration"))
        .arg(value("save-graph", 'G', "FILE", "Save the transition graph (XML format)"))
        .arg(value("save-dotfile", 'D', "FILE", "Save the transition graph (DOT format)"))
        .arg(flag("all-actions", 'a', "Display all possible actions in the DOT graph"))
        .next_help_heading("Data Source")
        .arg(flag("live-check", 'L', "Connect to the cluster and use the current CIB as input"))
        .arg(value("xml-file", 'x', "FILE", "Retrieve XML from the named file"))
        .arg(flag("xml-pipe", 'p', "Retrieve XML from stdin"))
        .arg(flag("quiet", 'Q', "Display only essential output"))
        .arg(long_value("transition-file", "FILE", "(Ignored)").hide(true))
        .arg(words("rest"))
}

fn run(run: &mut Run) -> Outcome {
    let mut cib = input(run)?;
    let quiet = run.given("quiet");
    let (now, announcement) = moment(run, &cib)?;
    let input = Input { now };
    let mut show = Show::everything_that_runs();
    for (option, section) in
        [("show-attrs", Section::Attributes), ("show-failcounts", Section::FailCounts)]
    {
        if run.given(option) {
            show.sections.insert(section);
        }
    }
    if !quiet {
        run.out.raw(&announcement);
        let tables = read(&cib, &input);
        run.out.raw(&summary::untouchable(&tables));
        status(run, &tables, "Current cluster status", &show);
    }
    let changes = changes(run)?;
    if !changes.is_empty() {
        suppose(run, &mut cib, &input, &changes)?;
    }
    if let Some(file) = text(&run.matches, "save-input") {
        save(file, &cib.write())?;
    }
    let further = ["run", "simulate", "in-place", "show-scores", "show-utilization"];
    let files = ["save-graph", "save-dotfile", "save-output"];
    if further.iter().chain(&files).any(|option| run.given(option)) {
        decide(run, &cib, &input, &show, &announcement)?;
    }
    Ok(Exit::Ok)
}

/// Where the CIB comes from.
fn input(run: &mut Run) -> Result<Document, Failure> {
    if run.given("xml-pipe") {
        let text = run.stdin()?;
        return document(&text);
    }
    match run.text("xml-file").as_deref() {
        Some("-") => {
            let text = run.stdin()?;
            document(&text)
        }
        Some(file) => cibfile::read(Path::new(file)),
        None => run.source()?.query(None),
    }
}

/// For which moment it is computed, and what is said of that.
fn moment(run: &Run, cib: &Document) -> Result<(i64, String), Failure> {
    if let Some(text) = run.text("set-datetime") {
        let when: DateTime = text
            .parse()
            .map_err(|_| Failure::new(Exit::DataErr, format!("Invalid date/time: {text}")))?;
        return Ok((when.epoch(), format!("Setting effective cluster time: {text}\n")));
    }
    let recorded = cib.root().attribute("execution-date").and_then(|text| text.parse().ok());
    Ok(match recorded {
        Some(then) => {
            let when = clock::utc_text(then);
            (then, format!("Using the original execution date of: {when}\n"))
        }
        None => (run.world.now, String::new()),
    })
}

/// What is supposed to have happened.
fn changes(run: &Run) -> Result<Vec<Change>, Failure> {
    type Maker = fn(String) -> Change;
    let mut changes = Vec::new();
    let flag = |name: &str| match run.text(name) {
        None => Ok(None),
        Some(text) => truth(&text).map(Some).ok_or_else(|| {
            Failure::new(Exit::Usage, format!("Invalid value for --{name}: {text}"))
        }),
    };
    changes.extend(flag("quorum")?.map(Change::Quorum));
    changes.extend(flag("watchdog")?.map(Change::Watchdog));
    let named: [(&str, Maker); 8] = [
        ("node-up", Change::NodeUp),
        ("node-down", Change::NodeDown),
        ("node-fail", Change::NodeFail),
        ("ticket-grant", Change::TicketGrant),
        ("ticket-revoke", Change::TicketRevoke),
        ("ticket-standby", Change::TicketStandby),
        ("ticket-activate", Change::TicketActivate),
        ("op-inject", Change::Operation),
    ];
    for (option, change) in named {
        let given = texts(&run.matches, option);
        changes.extend(given.into_iter().map(|name| change(name.to_owned())));
    }
    Ok(changes)
}

fn suppose(
    run: &mut Run,
    cib: &mut Document,
    input: &Input,
    changes: &[Change],
) -> Result<(), Failure> {
    let before = cib.clone();
    let tables = read(&before, input);
    let mut said = Vec::new();
    for change in changes {
        let sentence = simulate::inject(&tables, cib, change)
            .map_err(|error| Failure::new(Exit::NoSuch, error.to_string()))?;
        said.push(sentence);
    }
    if !run.given("quiet") {
        run.out.line("");
        list(run, "Performing Requested Modifications", "modifications", "modification", &said);
    }
    Ok(())
}

/// Lines below a heading, or elements.
fn list(run: &mut Run, title: &str, group: &str, element: &str, lines: &[String]) {
    let mut out = Outline::default();
    out.open(title);
    for line in lines {
        out.item(line);
    }
    run.out.raw(&out.finish());
    run.out.open(group, &[]);
    for line in lines {
        run.out.element_with_text(element, &[], line);
    }
    run.out.close();
}

fn status(run: &mut Run, tables: &Tables<'_>, title: &str, show: &Show) {
    run.out.raw(&summary::status(tables, title, show));
    if run.out.is_xml() {
        let facts = Facts { now: tables.now, ..Facts::default() };
        let document = summary::document(tables, &facts, show, "cluster_status");
        run.out.xml(document.root());
    }
}

/// Computes the transition, shows it, and carries it out on paper.
fn decide(
    run: &mut Run,
    cib: &Document,
    input: &Input,
    show: &Show,
    announcement: &str,
) -> Result<(), Failure> {
    let quiet = run.given("quiet");
    let (plan, diagnostics) = schedule(cib, input);
    if run.given("verbose") {
        for diagnostic in diagnostics {
            run.out.message(&diagnostic.message);
        }
    }
    scores(run, &plan);
    if let Some(file) = text(&run.matches, "save-graph") {
        save(file, &write(&plan.graph))?;
    }
    if let Some(file) = text(&run.matches, "save-dotfile") {
        save(file, &summary::drawing(&plan.tables, &plan.graph, run.given("all-actions")))?;
    }
    if !quiet {
        run.out.line("");
        let lines = summary::transition(&plan.tables);
        list(run, "Transition Summary", "actions", "action", &lines);
    }
    if !["simulate", "in-place", "save-output"].iter().any(|option| run.given(option)) {
        return Ok(());
    }
    let mut after = cib.clone();
    let failing: Vec<String> =
        texts(&run.matches, "op-fail").into_iter().map(str::to_owned).collect();
    let outcome = simulate::run(&plan.tables, &plan.graph, &failing, &mut after);
    if !quiet {
        run.out.line("");
        list(run, "Executing Cluster Transition", "transition", "step", &outcome.lines);
        run.out.raw(announcement);
        run.out.line("");
        let tables = simulate::read_after(&after, input);
        status(run, &tables, "Revised Cluster Status", show);
    }
    if let Some(file) = text(&run.matches, "save-output") {
        save(file, &after.write())?;
    }
    if run.given("in-place") {
        let Some(file) = text(&run.matches, "xml-file") else {
            return Err(Failure::new(Exit::Usage, "--in-place needs --xml-file"));
        };
        save(file, &after.write())?;
    }
    Ok(())
}

/// The scores that led to the decision.
fn scores(run: &mut Run, plan: &Plan<'_>) {
    let all = given(&run.matches, "show-scores");
    let capacity = given(&run.matches, "show-utilization");
    if !all && !capacity {
        return;
    }
    let is_capacity = |line: &str| line.contains(" utilization on ") || line.contains(" capacity:");
    let lines: Vec<String> = plan
        .tables
        .score_lines
        .iter()
        .filter(|line| if is_capacity(line) { capacity } else { all })
        .cloned()
        .collect();
    run.out.line("");
    if run.given("quiet") {
        for line in lines {
            run.out.line(&line);
        }
        return;
    }
    let title = match (all, capacity) {
        (true, true) => "Assignment Scores and Utilization Information",
        (true, false) => "Assignment Scores",
        (false, _) => "Utilization Information",
    };
    list(run, title, "allocations", "allocation", &lines);
}

fn save(file: &str, content: &str) -> Result<(), Failure> {
    std::fs::write(file, content)
        .map_err(|error| Failure::new(Exit::CantCreate, format!("Could not write {file}: {error}")))
}
