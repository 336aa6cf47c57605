//! `crm_attribute`: query and update cluster options and node attributes.
//!
//! Transient attributes of a live node go through the attribute manager, everything else through
//! the CIB. Agents call this on every monitor, so the common update of a promotion score is one
//! request.

use super::args::{applet, flag, last_of, long_flag, optional, value, words};
use super::exit::Exit;
use super::local;
use super::nvpairs::{Address, Found, Section, node_id};
use super::options;
use super::run::{Failure, Outcome, Run, Tool};
use super::source::Source;
use clap::Command;
use diarch_cluster::request::{CibOperation, Request};
use regex_lite::Regex;

/// The tool.
pub(super) const TOOL: Tool = Tool { name: "crm_attribute", command, run };

fn command() -> Command {
    applet("crm_attribute", "query and update Pacemaker cluster options and node attributes")
        .next_help_heading("Selecting attributes")
        .arg(
            value("id", 'i', "XML_ID", "(Advanced) Only the attribute with this XML ID")
                .alias("attr-id"),
        )
        .arg(value("name", 'n', "NAME", "The attribute's or option's name").alias("attr-name"))
        .arg(value("pattern", 'P', "PATTERN", "All attributes that match this pattern"))
        .arg(optional(
            "promotion",
            Some('p'),
            "RESOURCE",
            "The promotion score of this resource, or of the one in OCF_RESOURCE_INSTANCE",
        ))
        .arg(value("set-name", 's', "NAME", "(Advanced) Only in the set with this XML ID"))
        .next_help_heading("Commands")
        .arg(value("list-options", 'L', "TYPE", "List all available options of this type: cluster"))
        .arg(long_flag("all", "With --list-options, include advanced and deprecated").short('a'))
        .arg(flag("delete", 'D', "Delete the attribute/option").alias("delete-attr"))
        .arg(flag("query", 'G', "Query its current value").alias("get-value"))
        .arg(value("update", 'v', "VALUE", "Update its value").alias("attr-value"))
        .next_help_heading("Additional options")
        .arg(value("default", 'd', "VALUE", "(Advanced) What to display if there is none"))
        .arg(value("lifetime", 'l', "LIFETIME", "Valid values: reboot, forever"))
        .arg(
            value("node", 'N', "NODE", "Set an attribute of this node, not a cluster option")
                .short_alias('U')
                .alias("node-uname")
                .alias("uname"),
        )
        .arg(value(
            "type",
            't',
            "SECTION",
            "Valid values: crm_config, rsc_defaults, op_defaults, tickets",
        ))
        .arg(long_flag("score", "Treat value as a score (with -v)"))
        .arg(value("wait", 'W', "UNTIL", "Wait for an update: no (default), local, cluster"))
        .arg(flag("utilization", 'z', "A utilization attribute of the node"))
        .arg(flag("quiet", 'q', "Print only the value on stdout").short_alias('Q'))
        .arg(long_flag("inhibit-policy-engine", "").hide(true))
        .arg(words("rest"))
}

/// What is to be done.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
enum Action {
    Query,
    Update,
    Delete,
}

fn run(run: &mut Run) -> Outcome {
    if let Some(kind) = run.text("list-options") {
        return options::list(run, &kind);
    }
    let action = match last_of(&run.matches, &["query", "update", "delete"]) {
        Some("update") => Action::Update,
        Some("delete") => Action::Delete,
        _ => Action::Query,
    };
    let name = name(run)?;
    let pattern = match run.text("pattern") {
        Some(pattern) => Some(Regex::new(&pattern).map_err(|error| {
            Failure::new(Exit::Usage, format!("Bad pattern '{pattern}': {error}"))
        })?),
        None => None,
    };
    if name.is_none() && pattern.is_none() && action != Action::Query {
        return Err(Failure::new(
            Exit::Usage,
            "Error: must specify attribute name or pattern to delete or update",
        ));
    }
    let source = run.source()?;
    let section = section(run)?;
    let node = if section.is_of_node() {
        Some(match run.text("node") {
            Some(node) if !matches!(node.as_str(), "" | "auto" | "localhost") => node,
            _ => local::node(run, &source)?,
        })
    } else {
        None
    };
    if section == Section::Status
        && action != Action::Query
        && source.is_live()
        && !run.given("utilization")
        && run.text("id").is_none()
    {
        return update_transient(run, &source, name, node, action);
    }
    let address = Address {
        section,
        node: match node {
            Some(node) => Some(node_id(&source, &node)?),
            None => None,
        },
        utilization: run.given("utilization"),
        set: run.text("set-name"),
        id: run.text("id"),
    };
    let wanted = |candidate: &str| match (&pattern, &name) {
        (Some(pattern), _) => pattern.is_match(candidate),
        (None, Some(name)) => name == candidate,
        (None, None) => true,
    };
    let found = address.find(&source, wanted)?;
    match action {
        Action::Query => query(run, section, name, found),
        Action::Update => update(run, &source, &address, name, &found),
        Action::Delete => delete(run, &source, section, name, &found),
    }
}

/// The attribute's name: as given, or that of a promotion score.
fn name(run: &Run) -> Result<Option<String>, Failure> {
    if !run.given("promotion") {
        return Ok(run.text("name"));
    }
    let resource = run
        .text("promotion")
        .filter(|resource| !resource.is_empty())
        .or_else(|| run.world.variable("OCF_RESOURCE_INSTANCE").map(str::to_owned));
    match resource {
        Some(resource) => Ok(Some(promotion_score(&resource))),
        None => Err(Failure::new(
            Exit::Usage,
            "-p/--promotion must be called from an OCF resource agent or with a resource ID \
             specified",
        )),
    }
}

/// The attribute that holds a resource's promotion score; instances of a clone share it.
pub(super) fn promotion_score(resource: &str) -> String {
    let base = match resource.rsplit_once(':') {
        Some((base, number)) if number.bytes().all(|b| b.is_ascii_digit()) => base,
        _ => resource,
    };
    format!("master-{base}")
}

/// Which part of the CIB the options mean.
fn section(run: &Run) -> Result<Section, Failure> {
    let kind = run.text("type");
    let lifetime = run.text("lifetime");
    let of_node = run.text("node").is_some() || run.given("promotion");
    let bad = || Failure::new(Exit::Usage, "Invalid value for --type or --lifetime");
    if let Some(lifetime) = lifetime
        && kind.as_deref().is_none_or(|kind| matches!(kind, "nodes" | "status"))
    {
        return match lifetime.as_str() {
            "reboot" | "status" | "transient" => Ok(Section::Status),
            "forever" | "nodes" => Ok(Section::Nodes),
            _ => Err(bad()),
        };
    }
    match kind {
        Some(kind) => Section::named(&kind).ok_or_else(bad),
        None if run.given("promotion") => Ok(Section::Status),
        None if of_node || run.given("utilization") => Ok(Section::Nodes),
        None => Ok(Section::Cluster),
    }
}

/// A change of a transient attribute, by the attribute manager.
fn update_transient(
    run: &Run,
    source: &Source,
    name: Option<String>,
    node: Option<String>,
    action: Action,
) -> Outcome {
    let pattern = run.text("pattern");
    let reply = source.ask(&Request::AttributeUpdate {
        pattern: pattern.is_some(),
        name: pattern.or(name).unwrap_or_default(),
        value: match action {
            Action::Update => run.text("update"),
            Action::Query | Action::Delete => None,
        },
        node,
        dampen_ms: None,
        private: false,
        set_id: run.text("set-name"),
    })?;
    if reply.rc == 0 {
        return Ok(Exit::Ok);
    }
    Err(Failure::new(Exit::of(reply.rc), format!("Error performing operation: {}", reply.message)))
}

fn show(run: &mut Run, section: Section, name: &str, value: &str) {
    if run.given("quiet") {
        run.out.line(value);
    } else {
        let line = format!("scope={}  name={name} value={value}", section.name());
        run.out.line(&line);
    }
    run.out.element("attribute", &[("name", name), ("value", value), ("scope", section.name())]);
}

fn query(run: &mut Run, section: Section, name: Option<String>, found: Vec<Found>) -> Outcome {
    if found.is_empty() {
        return match (run.text("default"), name) {
            (Some(value), Some(name)) => {
                show(run, section, &name, &value);
                Ok(Exit::Ok)
            }
            _ => Err(no_such()),
        };
    }
    for pair in found {
        show(run, section, &pair.name, &pair.value);
    }
    Ok(Exit::Ok)
}

fn update(
    run: &mut Run,
    source: &Source,
    address: &Address,
    name: Option<String>,
    found: &[Found],
) -> Outcome {
    let value = run.text("update").unwrap_or_default();
    let targets: Vec<Option<&Found>> = match (run.given("pattern"), found) {
        (true, []) => return Err(no_such()),
        (true, found) => found.iter().map(Some).collect(),
        (false, []) => vec![None],
        (false, [one]) => vec![Some(one)],
        (false, several) => return Err(ambiguous(run, name.as_deref(), several)),
    };
    for target in targets {
        let name = target.map_or_else(|| name.clone().unwrap_or_default(), |t| t.name.clone());
        let input = address.update(&name, &value, target);
        let mut request = super::source::change(CibOperation::Modify);
        request.section = Some(address.update_section().to_owned());
        request.input = Some(input);
        request.allow_create = true;
        request.score = run.given("score");
        let reply = source.cib(&request)?;
        if reply.rc != 0 {
            let set = target.map_or_else(|| address.default_set(), |found| found.set.clone());
            run.out.message(&format!(
                "Error setting {name}={value} (section={}, set={set}): {}",
                address.section.name(),
                reply.message
            ));
            return Err(Failure::new(
                Exit::of(reply.rc),
                format!("Error performing operation: {}", reply.message),
            ));
        }
    }
    Ok(Exit::Ok)
}

fn delete(
    run: &mut Run,
    source: &Source,
    section: Section,
    name: Option<String>,
    found: &[Found],
) -> Outcome {
    if found.len() > 1 && !run.given("pattern") {
        return Err(ambiguous(run, name.as_deref(), found));
    }
    for pair in found {
        let mut request = super::source::change(CibOperation::Delete);
        let id = super::nvpairs::quoted(&pair.id);
        request.xpath = Some(format!("//nvpair[@id={id}]"));
        let reply = source.cib(&request)?;
        if reply.rc != 0 {
            return Err(Failure::new(
                Exit::of(reply.rc),
                format!("Error performing operation: {}", reply.message),
            ));
        }
        let what = if section.is_of_node() { "attribute" } else { "option" };
        run.out.line(&format!(
            "Deleted {} {what}: id={} name={}",
            section.name(),
            pair.id,
            pair.name
        ));
    }
    Ok(Exit::Ok)
}

fn no_such() -> Failure {
    Failure::new(Exit::NoSuch, "Error performing operation: No such device or address")
}

fn ambiguous(run: &mut Run, name: Option<&str>, found: &[Found]) -> Failure {
    run.out
        .complain("Please choose from one of the matches below and supply the 'id' with --attr-id");
    let name = name.unwrap_or_default();
    run.out.line(&format!("Multiple attributes match name={name}"));
    for pair in found {
        run.out.line(&format!("  Value: {} \t(id={})", pair.value, pair.id));
    }
    Failure::silent(Exit::Multiple)
}
