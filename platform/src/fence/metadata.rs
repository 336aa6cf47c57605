//! The metadata of fence agents, as `fence-agents` and Pacemaker's tools exchange it.

use super::agents::{Agent, Kind};
use super::options::{Content, Definition};

/// What an agent can do, and whether Pacemaker has to be told not to do it by itself.
const ACTIONS: &[(&str, &str)] = &[
    ("on", " automatic=\"0\""),
    ("off", ""),
    ("reboot", ""),
    ("status", ""),
    ("list", ""),
    ("list-status", ""),
    ("monitor", ""),
    ("metadata", ""),
    ("validate-all", ""),
];

/// The metadata of `agent` as XML.
pub(crate) fn xml(agent: Agent) -> String {
    let Agent { name, about, .. } = agent;
    let mut text = format!(
        "<?xml version=\"1.0\" ?>\n<resource-agent name=\"{name}\" shortdesc=\"{name}: {about}\" \
         >\n"
    );
    for Agent { name, about, .. } in agent.symlinks() {
        text.push_str(&format!("<symlink name=\"{name}\" shortdesc=\"{name}: {about}\"/>\n"));
    }
    text.push_str(
        "<longdesc>Part of diarch: asks the device itself and starts nothing. Off means read \
         back off.</longdesc>\n<vendor-url></vendor-url>\n<parameters>\n",
    );
    for option in agent.options().all() {
        parameter(&mut text, option, option.name, option.old, false);
        if let Some(old) = option.old {
            parameter(&mut text, option, old, None, true);
        }
    }
    text.push_str("</parameters>\n<actions>\n");
    for (action, extra) in actions(agent) {
        text.push_str(&format!("\t<action name=\"{action}\"{extra} />\n"));
    }
    text.push_str("</actions>\n</resource-agent>\n");
    text
}

fn actions(agent: Agent) -> impl Iterator<Item = &'static (&'static str, &'static str)> {
    let lists = match agent.kind {
        Kind::Ipmi => false,
        Kind::Snmp => true,
    };
    ACTIONS.iter().filter(move |(name, _)| lists || !name.starts_with("list"))
}

fn parameter(text: &mut String, option: &Definition, name: &str, older: Option<&str>, old: bool) {
    let required = u8::from(option.required);
    let obsoletes = older.map(|name| format!(" obsoletes=\"{name}\"")).unwrap_or_default();
    let deprecated = if old { " deprecated=\"1\"" } else { "" };
    text.push_str(&format!(
        "\t<parameter name=\"{name}\" unique=\"0\" required=\"{required}\"{obsoletes}{deprecated}>\
         \n\t\t<getopt mixed=\"{}\" />\n{}\t\t<shortdesc lang=\"en\">{}</shortdesc>\n\t\
         </parameter>\n",
        spelling(option),
        content(option),
        option.about
    ));
}

/// How an option is written on the command line.
pub(crate) fn spelling(option: &Definition) -> String {
    let short = option.short.map(|letter| format!("-{letter}, ")).unwrap_or_default();
    let value = match option.content {
        Content::Boolean => String::new(),
        Content::Integer | Content::Text | Content::Choice(_) => format!("=[{}]", option.name),
        Content::Seconds => "=[seconds]".to_owned(),
    };
    format!("{short}--{}{value}", option.long)
}

fn content(option: &Definition) -> String {
    let default = option.default.map(|value| format!(" default=\"{value}\"")).unwrap_or_default();
    let kind = match option.content {
        Content::Boolean => "boolean",
        Content::Integer => "integer",
        Content::Seconds => "second",
        Content::Text => "string",
        Content::Choice(choices) => {
            let choices = choices.iter().map(|c| format!("\t\t\t<option value=\"{c}\" />\n"));
            let choices: String = choices.collect();
            return format!("\t\t<content type=\"select\"{default} >\n{choices}\t\t</content>\n");
        }
    };
    format!("\t\t<content type=\"{kind}\"{default} />\n")
}
