//! `crm_verify`: whether a configuration means something, with place and fix where it does not.

use super::args::{applet, flag, last_of, value, words};
use super::cibfile;
use super::exit::Exit;
use super::run::{Failure, Outcome, Run, Tool};
use clap::{ArgMatches, Command};
use diarch_cib::validate;
use diarch_cib::xml::Document;
use std::path::Path;

/// The tool.
pub(super) const TOOL: Tool = Tool { name: "crm_verify", command, run };

fn command() -> Command {
    applet("crm_verify", "Check a Pacemaker configuration for errors")
        .next_help_heading("Data sources")
        .arg(flag("live-check", 'L', "Check the configuration used by the running cluster"))
        .arg(value("xml-file", 'x', "FILE", "Check the configuration in the named file"))
        .arg(flag("xml-pipe", 'p', "Check the configuration piped in via stdin"))
        .arg(value("xml-text", 'X', "XML", "Check the configuration in the supplied string"))
        .next_help_heading("Additional options")
        .arg(value("save-xml", 'S', "FILE", "Save verified XML to named file"))
        .arg(flag("quiet", 'q', "Don't print verify information"))
        .arg(words("rest"))
}

fn run(run: &mut Run) -> Outcome {
    let document = configuration(run)?;
    if let Some(file) = run.text("save-xml") {
        cibfile::write(Path::new(&file), &document)?;
    }
    let findings = validate::check(&document);
    if findings.is_empty() {
        return Ok(Exit::Ok);
    }
    let loud = verbosity(&run.matches) > 0;
    if run.given("quiet") {
        return Err(Failure::silent(Exit::Config));
    }
    if loud || run.out.is_xml() {
        for finding in findings {
            run.out.message(&format!("error: {finding}"));
        }
    }
    let hint = if loud { "" } else { "\n-V may provide more details" };
    run.out.complain(&format!("Errors found during check: config not valid{hint}"));
    Err(Failure::silent(Exit::Config))
}

fn verbosity(matches: &ArgMatches) -> u8 {
    matches.get_count("verbose")
}

/// The configuration to check.
fn configuration(run: &mut Run) -> Result<Document, Failure> {
    let chosen = last_of(&run.matches, &["live-check", "xml-file", "xml-pipe", "xml-text"]);
    let parsed = |text: &str, what: &str| {
        Document::parse(text).map_err(|error| {
            Failure::new(Exit::DataErr, format!("Couldn't parse input {what}: {error}"))
        })
    };
    match chosen {
        Some("live-check") => run.source()?.query(None),
        Some("xml-file") => {
            let name = run.text("xml-file").unwrap_or_default();
            let text = std::fs::read_to_string(&name).map_err(|error| {
                Failure::new(Exit::NoInput, format!("Couldn't parse input file: {name}: {error}"))
            })?;
            parsed(&text, &format!("file: {name}"))
        }
        Some("xml-pipe") => {
            let text = run.stdin()?;
            parsed(&text, "from stdin")
        }
        Some(_) => parsed(&run.text("xml-text").unwrap_or_default(), "string"),
        None => Err(Failure::new(
            Exit::Usage,
            "No configuration source specified.  Use --help for usage information.",
        )),
    }
}
