//! `cibadmin`: query and edit the configuration.
//!
//! One command per call; the input comes from `--xml-text`, `--xml-file` or `--xml-pipe`, the place
//! from `--scope` or `--xpath`. Erasing, upgrading and deleting everything that matches need
//! `--force`.

use super::args::{applet, flag, last_of, long_flag, optional, value, words};
use super::cibfile;
use super::exit::Exit;
use super::run::{Failure, Outcome, Run, Tool};
use super::source::{change, document};
use clap::{ArgAction, Command};
use diarch_cib::upgrade::{self, UpgradeError};
use diarch_cib::xml::Document;
use diarch_cluster::request::{CibOperation, CibRequest};

/// The tool.
pub(super) const TOOL: Tool = Tool { name: "cibadmin", command, run };

/// The options that name a command.
const COMMANDS: &[&str] = &[
    "upgrade",
    "query",
    "erase",
    "bump",
    "create",
    "modify",
    "patch",
    "replace",
    "delete",
    "delete-all",
    "empty",
    "md5-sum",
    "md5-sum-versioned",
];

fn command() -> Command {
    applet("cibadmin", "query and edit the Pacemaker configuration")
        .next_help_heading("Commands")
        .arg(flag("upgrade", 'u', "Upgrade the configuration to the latest syntax"))
        .arg(flag("query", 'Q', "Query the contents of the CIB"))
        .arg(flag("erase", 'E', "Erase the contents of the whole CIB"))
        .arg(flag("bump", 'B', "Increase the CIB's epoch value by 1"))
        .arg(flag("create", 'C', "Create an object, which must not exist yet"))
        .arg(flag("modify", 'M', "Update an object, which must exist (see also: -c)"))
        .arg(flag("patch", 'P', "Supply an update in the form of an XML diff (see crm_diff)"))
        .arg(flag("replace", 'R', "Put an object in the place of an existing one"))
        .arg(flag("delete", 'D', "Delete the first object that matches all given attributes"))
        .arg(flag("delete-all", 'd', "Delete all objects that match --xpath"))
        .arg(optional("empty", Some('a'), "SCHEMA", "Output an empty CIB").require_equals(true))
        .arg(flag("md5-sum", '5', "Calculate the on-disk digest of the input"))
        .arg(flag("md5-sum-versioned", '6', "Calculate the on-the-wire digest of the input"))
        .next_help_heading("Data")
        .arg(value("xml-text", 'X', "XML", "Retrieve XML from the supplied string"))
        .arg(value("xml-file", 'x', "FILE", "Retrieve XML from the named file"))
        .arg(flag("xml-pipe", 'p', "Retrieve XML from stdin"))
        .next_help_heading("Additional options")
        .arg(flag("force", 'f', "Force the action to be performed"))
        .arg(value("timeout", 't', "SECONDS", "Time to wait before declaring failure"))
        .arg(value("user", 'U', "USER", "Run the command with the permissions of this user"))
        .arg(value("scope", 'o', "SECTION", "Limit scope of operation to this section"))
        .arg(value("xpath", 'A', "XPATH", "A valid XPath to use instead of --scope/-o"))
        .arg(flag("node-path", 'e', "Show the paths of matches of an XPath query"))
        .arg(
            optional("show-access", Some('S'), "STYLE", "Show what --user may do")
                .require_equals(true),
        )
        .arg(long_flag("score", "Evaluate x++ and x+=N in attribute values"))
        .arg(flag("allow-create", 'c', "Let --modify create what does not exist"))
        .arg(flag("no-children", 'n', "Do not show children of what a query finds"))
        .arg(flag("sync-call", 's', "").hide(true))
        .arg(flag("local", 'l', "").hide(true))
        .arg(value("node", 'N', "NODE", "").hide(true))
        .arg(value("call-id", 'I', "ID", "").hide(true).action(ArgAction::Set))
        .arg(words("rest"))
}

fn run(run: &mut Run) -> Outcome {
    let Some(chosen) = last_of(&run.matches, COMMANDS) else {
        return Err(Failure::new(Exit::Usage, "Must specify a command option"));
    };
    let dangerous = matches!(chosen, "upgrade" | "erase" | "delete-all");
    if dangerous && !run.given("force") {
        return Err(Failure::new(
            Exit::Unsafe,
            "The supplied command is considered dangerous.  To prevent accidental destruction \
             of the cluster, the --force flag is required in order to proceed.",
        ));
    }
    match chosen {
        "empty" => {
            let schema = run.text("empty").filter(|schema| !schema.is_empty());
            let document = cibfile::empty(schema.as_deref());
            run.out.xml(document.root());
            Ok(Exit::Ok)
        }
        "md5-sum" | "md5-sum-versioned" => digest(run, chosen == "md5-sum-versioned"),
        "upgrade" => upgrade(run),
        _ => operate(run, operation_of(chosen)),
    }
}

fn operation_of(chosen: &str) -> CibOperation {
    match chosen {
        "erase" => CibOperation::Erase,
        "bump" => CibOperation::Bump,
        "create" => CibOperation::Create,
        "modify" => CibOperation::Modify,
        "patch" => CibOperation::Patch,
        "replace" => CibOperation::Replace,
        "delete" => CibOperation::Delete,
        "delete-all" => CibOperation::DeleteAll,
        _ => CibOperation::Query,
    }
}

/// Upgrades the configuration, and says what it cannot say any more in the newer dialect. This is
/// found out on a copy, so that nothing is asked for where there is nothing to do.
fn upgrade(run: &mut Run) -> Outcome {
    let source = run.source()?;
    let result = upgrade::upgrade(&mut source.query(None)?, None);
    match result {
        Err(error @ UpgradeError::Unchanged) => {
            if source.is_live() {
                run.out.line(&format!("Upgrade unnecessary: {error}"));
            }
            return Ok(Exit::Ok);
        }
        Err(error) => {
            return Err(Failure::new(Exit::Config, format!("CIB API call failed: {error}")));
        }
        Ok(upgraded) => {
            let reply = source.cib(&change(CibOperation::Upgrade))?;
            if reply.rc != 0 {
                return Err(failed(run, reply.rc, &reply.message, &reply.payload));
            }
            for hint in &upgraded.hints {
                run.out.message(&format!("warning: {hint}"));
            }
        }
    }
    Ok(Exit::Ok)
}

/// Carries out one request and prints its answer.
fn operate(run: &mut Run, operation: CibOperation) -> Outcome {
    let input = input(run)?;
    let xpath = run.text("xpath");
    let needs_input = match operation {
        CibOperation::Create
        | CibOperation::Modify
        | CibOperation::Replace
        | CibOperation::Patch => true,
        CibOperation::Delete => xpath.is_none(),
        CibOperation::Query
        | CibOperation::DeleteAll
        | CibOperation::Erase
        | CibOperation::Bump
        | CibOperation::Upgrade => false,
    };
    if needs_input && input.is_none() {
        return Err(no_input());
    }
    let request = CibRequest {
        operation,
        section: match &xpath {
            Some(_) => None,
            None => run.text("scope").and_then(|scope| section_named(&scope)),
        },
        xpath,
        input,
        allow_create: run.given("allow-create"),
        score: run.given("score"),
        no_children: run.given("no-children"),
        force: run.given("force"),
    };
    let source = run.source()?;
    let reply = source.cib(&request)?;
    if reply.rc != 0 {
        return Err(failed(run, reply.rc, &reply.message, &reply.payload));
    }
    if operation == CibOperation::Query {
        show(run, &reply.payload)?;
    }
    Ok(Exit::Ok)
}

/// Prints what a query found, or where it found it.
fn show(run: &mut Run, payload: &str) -> Result<(), Failure> {
    let found = document(payload)?;
    if !run.given("node-path") {
        run.out.xml(found.root());
        return Ok(());
    }
    let whole = run.source()?.query(None)?;
    let xpath = run.text("xpath").unwrap_or_default();
    let paths: Vec<String> = diarch_cib::xpath::select(&whole, &xpath)
        .map_err(|error| Failure::new(Exit::NoSuch, error.to_string()))?
        .into_iter()
        .map(|node| whole.element(node).path())
        .collect();
    for path in paths {
        run.out.line(&path);
        run.out.element("path", &[("value", &path)]);
    }
    Ok(())
}

/// The message of a request that failed, with the answer's details on standard output.
fn failed(run: &mut Run, rc: i32, message: &str, payload: &str) -> Failure {
    if let Ok(details) = Document::parse(payload) {
        run.out.xml(details.root());
    }
    Failure::new(Exit::of(rc), format!("CIB API call failed: {message}"))
}

/// `--scope` names a section; `all` and `cib` are the whole.
fn section_named(scope: &str) -> Option<String> {
    match scope {
        "all" | "cib" => None,
        _ => Some(scope.to_owned()),
    }
}

/// The element to work with, from wherever the options say.
fn input(run: &mut Run) -> Result<Option<String>, Failure> {
    let chosen = last_of(&run.matches, &["xml-text", "xml-file", "xml-pipe"]);
    match chosen {
        Some("xml-text") => {
            let text = run.text("xml-text").unwrap_or_default();
            check(text, "string").map(Some)
        }
        Some("xml-file") => {
            let name = run.text("xml-file").unwrap_or_default();
            let text = std::fs::read_to_string(&name).map_err(|error| unreadable(&name, &error))?;
            check(text, &name).map(Some)
        }
        Some(_) => {
            let text = run.stdin()?;
            check(text, "stdin").map(Some)
        }
        None => Ok(None),
    }
}

fn check(text: String, from: &str) -> Result<String, Failure> {
    match Document::parse(&text) {
        Ok(_) => Ok(text),
        Err(error) => {
            Err(Failure::new(Exit::Config, format!("Couldn't parse input from {from}: {error}")))
        }
    }
}

fn unreadable(from: &str, error: &std::io::Error) -> Failure {
    Failure::new(Exit::Config, format!("Couldn't read input from {from}: {error}"))
}

fn no_input() -> Failure {
    Failure::new(Exit::Usage, "Please supply XML to process with -X, -x, or -p")
}

/// `--md5-sum` and `--md5-sum-versioned`.
fn digest(run: &mut Run, versioned: bool) -> Outcome {
    let Some(text) = input(run)? else {
        return Err(no_input());
    };
    let document = document(&text)?;
    let digest = diarch_cib::digest::of_element(document.root());
    run.out.line(&digest);
    let kind = if versioned { "versioned" } else { "on-disk" };
    run.out.element("md5-sum", &[("type", kind), ("digest", &digest)]);
    Ok(Exit::Ok)
}
