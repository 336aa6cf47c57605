//! One recorded result: what it says of its resource.

use super::history::{interval_of, transition};
use super::{failcount, migration};
use crate::action::{definition, policy};
use crate::fence;
use crate::model::{Failure, NodeIdx, OnFail, Role, RscIdx, Tables, score};
use crate::unpack::duration::{integer, small};
use diarch_cib::xml::Element;

/// What the results so far have led to.
#[derive(Clone, Copy, Debug)]
pub(super) struct Outcome<'c> {
    pub(super) on_fail: OnFail,
    pub(super) last_failure: Option<Element<'c>>,
}

/// How an execution ended.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
enum Status {
    Pending,
    Done,
    Cancelled,
    Error,
    HardError,
    FatalError,
    NotInstalled,
    NotConnected,
}

/// A result as it is read.
#[derive(Clone, Copy, Debug)]
pub(super) struct Entry<'c> {
    pub(super) xml: Element<'c>,
    pub(super) rsc: RscIdx,
    pub(super) node: NodeIdx,
    pub(super) task: &'c str,
    pub(super) interval_ms: u32,
    rc: i32,
    expected: i32,
    status: Status,
}

impl Entry<'_> {
    fn is_probe(&self) -> bool {
        self.interval_ms == 0 && self.task == "monitor"
    }
}

const OK: i32 = 0;
const INVALID_PARAM: i32 = 2;
const UNIMPLEMENTED: i32 = 3;
const INSUFFICIENT_PRIV: i32 = 4;
const NOT_INSTALLED: i32 = 5;
const NOT_CONFIGURED: i32 = 6;
const NOT_RUNNING: i32 = 7;
const RUNNING_PROMOTED: i32 = 8;
const FAILED_PROMOTED: i32 = 9;
const DEGRADED: i32 = 190;
const DEGRADED_PROMOTED: i32 = 191;

/// Applies one entry to its resource.
pub(super) fn unpack<'c>(
    t: &mut Tables<'c>,
    rsc: RscIdx,
    node: NodeIdx,
    xml: Element<'c>,
    outcome: &mut Outcome<'c>,
) {
    let Some(task) = xml.attribute("operation") else { return };
    let status = match small(xml.attribute("op-status")).unwrap_or(0) {
        -1 => Status::Pending,
        0 => Status::Done,
        1 => Status::Cancelled,
        7 => Status::NotInstalled,
        8 => Status::NotConnected,
        5 => Status::HardError,
        6 => Status::FatalError,
        _ => Status::Error,
    };
    let rc = small(xml.attribute("rc-code")).unwrap_or(0);
    let expected = transition(xml).map_or(-1, |(_, _, target)| i32::try_from(target).unwrap_or(-1));
    let interval_ms = interval_of(xml);
    let mut entry = Entry { xml, rsc, node, task, interval_ms, rc, expected, status };
    let expired = expired(t, &entry);
    remap(t, &mut entry, expired);
    if expired && entry.status != Status::Done && entry.status != Status::Pending {
        return;
    }
    if expired && rc != expected && entry.status == Status::Done && !entry.is_probe() && rc != OK {
        return;
    }
    match entry.status {
        Status::Pending => pending(t, &entry),
        Status::Cancelled => {}
        Status::Done => {
            // A later result ends what was waited for.
            let there = |(task, at)| at == node && (task == entry.task || task == "monitor");
            if t.resources[rsc].pending.is_some_and(there) {
                t.resources[rsc].pending = None;
            }
            update(t, &entry, entry.rc, outcome);
        }
        Status::NotInstalled => {
            let (mut on_fail, role) = failure_handling(t, &entry);
            if on_fail == OnFail::Ignore {
                on_fail = OnFail::Ban;
            }
            let top = t.top_of(rsc, false);
            super::find::locate(t, top, node, -score::INFINITY);
            failed(t, &entry, on_fail, role, outcome);
        }
        Status::Error | Status::HardError | Status::FatalError | Status::NotConnected => {
            error(t, &entry, outcome);
        }
    }
}

fn error<'c>(t: &mut Tables<'c>, entry: &Entry<'c>, outcome: &mut Outcome<'c>) {
    let (on_fail, role) = failure_handling(t, entry);
    let ignored =
        on_fail == OnFail::Ignore || on_fail == OnFail::RestartContainer && entry.task == "stop";
    if ignored {
        update(t, entry, entry.expected, outcome);
        t.resources[entry.rsc].failure_ignored = true;
        record(t, entry);
        if on_fail == OnFail::RestartContainer && outcome.on_fail <= OnFail::Restart {
            outcome.on_fail = on_fail;
        }
        return;
    }
    failed(t, entry, on_fail, role, outcome);
    let top = t.top_of(entry.rsc, false);
    if entry.status == Status::HardError {
        super::find::locate(t, top, entry.node, -score::INFINITY);
    } else if entry.status == Status::FatalError {
        super::find::ban_everywhere(t, top);
    }
}

fn failure_handling(t: &Tables<'_>, entry: &Entry<'_>) -> (OnFail, Role) {
    policy::on_fail(t, entry.rsc, entry.task, entry.interval_ms)
}

fn record<'c>(t: &mut Tables<'c>, entry: &Entry<'c>) {
    t.failures.push(Failure { entry: entry.xml, node: entry.node, rsc: Some(entry.rsc) });
}

/// Tells whether a failure has expired, and clears its count if so.
fn expired(t: &mut Tables<'_>, entry: &Entry<'_>) -> bool {
    let row = &t.resources[entry.rsc];
    let timeout = i64::try_from(row.failure_timeout_ms / 1000).unwrap_or(0);
    let last_run = entry.xml.attribute("last-rc-change").and_then(integer).unwrap_or(0);
    if entry.status == Status::NotInstalled {
        return false;
    }
    let mut expired = false;
    let is_last_failure =
        entry.xml.attribute("id").is_some_and(|id| id.ends_with("_last_failure_0"));
    let reconnect = row.reconnect_interval_ms > 0;
    if reconnect && entry.task == "monitor" && t.options.fencing_enabled {
        // A lost remote node has to be fenced before its loss is forgotten.
        let fenced = row.remote_node.is_none_or(|node| t.nodes[node].remote_was_fenced);
        if !fenced {
            return false;
        }
    }
    if timeout > 0 && last_run > 0 {
        let effective = failcount::of(t, entry.rsc, entry.node, false);
        if t.now >= last_run + timeout {
            expired = true;
        }
        if effective.count > 0 {
            t.recheck_at(effective.last + timeout + 1);
        }
        if expired {
            let all = failcount::of(t, entry.rsc, entry.node, true);
            if all.count > 0 {
                if effective.count == 0 {
                    clear(t, entry, "it expired");
                } else {
                    expired = false;
                }
            } else if is_last_failure && reconnect {
                clear(t, entry, "reconnect interval is set");
            }
        }
    }
    if is_last_failure
        && matches!(entry.task, "start" | "monitor")
        && definition::changed(t, entry.rsc, entry.node, entry.xml)
    {
        clear(t, entry, "resource parameters have changed");
    }
    if expired
        && entry.is_probe()
        && matches!(entry.rc, OK | NOT_RUNNING | RUNNING_PROMOTED | DEGRADED | DEGRADED_PROMOTED)
    {
        expired = false;
    }
    expired
}

fn clear(t: &mut Tables<'_>, entry: &Entry<'_>, reason: &str) {
    let action = crate::action::create::clear_failcount(t, entry.rsc, entry.node, reason);
    if t.options.fencing_enabled
        && t.resources[entry.rsc].reconnect_interval_ms > 0
        && let Some(node) = t.resources[entry.rsc].remote_node
    {
        let fencing = fence::action(t, node, None, true, "", false);
        crate::order::link(t, fencing, action, crate::model::Relation::ORDERED);
    }
}

/// Turns exit codes into what they mean for this operation.
#[expect(clippy::too_many_lines, reason = "one arm for each exit code")]
fn remap(t: &mut Tables<'_>, entry: &mut Entry<'_>, expired: bool) {
    if entry.status == Status::Pending || entry.status == Status::Cancelled {
        return;
    }
    if entry.status == Status::NotConnected {
        return;
    }
    match entry.rc {
        DEGRADED => entry.rc = OK,
        DEGRADED_PROMOTED => entry.rc = RUNNING_PROMOTED,
        _ => {}
    }
    if entry.status == Status::Error
        && entry.rc == entry.expected
        && small(entry.xml.attribute("op-status")) == Some(4)
    {
        entry.status = Status::Done;
    }
    if entry.expected < 0 {
        if entry.status == Status::Done
            && entry.rc != OK
            && !matches!(entry.rc, NOT_RUNNING | RUNNING_PROMOTED)
        {
            entry.status = Status::Error;
        }
    } else if entry.rc == entry.expected {
        if entry.status == Status::Error {
            // The agent ran to its end as wanted.
            entry.status = if small(entry.xml.attribute("op-status")) == Some(2) {
                Status::Error
            } else {
                Status::Done
            };
        }
    } else if entry.status == Status::Done {
        entry.status = Status::Error;
    }
    let probe = entry.is_probe();
    match entry.rc {
        OK => {
            if probe
                && entry.status == Status::Error
                && entry.expected != OK
                && small(entry.xml.attribute("op-status")).unwrap_or(0) == 0
            {
                entry.status = Status::Done;
            }
        }
        NOT_RUNNING => {
            let managed = t.resources[entry.rsc].managed;
            if probe || entry.expected == entry.rc || !managed {
                entry.status = Status::Done;
                // Unmanaged and down: nothing to recover.
            }
        }
        RUNNING_PROMOTED => {
            if probe && entry.rc != entry.expected {
                entry.status = Status::Done;
            }
            if !expired || entry.rc == entry.expected {
                t.resources[entry.rsc].role = Role::Promoted;
            }
        }
        FAILED_PROMOTED => {
            if !expired {
                t.resources[entry.rsc].role = Role::Promoted;
            }
            entry.status = Status::Error;
        }
        NOT_CONFIGURED => entry.status = Status::FatalError,
        UNIMPLEMENTED if entry.interval_ms > 0 => entry.status = Status::Error,
        UNIMPLEMENTED | NOT_INSTALLED | INVALID_PARAM | INSUFFICIENT_PRIV => {
            if entry.task == "stop" && !fence::possible(t, entry.node) {
                entry.status = Status::Error;
                if !expired {
                    // Nothing more can be done about it.
                    t.resources[entry.rsc].managed = false;
                    t.resources[entry.rsc].blocked = true;
                }
            } else if entry.status != Status::NotInstalled {
                entry.status =
                    if entry.rc == entry.expected { Status::Done } else { Status::HardError };
            }
        }
        _ => {
            if entry.status == Status::Done && entry.rc != entry.expected {
                entry.status = Status::Error;
            }
        }
    }
}

fn pending(t: &mut Tables<'_>, entry: &Entry<'_>) {
    let (rsc, node) = (entry.rsc, entry.node);
    match entry.task {
        "start" => {
            t.resources[rsc].start_pending = true;
            set_active(t, rsc);
        }
        "promote" => t.resources[rsc].role = Role::Promoted,
        "migrate_to" if t.nodes[node].unclean => {
            let target = entry.xml.attribute("migrate_target");
            if let Some(target) = target.and_then(|name| t.node_by_name(name)) {
                crate::action::create::stop(t, rsc, target, false);
            }
        }
        _ => {}
    }
    if t.resources[rsc].pending.is_none() && !entry.is_probe() {
        // Only the kind of the pending task is kept; probes say nothing.
        let task: &'static str = match entry.task {
            "start" => "start",
            "stop" => "stop",
            "promote" => "promote",
            "demote" => "demote",
            "migrate_to" => "migrate_to",
            "migrate_from" => "migrate_from",
            "notify" => "notify",
            _ => "monitor",
        };
        t.resources[rsc].pending = Some((task, node));
    }
}

/// An active resource is at least started, or unpromoted where it is promotable.
pub(super) fn set_active(t: &mut Tables<'_>, rsc: RscIdx) {
    let top = t.top_of(rsc, false);
    t.resources[rsc].role =
        if t.resources[top].promotable { Role::Unpromoted } else { Role::Started };
}

/// Applies a success.
fn update<'c>(t: &mut Tables<'c>, entry: &Entry<'c>, rc: i32, outcome: &mut Outcome<'c>) {
    let rsc = entry.rsc;
    let mut clears = false;
    if rc == NOT_INSTALLED {
        t.resources[rsc].role = Role::Stopped;
    } else if rc == NOT_RUNNING {
        clears = true;
        t.resources[rsc].role = Role::Stopped;
    } else {
        match entry.task {
            "monitor" => {
                if let Some(failure) = outcome.last_failure {
                    let same = failure.attribute("operation") == Some(entry.task)
                        && interval_of(failure) == entry.interval_ms;
                    clears = same;
                }
                if t.resources[rsc].role < Role::Started {
                    set_active(t, rsc);
                }
            }
            "start" | "migrate_from" => {
                t.resources[rsc].role = Role::Started;
                clears = true;
            }
            "stop" => {
                t.resources[rsc].role = Role::Stopped;
                clears = true;
            }
            "promote" => {
                t.resources[rsc].role = Role::Promoted;
                clears = true;
            }
            "demote" => {
                clears = outcome.on_fail == OnFail::Demote;
                t.resources[rsc].role = Role::Unpromoted;
            }
            "migrate_to" => migration::to_succeeded(t, entry),
            _ => {
                if t.resources[rsc].role < Role::Started {
                    set_active(t, rsc);
                }
            }
        }
    }
    if !clears {
        return;
    }
    match outcome.on_fail {
        OnFail::Stop | OnFail::Ban | OnFail::Standby | OnFail::Fence => {}
        OnFail::Block
        | OnFail::Ignore
        | OnFail::Demote
        | OnFail::Restart
        | OnFail::RestartContainer => {
            outcome.on_fail = OnFail::Ignore;
            t.resources[rsc].next_role = Role::Unknown;
        }
        OnFail::ResetRemote => {
            if t.resources[rsc].reconnect_interval_ms == 0 {
                outcome.on_fail = OnFail::Ignore;
                t.resources[rsc].next_role = Role::Unknown;
            }
        }
    }
}

/// Applies a failure that counts.
fn failed<'c>(
    t: &mut Tables<'c>,
    entry: &Entry<'c>,
    on_fail: OnFail,
    fail_role: Role,
    outcome: &mut Outcome<'c>,
) {
    let (rsc, node) = (entry.rsc, entry.node);
    outcome.last_failure = Some(entry.xml);
    if entry.rc != NOT_INSTALLED || t.options.symmetric {
        record(t, entry);
    }
    if outcome.on_fail < on_fail {
        outcome.on_fail = on_fail;
    }
    match entry.task {
        "stop" => super::find::locate(t, rsc, node, -score::INFINITY),
        "migrate_to" => migration::to_failed(t, entry),
        "migrate_from" => migration::from_failed(t, entry),
        "promote" => t.resources[rsc].role = Role::Promoted,
        "demote" => {
            if on_fail == OnFail::Block {
                t.resources[rsc].role = Role::Promoted;
                t.resources[rsc].next_role = Role::Stopped;
            } else if entry.rc == NOT_RUNNING {
                t.resources[rsc].role = Role::Stopped;
            } else {
                t.resources[rsc].role = Role::Unpromoted;
            }
        }
        _ => {}
    }
    if entry.is_probe() && entry.rc == NOT_INSTALLED {
        t.resources[rsc].role = Role::Stopped;
    } else if t.resources[rsc].role < Role::Started {
        set_active(t, rsc);
    }
    if fail_role != Role::Started && t.resources[rsc].next_role < fail_role {
        t.resources[rsc].next_role = fail_role;
    }
    if fail_role == Role::Stopped {
        super::find::ban_everywhere(t, rsc);
    }
}
