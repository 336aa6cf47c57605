//! `pacemakerd`: here only what agents and tools ask of it, its version and its features.

use super::args::{applet, flag, value, words};
use super::exit::Exit;
use super::run::{FEATURE_SET, Failure, Outcome, PACEMAKER_VERSION, Run, Tool};
use clap::Command;
use diarch_cluster::request::Request;

/// The tool.
pub(super) const TOOL: Tool = Tool { name: "pacemakerd", command, run };

/// What this implementation can do, in Pacemaker's words.
const FEATURES: &str = "agent-manpages monotonic ncurses";

fn command() -> Command {
    applet("pacemakerd", "the daemon's name under Pacemaker; `diarch run` is the daemon")
        .next_help_heading("Application Options")
        .arg(
            flag("full-features", 'F', "Display full version and list of features")
                .alias("features-list"),
        )
        .arg(flag("foreground", 'f', "(Ignored)").hide(true))
        .arg(value("pid-file", 'p', "FILE", "(Ignored)").hide(true))
        .arg(flag("shutdown", 'S', "Instruct the manager to leave the cluster cleanly"))
        .arg(flag("standby", 's', "(Ignored)").hide(true))
        .arg(words("rest"))
}

fn run(run: &mut Run) -> Outcome {
    if run.given("full-features") {
        let first = format!("Pacemaker {PACEMAKER_VERSION} (Build: diarch)");
        run.out.line(&first);
        run.out.line(&format!(" Supporting v{FEATURE_SET}: {FEATURES}"));
        run.out.open(
            "version",
            &[
                ("program", "Pacemaker"),
                ("version", PACEMAKER_VERSION),
                ("build", "diarch"),
                ("feature_set", FEATURE_SET),
            ],
        );
        run.out.open("features", &[]);
        for feature in FEATURES.split(' ') {
            run.out.element_with_text("feature", &[], feature);
        }
        return Ok(Exit::Ok);
    }
    if run.given("shutdown") {
        let reply = run.source()?.ask(&Request::Shutdown)?;
        return if reply.rc == 0 {
            Ok(Exit::Ok)
        } else {
            Err(Failure::new(Exit::of(reply.rc), reply.message))
        };
    }
    Err(Failure::new(Exit::Usage, "the cluster is started by `diarch run`, not by this command"))
}
