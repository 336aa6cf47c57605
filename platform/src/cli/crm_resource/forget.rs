//! `--cleanup` and `--refresh`: the cluster forgets what it knows and looks again.

use super::super::exit::Exit;
use super::super::run::{Failure, Outcome, Run};
use super::super::source::Source;
use super::{answered, find};
use diarch_cib::time::interval_ms;
use diarch_cluster::request::Request;

/// What is to be forgotten.
#[derive(Clone, Debug)]
pub(in super::super) struct Forgotten {
    /// The resource; every one where empty.
    pub(in super::super) resource: Option<String>,
    /// The node; every one where empty.
    pub(in super::super) node: Option<String>,
    /// Only this operation's failures.
    pub(in super::super) operation: Option<String>,
    /// That operation's interval, milliseconds.
    pub(in super::super) interval_ms: Option<u64>,
    /// Only where there was a failure.
    pub(in super::super) failed_only: bool,
}

/// The command line's `--cleanup` or `--refresh`.
pub(super) fn command(run: &mut Run, failed_only: bool) -> Outcome {
    let interval_ms = match run.text("interval") {
        Some(text) => Some(interval_ms(&text).ok_or_else(|| {
            Failure::new(Exit::InvalidParam, format!("Invalid interval: {text}"))
        })?),
        None => None,
    };
    let target = Forgotten {
        resource: run.text("resource"),
        node: run.text("node"),
        operation: run.text("operation"),
        interval_ms,
        failed_only,
    };
    let source = run.source()?;
    forget(run, &source, target)
}

/// Asks for it and says what was done.
pub(in super::super) fn forget(run: &mut Run, source: &Source, target: Forgotten) -> Outcome {
    let cib = source.query(None)?;
    if let Some(node) = &target.node {
        find::check_node(&cib, node)?;
    }
    let names: Vec<Option<String>> = match &target.resource {
        None => vec![None],
        Some(name) => {
            let resource = find::resource(&cib, name)?;
            let whole = if run.matches.try_contains_id("force").is_ok() && run.given("force") {
                resource
            } else {
                find::collective(resource)
            };
            find::primitives(whole)
                .into_iter()
                .map(|primitive| Some(find::id(primitive).to_owned()))
                .collect()
        }
    };
    let all_nodes = find::nodes(&cib);
    for name in names {
        if source.is_live() {
            let reply = source.ask(&Request::Forget {
                resource: name.clone(),
                node: target.node.clone(),
                operation: target.operation.clone(),
                interval_ms: target.interval_ms,
                failed_only: target.failed_only,
            })?;
            answered(reply.rc, &reply.message)?;
        }
        let nodes: Vec<&str> = match &target.node {
            Some(node) => vec![node.as_str()],
            None => all_nodes.clone(),
        };
        report(run, source.is_live(), name.as_deref(), &nodes, &target);
    }
    if source.is_live() && target.resource.is_none() {
        run.out.line("Waiting for 1 reply from the controller");
        run.out.line("... got reply (done)");
    }
    Ok(Exit::Ok)
}

/// One line for each node on which a resource was forgotten.
fn report(run: &mut Run, live: bool, name: Option<&str>, nodes: &[&str], target: &Forgotten) {
    let Some(name) = name else {
        let whose = match &target.node {
            Some(node) => format!("on {node}"),
            None => "on all nodes".to_owned(),
        };
        if target.failed_only {
            run.out.line(&format!("Cleaned up all resources {whose}"));
        }
        return;
    };
    for node in nodes {
        run.out.line(&if live {
            format!("Cleaned up {name} on {node}")
        } else {
            format!("Dry run: skipping clean-up of {name} on {node} due to CIB_file")
        });
    }
}
