//! Which agents are installed, and what they say of themselves.

use super::super::args::text;
use super::super::exit::Exit;
use super::super::run::{Failure, Outcome, Run, World};
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

/// Where OCF agents are, one folder for each provider.
const OCF_ROOT: &str = "/usr/lib/ocf";
/// Where LSB scripts are.
const LSB_FOLDER: &str = "/etc/init.d";
/// Where systemd keeps units.
const UNIT_FOLDERS: &[&str] = &["/usr/lib/systemd/system", "/lib/systemd/system"];
/// Where fence agents are.
const FENCE_FOLDER: &str = "/usr/sbin";

/// An agent's name in its parts.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(in super::super) struct Spec {
    /// `ocf`, `lsb`, `systemd`, `service` or `stonith`.
    pub(in super::super) class: String,
    /// `heartbeat`, `pacemaker`, …; empty where the class has none.
    pub(in super::super) provider: String,
    /// The agent itself.
    pub(in super::super) kind: String,
}

impl Spec {
    /// Reads `class:provider:type` or `class:type`.
    pub(super) fn parse(text: &str) -> Option<Self> {
        let parts: Vec<&str> = text.split(':').filter(|part| !part.is_empty()).collect();
        let (class, provider, kind) = match parts.as_slice() {
            [class, kind] if *class != "ocf" => (*class, "", *kind),
            [class, provider, kind] => (*class, *provider, *kind),
            ["ocf", kind] => ("ocf", "heartbeat", *kind),
            _ => return None,
        };
        Some(Self { class: class.to_owned(), provider: provider.to_owned(), kind: kind.to_owned() })
    }

    /// The program that acts for this agent, unless it is a unit of systemd's.
    pub(in super::super) fn program(&self, world: &World) -> Option<PathBuf> {
        let folder = match self.class.as_str() {
            "ocf" => ocf_folder(world).join(&self.provider),
            "lsb" | "service" => PathBuf::from(LSB_FOLDER),
            "stonith" => PathBuf::from(FENCE_FOLDER),
            _ => return None,
        };
        let bad = |part: &str| part.contains('/') || part.starts_with('.');
        if bad(&self.provider) || bad(&self.kind) {
            return None;
        }
        Some(folder.join(&self.kind))
    }
}

fn ocf_folder(world: &World) -> PathBuf {
    let root = world.variable("OCF_ROOT").unwrap_or(OCF_ROOT);
    Path::new(root).join("resource.d")
}

/// The names in a folder that are not hidden, in order.
fn names(folder: &Path, wanted: impl Fn(&Path) -> bool) -> Vec<String> {
    let Ok(entries) = std::fs::read_dir(folder) else {
        return Vec::new();
    };
    let mut names: Vec<String> = entries
        .filter_map(Result::ok)
        .filter(|entry| wanted(&entry.path()))
        .filter_map(|entry| entry.file_name().into_string().ok())
        .filter(|name| !name.starts_with('.'))
        .collect();
    names.sort();
    names
}

fn is_program(path: &Path) -> bool {
    use std::os::unix::fs::PermissionsExt as _;
    std::fs::metadata(path)
        .is_ok_and(|data| data.is_file() && data.permissions().mode() & 0o111 != 0)
}

fn ocf_providers(world: &World) -> Vec<String> {
    names(&ocf_folder(world), Path::is_dir)
}

/// `--list-standards`.
pub(super) fn standards(run: &mut Run) -> Outcome {
    let mut found = vec!["ocf"];
    if Path::new(LSB_FOLDER).is_dir() {
        found.extend(["lsb", "service"]);
    }
    if Path::new("/run/systemd/system").is_dir() {
        if !found.contains(&"service") {
            found.push("service");
        }
        found.push("systemd");
    }
    found.push("stonith");
    let count = found.len().to_string();
    run.out.open("list", &[("name", "standards"), ("count", &count)]);
    for name in found {
        run.out.line(name);
        run.out.element_with_text("item", &[], name);
    }
    run.out.close();
    Ok(Exit::Ok)
}

/// `--list-ocf-providers`.
pub(super) fn providers(run: &mut Run) -> Outcome {
    let found = ocf_providers(&run.world);
    show_providers(run, ("standard", "ocf"), &found);
    Ok(Exit::Ok)
}

fn show_providers(run: &mut Run, of: (&str, &str), found: &[String]) {
    run.out.open("providers", &[of]);
    for name in found {
        run.out.line(name);
        run.out.element_with_text("provider", &[], name);
    }
    run.out.close();
}

/// `--list-ocf-alternatives`: the providers that have this agent.
pub(super) fn alternatives(run: &mut Run) -> Outcome {
    let wanted = text(&run.matches, "list-ocf-alternatives").unwrap_or_default().to_owned();
    let folder = ocf_folder(&run.world);
    let found: Vec<String> = ocf_providers(&run.world)
        .into_iter()
        .filter(|provider| is_program(&folder.join(provider).join(&wanted)))
        .collect();
    if found.is_empty() {
        return Err(Failure::new(
            Exit::NoSuch,
            format!(
                "No OCF providers found for {wanted}\nError performing operation: No such object"
            ),
        ));
    }
    show_providers(run, ("for", &wanted), &found);
    Ok(Exit::Ok)
}

/// `--list-agents`: those of a standard, or of one of its providers.
pub(super) fn agents(run: &mut Run) -> Outcome {
    let spec = run.text("list-agents").unwrap_or_default();
    let (class, provider) = match spec.split_once(':') {
        Some((class, provider)) => (class, Some(provider)),
        None => (spec.as_str(), None),
    };
    let found = match class {
        "ocf" => {
            let folder = ocf_folder(&run.world);
            let providers = match provider {
                Some(provider) => vec![provider.to_owned()],
                None => ocf_providers(&run.world),
            };
            let mut all: Vec<String> = providers
                .into_iter()
                .flat_map(|provider| names(&folder.join(provider), is_program))
                .collect();
            all.sort();
            all.dedup();
            all
        }
        "lsb" => names(Path::new(LSB_FOLDER), is_program),
        "systemd" => units(),
        "service" => {
            let mut all = names(Path::new(LSB_FOLDER), is_program);
            all.extend(units());
            all
        }
        "stonith" => fence_agents(),
        _ => Vec::new(),
    };
    if found.is_empty() {
        let of = match provider {
            Some(provider) => format!("standard '{class}' and provider '{provider}'"),
            None => format!("standard '{class}'"),
        };
        return Err(Failure::new(
            Exit::Error,
            format!("No agents found for {of}\nError performing operation: Error occurred"),
        ));
    }
    match provider {
        Some(provider) => run.out.open("agents", &[("standard", class), ("provider", provider)]),
        None => run.out.open("agents", &[("standard", class)]),
    }
    for name in found {
        run.out.line(&name);
        run.out.element_with_text("agent", &[], &name);
    }
    run.out.close();
    Ok(Exit::Ok)
}

fn units() -> Vec<String> {
    let mut all: Vec<String> = UNIT_FOLDERS
        .iter()
        .flat_map(|folder| names(Path::new(folder), Path::is_file))
        .filter_map(|name| name.strip_suffix(".service").map(str::to_owned))
        .collect();
    all.sort();
    all.dedup();
    all
}

/// `--show-metadata`.
pub(super) fn metadata(run: &mut Run) -> Outcome {
    let spec = run.text("show-metadata").unwrap_or_default();
    let Some(agent) = Spec::parse(&spec) else {
        return Err(Failure::new(
            Exit::NoSuch,
            format!(
                "'{spec}' is not a valid agent specification\n\
                 Error performing operation: No such object"
            ),
        ));
    };
    match metadata_of(&agent, &run.world) {
        Some(text) => {
            run.out.raw(&text);
            run.out.element_with_text("metadata", &[], &text);
            Ok(Exit::Ok)
        }
        None => Err(Failure::new(
            Exit::NoSuch,
            format!(
                "Metadata query for {spec} failed: No such device or address\n\
                 Error performing operation: No such object"
            ),
        )),
    }
}

/// What an agent says of itself; nothing where it cannot be asked.
pub(in super::super) fn metadata_of(agent: &Spec, world: &World) -> Option<String> {
    let program = agent.program(world)?;
    let mut command = Command::new(program);
    match agent.class.as_str() {
        "stonith" => command.args(["-o", "metadata"]),
        _ => command.arg("meta-data"),
    };
    let output = command
        .stdin(Stdio::null())
        .stderr(Stdio::null())
        .env("OCF_ROOT", world.variable("OCF_ROOT").unwrap_or(OCF_ROOT))
        .env("OCF_RA_VERSION_MAJOR", "1")
        .env("OCF_RA_VERSION_MINOR", "1")
        .env("OCF_RESOURCE_TYPE", &agent.kind)
        .env("OCF_RESOURCE_PROVIDER", &agent.provider)
        .env("OCF_RESOURCE_INSTANCE", &agent.kind)
        .output()
        .ok()?;
    if output.stdout.is_empty() {
        return None;
    }
    String::from_utf8(output.stdout).ok()
}

/// The installed fence agents.
pub(in super::super) fn fence_agents() -> Vec<String> {
    names(Path::new(FENCE_FOLDER), |path| {
        let name = path.file_name().and_then(|name| name.to_str());
        is_program(path) && name.is_some_and(|name| name.starts_with("fence_"))
    })
}

/// Runs a fence agent with its parameters on standard input; says whether it succeeded, and what it
/// printed.
///
/// # Errors
/// It cannot be run.
pub(in super::super) fn fence_action(
    program: &Path,
    action: &str,
    parameters: &[String],
) -> std::io::Result<(bool, String)> {
    let mut child = Command::new(program)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()?;
    if let Some(mut input) = child.stdin.take() {
        let mut text = format!("action={action}\n");
        for parameter in parameters {
            text.push_str(parameter);
            text.push('\n');
        }
        input.write_all(text.as_bytes())?;
    }
    let output = child.wait_with_output()?;
    let mut text = String::from_utf8_lossy(&output.stdout).into_owned();
    text.push_str(&String::from_utf8_lossy(&output.stderr));
    Ok((output.status.success(), text))
}
