//! `--force-*` and `--validate`: an agent is run here and now, past the cluster.

use super::super::args::texts;
use super::super::exit::Exit;
use super::super::run::{FEATURE_SET, Failure, Outcome, Run};
use super::agents::Spec;
use super::find;
use std::process::{Command, Stdio};

/// Runs the agent of a configured resource.
pub(super) fn on_resource(run: &mut Run, name: &str, chosen: &str) -> Outcome {
    let cib = run.source()?.query(None)?;
    let resource = find::resource(&cib, name)?;
    if resource.name() != "primitive" {
        return Err(Failure::new(
            Exit::Unimplemented,
            format!("Cannot perform {chosen} on resource {name} of type {}", resource.name()),
        ));
    }
    let spec = Spec {
        class: resource.attribute("class").unwrap_or_default().to_owned(),
        provider: resource.attribute("provider").unwrap_or_default().to_owned(),
        kind: resource.attribute("type").unwrap_or_default().to_owned(),
    };
    let parameters: Vec<(String, String)> = resource
        .children_named("instance_attributes")
        .flat_map(|set| set.children_named("nvpair"))
        .filter_map(|pair| {
            let value = pair.attribute("value")?;
            Some((pair.attribute("name")?.to_owned(), value.to_owned()))
        })
        .collect();
    execute(run, name, &spec, &parameters, chosen)
}

/// `--validate` with an agent and options instead of a resource.
pub(super) fn validate_options(run: &mut Run) -> Outcome {
    let (Some(class), Some(kind)) = (run.text("class"), run.text("agent")) else {
        return Err(Failure::new(
            Exit::Usage,
            "--validate requires either --resource, or --class and --agent",
        ));
    };
    let spec = Spec { provider: run.text("provider").unwrap_or_default(), class, kind };
    let parameters: Vec<(String, String)> = texts(&run.matches, "option")
        .into_iter()
        .filter_map(|option| option.split_once('='))
        .map(|(name, value)| (name.to_owned(), value.to_owned()))
        .collect();
    let name = "test".to_owned();
    execute(run, &name, &spec, &parameters, "validate")
}

/// The agent's action for a command.
fn action(chosen: &str) -> &str {
    match chosen {
        "force-check" => "monitor",
        "validate" => "validate-all",
        other => other.strip_prefix("force-").unwrap_or(other),
    }
}

/// Runs an agent and reports its result, with which the tool ends, too.
fn execute(
    run: &mut Run,
    name: &str,
    spec: &Spec,
    parameters: &[(String, String)],
    chosen: &str,
) -> Outcome {
    let agent = if spec.provider.is_empty() {
        format!("{}:{}", spec.class, spec.kind)
    } else {
        format!("{}:{}:{}", spec.class, spec.provider, spec.kind)
    };
    let Some(program) = spec.program(&run.world) else {
        return Err(Failure::new(Exit::NotInstalled, format!("Cannot run {agent} from here")));
    };
    let mut command = Command::new(program);
    command
        .arg(action(chosen))
        .stdin(Stdio::null())
        .env("OCF_ROOT", run.world.variable("OCF_ROOT").unwrap_or("/usr/lib/ocf"))
        .env("OCF_RA_VERSION_MAJOR", "1")
        .env("OCF_RA_VERSION_MINOR", "1")
        .env("OCF_EXIT_REASON_PREFIX", "ocf-exit-reason:")
        .env("OCF_RESOURCE_INSTANCE", name)
        .env("OCF_RESOURCE_TYPE", &spec.kind)
        .env("OCF_RESKEY_crm_feature_set", FEATURE_SET)
        .env("OCF_RESKEY_CRM_meta_timeout", "20000");
    if !spec.provider.is_empty() {
        command.env("OCF_RESOURCE_PROVIDER", &spec.provider);
    }
    for (name, value) in parameters {
        command.env(format!("OCF_RESKEY_{name}"), value);
    }
    if let Some(level) = run.text(chosen).filter(|level| !level.is_empty()) {
        command.env("OCF_CHECK_LEVEL", level);
    }
    let output = command
        .output()
        .map_err(|error| Failure::new(Exit::NotInstalled, format!("{agent}: {error}")))?;
    let rc = output.status.code().unwrap_or(1);
    let exit = Exit::of(rc);
    let result = exit.description().to_lowercase();
    run.out.line(&format!("Operation {chosen} for {name} ({agent}) returned {rc} ({result})"));
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).trim_end().to_owned();
    let (stdout, stderr) = (text(&output.stdout), text(&output.stderr));
    run.out.open(
        "resource-agent-action",
        &[("action", action(chosen)), ("class", &spec.class), ("type", &spec.kind)],
    );
    let code = rc.to_string();
    run.out
        .element("agent-status", &[("code", &code), ("message", &result), ("execution_code", "0")]);
    run.out.close();
    for line in stdout.lines().chain(stderr.lines()) {
        run.out.line(line);
    }
    Ok(exit)
}
