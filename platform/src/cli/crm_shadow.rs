//! `crm_shadow`: try changes out on a copy of the configuration before the cluster gets them.

use super::args::{applet, flag, last_of, optional, value, words};
use super::cibfile;
use super::exit::Exit;
use super::run::{Failure, Outcome, Run, Tool};
use super::source::{Source, change};
use clap::Command;
use diarch_cib::patch;
use diarch_cib::xml::{Document, Element};
use diarch_cluster::request::CibOperation;
use std::path::PathBuf;

/// The tool.
pub(super) const TOOL: Tool = Tool { name: "crm_shadow", command, run };

const COMMANDS: &[&str] = &[
    "which",
    "display",
    "edit",
    "diff",
    "file",
    "create",
    "create-empty",
    "commit",
    "delete",
    "reset",
    "switch",
];

fn command() -> Command {
    applet("crm_shadow", "perform Pacemaker configuration changes in a sandbox")
        .next_help_heading("Queries")
        .arg(flag("which", 'w', "Indicate the active shadow copy"))
        .arg(flag("display", 'p', "Display the contents of the active shadow copy"))
        .arg(flag("diff", 'd', "Display the changes in the active shadow copy"))
        .arg(flag("file", 'F', "Display the location of the active shadow copy file"))
        .next_help_heading("Commands")
        .arg(value("create", 'c', "NAME", "Create the named shadow copy of the configuration"))
        .arg(value("create-empty", 'e', "NAME", "Create the named shadow copy, empty"))
        .arg(value("commit", 'C', "NAME", "Upload the named shadow copy to the cluster"))
        .arg(value("delete", 'D', "NAME", "Delete the named shadow copy"))
        .arg(flag("edit", 'E', "Edit the active shadow copy with your favorite $EDITOR"))
        .arg(optional("reset", Some('r'), "NAME", "Recreate the shadow copy"))
        .arg(value("switch", 's', "NAME", "(Advanced) Switch to the named shadow copy"))
        .next_help_heading("Additional Options")
        .arg(flag("force", 'f', "(Advanced) Force the action to be performed"))
        .arg(flag("batch", 'b', "(Advanced) Don't spawn a new shell"))
        .arg(flag("all", 'a', "(Advanced) Upload entire CIB, including status, with --commit"))
        .arg(value("validate-with", 'v', "SCHEMA", "(Advanced) Create an older dialect"))
        .arg(words("rest"))
}

fn run(run: &mut Run) -> Outcome {
    let Some(chosen) = last_of(&run.matches, COMMANDS) else {
        return Err(Failure::new(Exit::Usage, "Must specify a query or command option"));
    };
    if matches!(chosen, "commit" | "delete") && !run.given("force") {
        return Err(Failure::new(
            Exit::Usage,
            "The supplied command is considered dangerous.  To prevent accidental destruction \
             of the cluster, the --force flag is required in order to proceed.",
        ));
    }
    let name = run.text(chosen).filter(|name| !name.is_empty());
    match (chosen, name) {
        ("create", Some(name)) => create(run, &name, false),
        ("create-empty", Some(name)) => create(run, &name, true),
        ("reset", name) => {
            let name = name.map_or_else(|| active(run), Ok)?;
            existing(run, &name)?;
            copy_of_active(run, &name)?;
            set_up(run, &name, true);
            Ok(Exit::Ok)
        }
        ("switch", Some(name)) => {
            existing(run, &name)?;
            set_up(run, &name, false);
            Ok(Exit::Ok)
        }
        ("commit", Some(name)) => commit(run, &name),
        ("delete", Some(name)) => delete(run, &name),
        ("edit", _) => edit(run),
        _ => query(run, chosen),
    }
}

/// The queries, all about the shadow copy that `CIB_shadow` names.
fn query(run: &mut Run, chosen: &str) -> Outcome {
    let name = active(run)?;
    let file = cibfile::shadow_file(&run.world, &name);
    match chosen {
        "which" => {
            run.out.line(&name);
            run.out.element("shadow", &[("instance", &name)]);
        }
        "file" => {
            let shown = file.display().to_string();
            run.out.line(&shown);
            run.out.element("shadow", &[("file", &shown)]);
        }
        "display" => {
            let document = cibfile::read(&existing(run, &name)?)?;
            run.out.open("shadow", &[("instance", &name)]);
            run.out.xml(document.root());
            run.out.close();
        }
        _ => return difference(run, &name),
    }
    Ok(Exit::Ok)
}

fn active(run: &Run) -> Result<String, Failure> {
    let name = run.world.variable("CIB_shadow").map(str::to_owned);
    name.ok_or_else(|| Failure::new(Exit::NoSuch, "No active shadow configuration defined"))
}

fn existing(run: &Run, name: &str) -> Result<PathBuf, Failure> {
    let file = cibfile::shadow_file(&run.world, name);
    if file.exists() {
        return Ok(file);
    }
    Err(Failure::new(
        Exit::NoSuch,
        format!("Could not access shadow instance '{name}': No such file or directory"),
    ))
}

/// Where the configuration itself is: not in any shadow copy.
fn original(run: &mut Run) -> Result<Source, Failure> {
    let shadow = run.world.variables.remove("CIB_shadow");
    let source = Source::of(&run.world);
    if let Some(shadow) = shadow {
        run.world.variables.insert("CIB_shadow".to_owned(), shadow);
    }
    source
}

fn copy_of_active(run: &mut Run, name: &str) -> Result<(), Failure> {
    let document = original(run)?.query(None)?;
    cibfile::write(&cibfile::shadow_file(&run.world, name), &document)
}

fn create(run: &mut Run, name: &str, empty: bool) -> Outcome {
    let file = cibfile::shadow_file(&run.world, name);
    if file.exists() && !run.given("force") {
        return Err(Failure::new(
            Exit::CantCreate,
            format!(
                "A shadow instance '{name}' already exists.\n  To prevent accidental destruction \
                 of the cluster, the --force flag is required in order to proceed."
            ),
        ));
    }
    if empty {
        let schema = run.text("validate-with");
        let document = cibfile::empty(schema.as_deref());
        let dialect = document.root().attribute("validate-with").unwrap_or_default().to_owned();
        cibfile::write(&file, &document)?;
        run.out.line(&format!("Created new {dialect} configuration"));
    } else {
        copy_of_active(run, name)?;
    }
    set_up(run, name, true);
    Ok(Exit::Ok)
}

/// Says how to use a shadow copy. No shell is started: whoever calls has one.
fn set_up(run: &mut Run, name: &str, is_new: bool) {
    run.out.line("Setting up shadow instance");
    run.out.line(if is_new {
        "A new shadow instance was created.  To begin using it paste the following into your \
         shell:"
    } else {
        "To switch to the named shadow instance, paste the following into your shell:"
    });
    run.out.line(&format!("  CIB_shadow={name} ; export CIB_shadow"));
    run.out.element("instruction", &[("shadow", name)]);
}

fn commit(run: &mut Run, name: &str) -> Outcome {
    let document = cibfile::read(&existing(run, name)?)?;
    let mut request = change(CibOperation::Replace);
    request.force = true;
    let part = if run.given("all") {
        Some(document.root())
    } else {
        request.section = Some("configuration".to_owned());
        document.root().child("configuration")
    };
    let Some(part) = part else {
        return Err(Failure::new(Exit::Config, format!("{name} has no configuration")));
    };
    request.input = Some(Document::from_element(part).write_compact());
    let reply = original(run)?.cib(&request)?;
    if reply.rc != 0 {
        return Err(Failure::new(
            Exit::of(reply.rc),
            format!("Could not commit shadow instance '{name}' to the CIB: {}", reply.message),
        ));
    }
    tear_down(run);
    Ok(Exit::Ok)
}

fn delete(run: &mut Run, name: &str) -> Outcome {
    let file = cibfile::shadow_file(&run.world, name);
    match std::fs::remove_file(&file) {
        Ok(()) => {}
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => {}
        Err(error) => {
            return Err(Failure::new(
                Exit::OsFile,
                format!("Could not remove shadow instance '{name}': {error}"),
            ));
        }
    }
    tear_down(run);
    Ok(Exit::Ok)
}

fn tear_down(run: &mut Run) {
    run.out.line(
        "Please remember to unset the CIB_shadow variable by pasting the following into your \
         shell:",
    );
    run.out.line("  unset CIB_shadow");
}

fn edit(run: &Run) -> Outcome {
    let name = active(run)?;
    let file = existing(run, &name)?;
    let Some(editor) = run.world.variable("EDITOR") else {
        return Err(Failure::new(Exit::NotConfigured, "No value for EDITOR defined"));
    };
    let ended = std::process::Command::new(editor)
        .arg(file)
        .status()
        .map_err(|error| Failure::new(Exit::OsErr, format!("{editor}: {error}")))?;
    Ok(if ended.success() { Exit::Ok } else { Exit::Error })
}

/// `--diff`: what the shadow copy has changed.
fn difference(run: &mut Run, name: &str) -> Outcome {
    let changed = cibfile::read(&existing(run, name)?)?;
    let old = original(run)?.query(None)?;
    let Some(patch) = patch::make(&old, &changed) else {
        return Ok(Exit::Ok);
    };
    if run.out.is_xml() {
        run.out.open("xml-patchset", &[]);
        run.out.xml(patch.root());
        run.out.close();
        return Ok(Exit::Error);
    }
    for side in ["source", "target"] {
        if let Some(version) = patch.root().child("version").and_then(|v| v.child(side)) {
            let part = |name| version.attribute(name).unwrap_or("0");
            let mark = if side == "source" { "---" } else { "+++" };
            let digest = if side == "source" { "2" } else { "(null)" };
            run.out.line(&format!(
                "Diff: {mark} {}.{}.{} {digest}",
                part("admin_epoch"),
                part("epoch"),
                part("num_updates")
            ));
        }
    }
    for change in patch.root().children_named("change") {
        describe(run, change);
    }
    Ok(Exit::Error)
}

/// One change in a line or more, as people read it.
fn describe(run: &mut Run, change: Element<'_>) {
    let path = change.attribute("path").unwrap_or_default();
    match change.attribute("operation") {
        Some("create") => {
            let Some(new) = change.children().next() else { return };
            let text = Document::from_element(new).write();
            let mut prefix = format!("++ {path}:  ");
            for line in text.trim_end().lines() {
                run.out.line(&format!("{prefix}{line}"));
                prefix = format!("++ {}", " ".repeat(path.chars().count() + 3));
            }
        }
        Some("delete") => run.out.line(&format!("-- {path}")),
        Some("move") => {
            let position = change.attribute("position").unwrap_or_default();
            run.out.line(&format!("+~ {path} moved to offset {position}"));
        }
        _ => {
            let changes: Vec<Element<'_>> =
                change.child("change-list").into_iter().flat_map(Element::children).collect();
            let named = |c: &Element<'_>| c.attribute("name").unwrap_or_default().to_owned();
            let set: Vec<String> = changes
                .iter()
                .filter(|c| c.attribute("operation") == Some("set"))
                .map(|c| format!("@{}={}", named(c), c.attribute("value").unwrap_or_default()))
                .collect();
            let unset: Vec<String> = changes
                .iter()
                .filter(|c| c.attribute("operation") != Some("set"))
                .map(|c| format!("@{}", named(c)))
                .collect();
            if !set.is_empty() {
                run.out.line(&format!("+  {path}:  {}", set.join(", ")));
            }
            if !unset.is_empty() {
                run.out.line(&format!("-- {path}:  {}", unset.join(", ")));
            }
        }
    }
}
