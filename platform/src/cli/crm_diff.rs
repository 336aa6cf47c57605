//! `crm_diff`: the difference of two configurations as a patch, or a patch applied to one.
//!
//! Ends with 1 where they differ and 0 where they do not. A file called `-` is standard input.

use super::args::{applet, flag, last_of, value, words};
use super::exit::Exit;
use super::run::{Failure, Outcome, Run, Tool};
use clap::Command;
use diarch_cib::patch;
use diarch_cib::xml::{Document, NodeId};

/// The tool.
pub(super) const TOOL: Tool = Tool { name: "crm_diff", command, run };

fn command() -> Command {
    applet("crm_diff", "Compare two Pacemaker configurations, or apply a patch to one")
        .next_help_heading("Original XML")
        .arg(value("original", 'o', "FILE", "XML is contained in the named file"))
        .arg(value("original-string", 'O', "STRING", "XML is contained in the supplied string"))
        .next_help_heading("Operation")
        .arg(value("new", 'n', "FILE", "Compare the original to the contents of this file"))
        .arg(value("new-string", 'N', "STRING", "Compare the original to this string"))
        .arg(value("patch", 'p', "FILE", "Patch the original with the contents of this file"))
        .next_help_heading("Additional Options")
        .arg(flag("cib", 'c', "Compare/patch the inputs as a CIB (with a digest of the result)"))
        .arg(flag("stdin", 's', "").hide(true))
        .arg(flag("no-version", 'u', "Generate the difference without version details"))
        .arg(words("rest"))
}

fn run(run: &mut Run) -> Outcome {
    let original = input(run, &["original", "original-string"], "first")?;
    if run.text("patch").is_some() {
        let patch = input(run, &["patch"], "second")?;
        let mut result = original;
        return match patch::apply(&mut result, patch.root(), run.given("cib")) {
            Ok(()) => {
                run.out.xml(result.root());
                Ok(Exit::Ok)
            }
            Err(error) => Err(Failure::new(Exit::Error, error.to_string())),
        };
    }
    let new = input(run, &["new", "new-string"], "second")?;
    let Some(mut patch) = patch::make(&original, &new) else {
        return Ok(Exit::Ok);
    };
    if run.given("no-version") && !without_versions(&mut patch) {
        return Ok(Exit::Ok);
    }
    if run.given("cib") {
        let root = patch.root().id();
        patch.set_attribute(root, "digest", &diarch_cib::digest::of_element(new.root()));
    }
    run.out.xml(patch.root());
    Ok(Exit::Error)
}

/// One of the two inputs.
fn input(run: &mut Run, options: &[&str], which: &str) -> Result<Document, Failure> {
    let bad = || Failure::new(Exit::DataErr, format!("Could not parse the {which} XML fragment"));
    let Some(chosen) = last_of(&run.matches, options) else {
        return Err(bad());
    };
    let given = run.text(chosen).unwrap_or_default();
    let text = if chosen.ends_with("-string") {
        given
    } else if given == "-" {
        run.stdin()?
    } else {
        std::fs::read_to_string(&given).map_err(|_| bad())?
    };
    Document::parse(&text).map_err(|_| bad())
}

/// Takes everything about versions out of a patch; says whether anything is left.
fn without_versions(patch: &mut Document) -> bool {
    let counters = ["admin_epoch", "epoch", "num_updates"];
    let mut gone: Vec<NodeId> = Vec::new();
    for part in patch.root().children() {
        if part.name() == "version" {
            gone.push(part.id());
            continue;
        }
        if part.attribute("path") != Some("/cib") {
            continue;
        }
        let Some(list) = part.child("change-list") else {
            continue;
        };
        let of_versions: Vec<NodeId> = list
            .children()
            .filter(|change| change.attribute("name").is_some_and(|name| counters.contains(&name)))
            .map(|change| change.id())
            .collect();
        if of_versions.len() == list.children().count() {
            gone.push(part.id());
        } else {
            gone.extend(of_versions);
        }
    }
    gone.into_iter().for_each(|id| patch.detach(id));
    patch.root().children().next().is_some()
}
