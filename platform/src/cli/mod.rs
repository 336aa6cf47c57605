//! The applets, each under its own name: `diarch NAME …`, or through a link called `NAME`.

mod args;
mod attrd_updater;
mod cibadmin;
mod cibfile;
mod clock;
mod corosync;
mod crm_attribute;
mod crm_diff;
mod crm_error;
mod crm_mon;
mod crm_node;
mod crm_resource;
mod crm_rule;
mod crm_shadow;
mod crm_simulate;
mod crm_ticket;
mod crm_verify;
mod crmadmin;
mod diarch;
pub(crate) mod exit;
mod iso8601;
mod local;
mod nvpairs;
mod options;
mod output;
mod pacemakerd;
mod return_codes;
mod run;
mod sbd;
mod shortcuts;
mod source;
mod stonith_admin;
#[cfg(test)]
mod tests;

use crate::console::{complain, say};
use crate::fence;
use exit::Exit;

/// One row of the table of applets.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Applet {
    /// What it is called.
    pub(crate) name: &'static str,
    /// What it is for, in a few words.
    pub(crate) about: &'static str,
    /// Whether it is also reached through a link of its name.
    pub(crate) linked: bool,
    /// Carries it out with the arguments after its name.
    pub(crate) run: fn(&[String]) -> Exit,
}

impl Applet {
    /// A part of `diarch` itself, reached as `diarch NAME`.
    const fn own(name: &'static str, about: &'static str, run: fn(&[String]) -> Exit) -> Self {
        Self { name, about, linked: false, run }
    }

    /// One of Pacemaker's tools, reached through a link of its name, too.
    const fn tool(name: &'static str, about: &'static str, run: fn(&[String]) -> Exit) -> Self {
        Self { name, about, linked: true, run }
    }
}

/// A row for one of Pacemaker's tools.
macro_rules! tool {
    ($tool:expr, $about:literal) => {
        Applet::tool($tool.name, $about, |arguments| run::main(&$tool, arguments))
    };
}

/// Every applet, in the order in which the help names them.
const APPLETS: &[Applet] = &[
    Applet::own("setup", "write the settings and the key of a new pair", diarch::setup::main),
    Applet::own("check", "say whether this machine can run as configured", diarch::check::main),
    Applet::own("run", "run this node: started once after boot", diarch::run::main),
    Applet::own("manager", "the upper half; the guardian starts it", diarch::manager::main),
    Applet::own("status", "how the pair is, and why it is no better", diarch::status::main),
    Applet::own("stop", "let this node leave in order", diarch::stop::main),
    tool!(attrd_updater::TOOL, "query and update transient node attributes"),
    tool!(cibadmin::TOOL, "query and edit the configuration"),
    tool!(crm_attribute::TOOL, "query and update cluster options and node attributes"),
    tool!(corosync::CMAPCTL, "show the values that scripts look for in Corosync's map"),
    tool!(corosync::QUORUMTOOL, "show quorum in Corosync's words"),
    tool!(crm_diff::TOOL, "show the difference of two configurations as a patch"),
    tool!(crm_error::TOOL, "say what a result code means"),
    tool!(shortcuts::FAILCOUNT, "query or delete fail counts"),
    tool!(shortcuts::MASTER, "query and update promotion scores"),
    tool!(crm_mon::TOOL, "show the cluster's state"),
    tool!(crm_node::TOOL, "say which nodes there are"),
    tool!(crm_resource::TOOL, "list, move, configure and clean up resources"),
    tool!(crm_rule::TOOL, "say whether a rule is in effect"),
    tool!(crm_shadow::TOOL, "try changes out on a copy of the configuration"),
    tool!(crm_simulate::TOOL, "say what the cluster would do, and what would come of it"),
    tool!(shortcuts::STANDBY, "query, enable or disable standby of a node"),
    tool!(crm_ticket::TOOL, "query and change tickets"),
    tool!(crm_verify::TOOL, "check a configuration for errors"),
    tool!(crmadmin::TOOL, "say who orders changes and how nodes do"),
    tool!(iso8601::TOOL, "read dates, durations and periods"),
    tool!(options::BASED, "describe cluster options, as shells ask"),
    tool!(options::CONTROLD, "describe cluster options, as shells ask"),
    tool!(options::SCHEDULERD, "describe cluster options, as shells ask"),
    tool!(pacemakerd::TOOL, "say which version of Pacemaker this stands for"),
    tool!(stonith_admin::TOOL, "fence a node, confirm fencing, show its history"),
    Applet::tool("sbd", "write, show and message the disks that guardians arbitrate on", sbd::main),
];

/// Runs the applet that the program's name or the first argument names.
pub(crate) fn main(program: &str, arguments: &[String]) -> Exit {
    let name = program.rsplit('/').next().unwrap_or_default();
    if let Some(code) = perform(name, arguments) {
        return code;
    }
    let Some((first, rest)) = arguments.split_first() else {
        return help();
    };
    match first.as_str() {
        "--help" | "-h" | "help" => help(),
        "--version" => say(&format!("diarch {}\n", env!("CARGO_PKG_VERSION"))),
        "--applets" | "--list-applets" => {
            let linked = APPLETS.iter().filter(|applet| applet.linked).map(|applet| applet.name);
            let agents = fence::AGENTS.iter().map(|agent| agent.name);
            say(&linked.chain(agents).map(|name| format!("{name}\n")).collect::<String>())
        }
        word => perform(word, rest).unwrap_or_else(|| {
            complain(&format!("diarch: there is no applet {word}; see diarch --help"));
            Exit::Usage
        }),
    }
}

/// Carries out the applet or the fence agent of this name, if there is one.
fn perform(name: &str, arguments: &[String]) -> Option<Exit> {
    if let Some(applet) = find(name) {
        return Some((applet.run)(arguments));
    }
    let agent = fence::AGENTS.iter().find(|agent| agent.name == name)?;
    Some(fence::main(*agent, arguments))
}

fn find(name: &str) -> Option<&'static Applet> {
    APPLETS.iter().find(|applet| applet.name == name)
}

fn help() -> Exit {
    let mut text = String::from(
        "diarch: two boxes, one highly available appliance\n\n\
         usage: diarch APPLET [ARGUMENTS…]\n       APPLET [ARGUMENTS…]   (through a link)\n\n",
    );
    for applet in APPLETS {
        text.push_str(&format!("  {:<18} {}\n", applet.name, applet.about));
    }
    for agent in fence::AGENTS {
        text.push_str(&format!("  {:<18} {}\n", agent.name, agent.about));
    }
    say(&text)
}

#[cfg(test)]
mod table_tests {
    use super::*;

    #[test]
    fn every_applet_has_a_name_of_its_own_and_says_what_it_is_for() {
        for (place, applet) in APPLETS.iter().enumerate() {
            assert!(!applet.about.is_empty(), "{}", applet.name);
            assert!(APPLETS[..place].iter().all(|other| other.name != applet.name));
        }
    }

    #[test]
    fn an_unknown_applet_is_a_usage_error() {
        assert_eq!(main("diarch", &["no-such-applet".into()]), Exit::Usage);
    }
}
