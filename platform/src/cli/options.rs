//! The options that a configuration may set: `--list-options`, and the `metadata` that shells ask
//! of Pacemaker's daemons by their names.

use super::args::{applet, texts, words};
use super::exit::Exit;
use super::run::{Failure, Outcome, PACEMAKER_VERSION, Run, Tool};
use diarch_cib::options::{CLUSTER, Definition, Kind, RESOURCE_META, Standing};
use diarch_cib::xml::{Document, NodeId};

/// `pacemaker-based`.
pub(super) const BASED: Tool = Tool {
    name: "pacemaker-based",
    command: || applet("pacemaker-based", "answer metadata and version").arg(words("what")),
    run: |run| daemon(run, "pacemaker-based", OF_BASED),
};

/// `pacemaker-controld`.
pub(super) const CONTROLD: Tool = Tool {
    name: "pacemaker-controld",
    command: || applet("pacemaker-controld", "answer metadata and version").arg(words("what")),
    run: |run| daemon(run, "pacemaker-controld", OF_CONTROLD),
};

/// `pacemaker-schedulerd`.
pub(super) const SCHEDULERD: Tool = Tool {
    name: "pacemaker-schedulerd",
    command: || applet("pacemaker-schedulerd", "answer metadata and version").arg(words("what")),
    run: |run| daemon(run, "pacemaker-schedulerd", &[]),
};

/// The options that Pacemaker's CIB manager answers for.
const OF_BASED: &[&str] = &["enable-acl", "cluster-ipc-limit"];
/// The options that its controller answers for; the scheduler answers for all others.
const OF_CONTROLD: &[&str] = &[
    "dc-version",
    "cluster-infrastructure",
    "cluster-name",
    "dc-deadtime",
    "cluster-recheck-interval",
    "fence-reaction",
    "fencing-reaction",
    "election-timeout",
    "shutdown-escalation",
    "join-integration-timeout",
    "join-finalization-timeout",
    "transition-delay",
    "fencing-watchdog-timeout",
    "fencing-max-attempts",
    "load-threshold",
    "node-action-limit",
];

/// What a list of options is called, and what it says about itself.
struct Title {
    name: &'static str,
    short: &'static str,
    long: &'static str,
}

const CLUSTER_TITLE: Title = Title {
    name: "cluster-options",
    short: "Pacemaker cluster options",
    long: "Also known as properties, these are options that affect behavior across the entire \
           cluster. They are configured within cluster_property_set elements inside the \
           crm_config subsection of the CIB configuration section.",
};

const PRIMITIVE_TITLE: Title = Title {
    name: "primitive-meta",
    short: "Primitive meta-attributes",
    long: "Meta-attributes applicable to primitive resources",
};

/// `--list-options`.
pub(super) fn list(run: &mut Run, kind: &str) -> Outcome {
    let (title, table) = match kind {
        "cluster" => (&CLUSTER_TITLE, CLUSTER),
        "primitive" => (&PRIMITIVE_TITLE, RESOURCE_META),
        _ => {
            return Err(Failure::new(
                Exit::Usage,
                format!(
                    "Invalid --list-options value '{kind}'. Allowed values: cluster, primitive"
                ),
            ));
        }
    };
    let all = run.given("all");
    let shown: Vec<&Definition> =
        table.iter().filter(|option| all || option.standing == Standing::Common).collect();
    if run.out.is_xml() {
        let document = metadata(title, &shown, all);
        run.out.xml(document.root());
    } else {
        text(run, title, &shown);
    }
    Ok(Exit::Ok)
}

/// The list for people.
fn text(run: &mut Run, title: &Title, shown: &[&Definition]) {
    run.out.line(title.short);
    run.out.line("");
    run.out.line(title.long);
    for option in shown {
        run.out.line("");
        run.out.line(&format!("* {}: {}", option.name, option.summary));
        let values = match option.kind {
            Kind::Select(words) => words
                .iter()
                .map(|word| {
                    let is_default = option.default == Some(*word);
                    format!("\"{word}\"{}", if is_default { " (default)" } else { "" })
                })
                .collect::<Vec<_>>()
                .join(", "),
            Kind::Text
            | Kind::Boolean
            | Kind::Integer { .. }
            | Kind::Score
            | Kind::Threshold
            | Kind::Duration
            | Kind::Timeout
            | Kind::Percentage => match option.default {
                Some(default) => format!("{} (default: {default})", option.kind.name()),
                None => format!("{} (no default)", option.kind.name()),
            },
        };
        run.out.line(&format!("  * Possible values: {values}"));
    }
}

/// The list as the description of a resource agent, which is what shells can read.
fn metadata(title: &Title, shown: &[&Definition], with_former: bool) -> Document {
    let mut document = Document::new("resource-agent");
    let root = document.root().id();
    document.set_attribute(root, "name", title.name);
    document.set_attribute(root, "version", PACEMAKER_VERSION);
    let version = document.append_new(root, "version");
    document.set_text(version, "1.1");
    described(&mut document, root, title.long, title.short);
    let parameters = document.append_new(root, "parameters");
    for option in shown {
        parameter(&mut document, parameters, option, option.name, None);
        if with_former {
            for former in option.former {
                parameter(&mut document, parameters, option, former, Some(option.name));
            }
        }
    }
    document
}

fn described(document: &mut Document, parent: NodeId, long: &str, short: &str) {
    for (name, text) in [("longdesc", long), ("shortdesc", short)] {
        let node = document.append_new(parent, name);
        document.set_attribute(node, "lang", "en");
        document.set_text(node, text);
    }
}

/// One option under one of its names.
fn parameter(
    document: &mut Document,
    parameters: NodeId,
    option: &Definition,
    name: &str,
    replaced_with: Option<&str>,
) {
    let flag = |yes| if yes { "1" } else { "0" };
    let node = document.append_new(parameters, "parameter");
    document.set_attribute(node, "name", name);
    document.set_attribute(node, "advanced", flag(option.standing == Standing::Advanced));
    document.set_attribute(node, "generated", flag(option.standing == Standing::Generated));
    if option.standing == Standing::Deprecated || replaced_with.is_some() {
        let deprecated = document.append_new(node, "deprecated");
        if let Some(current) = replaced_with {
            let with = document.append_new(deprecated, "replaced-with");
            document.set_attribute(with, "name", current);
        }
    }
    described(document, node, option.summary, option.summary);
    let content = document.append_new(node, "content");
    document.set_attribute(content, "type", option.kind.name());
    if let Some(default) = option.default {
        document.set_attribute(content, "default", default);
    }
    if let Kind::Select(words) = option.kind {
        for word in words {
            let choice = document.append_new(content, "option");
            document.set_attribute(choice, "value", word);
        }
    }
}

/// A daemon's name called with `metadata` or `version`.
fn daemon(run: &mut Run, name: &'static str, own: &[&str]) -> Outcome {
    let what = texts(&run.matches, "what").first().map(|what| (*what).to_owned());
    match what.as_deref() {
        Some("metadata") => {
            let of_others = |option: &Definition| {
                OF_BASED.contains(&option.name) || OF_CONTROLD.contains(&option.name)
            };
            let shown: Vec<&Definition> = CLUSTER
                .iter()
                .filter(|option| {
                    if own.is_empty() { !of_others(option) } else { own.contains(&option.name) }
                })
                .collect();
            let title = Title { name, short: CLUSTER_TITLE.short, long: CLUSTER_TITLE.long };
            let document = metadata(&title, &shown, true);
            run.out.raw("<?xml version=\"1.0\"?>\n");
            run.out.xml(document.root());
            Ok(Exit::Ok)
        }
        Some("version") => {
            run.out.line(&format!("CRM Version: {PACEMAKER_VERSION} (diarch)"));
            Ok(Exit::Ok)
        }
        _ => Err(Failure::new(Exit::Usage, "only metadata and version can be asked")),
    }
}
