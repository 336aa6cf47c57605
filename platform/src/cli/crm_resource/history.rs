//! What the operation history says: where a resource is active, and which operations there were.
//!
//! Relies on *Pacemaker Explained*, "Status", operation history: the entry with the highest call id
//! decides, and the result of a probe or monitor says the role.

use super::super::exit::Exit;
use super::super::run::{Outcome, Run};
use super::find;
use diarch_cib::xml::{Document, Element};

/// What a resource does on a node.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Role {
    /// Not active.
    Stopped,
    /// Active.
    Started,
    /// Active and promoted.
    Promoted,
}

/// The nodes on which a primitive is active, with its role there, in order of the status.
pub(super) fn active_on<'d>(cib: &'d Document, primitive: &str) -> Vec<(&'d str, Role)> {
    let mut found = Vec::new();
    for state in node_states(cib).filter(|state| is_online(*state)) {
        let role = histories(state)
            .filter(|history| find::without_instance(find::id(*history)) == primitive)
            .map(role)
            .find(|role| *role != Role::Stopped);
        if let (Some(role), Some(node)) = (role, state.attribute("uname")) {
            found.push((node, role));
        }
    }
    found
}

fn node_states(cib: &Document) -> impl Iterator<Item = Element<'_>> {
    cib.root().child("status").into_iter().flat_map(|status| status.children_named("node_state"))
}

/// Whether a node's state says that it takes part. Both dialects: words, and times since 1970.
fn is_online(state: Element<'_>) -> bool {
    let says_yes = |name| match state.attribute(name) {
        None | Some("false" | "0" | "offline" | "") => false,
        Some(_) => true,
    };
    let remote = state.attribute("remote_node").is_some_and(find::is_true);
    says_yes("in_ccm") && (remote || says_yes("crmd") && state.attribute("join") == Some("member"))
}

fn histories(state: Element<'_>) -> impl Iterator<Item = Element<'_>> {
    state
        .child("lrm")
        .and_then(|lrm| lrm.child("lrm_resources"))
        .into_iter()
        .flat_map(|resources| resources.children_named("lrm_resource"))
}

/// The operations of a resource's history on a node, oldest first.
fn operations(history: Element<'_>) -> Vec<Element<'_>> {
    let mut operations: Vec<Element<'_>> = history.children_named("lrm_rsc_op").collect();
    operations.sort_by_key(|operation| number(*operation, "call-id"));
    operations
}

fn number(element: Element<'_>, name: &str) -> i64 {
    element.attribute(name).and_then(|text| text.parse().ok()).unwrap_or(-1)
}

/// The role that a history leaves a resource in.
fn role(history: Element<'_>) -> Role {
    let mut role = Role::Stopped;
    for operation in operations(history) {
        let rc = number(operation, "rc-code");
        let pending = number(operation, "op-status") == -1;
        if pending {
            continue;
        }
        role = match operation.attribute("operation").unwrap_or_default() {
            "monitor" => match rc {
                7 => Role::Stopped,
                8 | 9 | 191 => Role::Promoted,
                0 | 190 if role == Role::Promoted && !is_probe(operation) => role,
                0 | 190 => Role::Started,
                _ if is_probe(operation) && matches!(rc, 2 | 3 | 5 | 6) => Role::Stopped,
                _ => role,
            },
            "start" | "migrate_from" => match rc {
                7 => Role::Stopped,
                _ => Role::Started,
            },
            "promote" if rc == 0 => Role::Promoted,
            "demote" if rc == 0 => Role::Started,
            "stop" | "migrate_to" if rc == 0 => Role::Stopped,
            _ => role,
        };
    }
    role
}

fn is_probe(operation: Element<'_>) -> bool {
    number(operation, "interval") <= 0
}

/// `--list-operations` and `--list-all-operations`.
pub(super) fn list(run: &mut Run, all: bool) -> Outcome {
    let cib = run.source()?.query(None)?;
    let wanted_node = run.text("node");
    let wanted = run.text("resource");
    run.out.open("operations", &[]);
    for state in node_states(&cib) {
        let node = state.attribute("uname").unwrap_or_default();
        let skip = wanted_node.as_deref().is_some_and(|wanted| wanted != node);
        if skip || !all && !is_online(state) {
            continue;
        }
        for history in histories(state) {
            let id = find::id(history);
            if wanted.as_deref().is_some_and(|wanted| wanted != id) {
                continue;
            }
            for operation in operations(history) {
                show(run, history, operation, node);
            }
        }
    }
    run.out.close();
    Ok(Exit::Ok)
}

/// One operation, as a line and as an element.
fn show(run: &mut Run, history: Element<'_>, operation: Element<'_>, node: &str) {
    let text = |name| operation.attribute(name).unwrap_or_default();
    let role = match role(history) {
        Role::Stopped => "Stopped",
        Role::Started => "Started",
        Role::Promoted => "Promoted",
    };
    let key = operation.attribute("operation_key").unwrap_or_else(|| find::id(operation));
    let changed = super::super::clock::local_text(number(operation, "last-rc-change"));
    let status = status_text(number(operation, "op-status"));
    let id = find::id(history);
    let agent = find::agent_name(history);
    run.out.line(&format!(
        "{id}\t({agent}):\t {role}: {key} (node={node}, call={}, rc={}, \
         last-rc-change='{changed}', exec={}ms): {status}",
        text("call-id"),
        text("rc-code"),
        text("exec-time"),
    ));
    run.out.element(
        "operation",
        &[
            ("op", key),
            ("node", node),
            ("call", text("call-id")),
            ("rc", text("rc-code")),
            ("status", status),
            ("rsc", id),
            ("agent", &agent),
            ("last-rc-change", &changed),
            ("exec-time", text("exec-time")),
        ],
    );
}

/// An operation's status in words.
const fn status_text(status: i64) -> &'static str {
    match status {
        -1 => "pending",
        0 => "complete",
        1 => "Cancelled",
        2 => "Timed Out",
        3 => "NOT SUPPORTED",
        4 => "Error",
        5 => "Hard error",
        6 => "Fatal error",
        7 => "Not installed",
        8 => "Internal communication failure",
        9 => "Cannot execute now",
        10 => "No fence device",
        11 => "CIB secrets missing",
        _ => "Unknown",
    }
}
