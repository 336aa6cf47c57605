//! Alerts: programs of the administrator's that are told what happens (*Pacemaker Explained*,
//! chapter 7 "Alerts").
//!
//! A node tells its own: what it sees of the other node, fencing that either has done, what its own
//! agents reported, and, where it leads, the attributes that it writes. What is configured is read
//! anew for each event, so a change counts from the next event on.

use crate::executor::history::Record;
use crate::executor::ocf::Status;
use crate::fencing::history::Event as Fencing;
use crate::manager_io::{AlertCall, WallClock};
use core::time::Duration;
use diarch_cib::nvpairs::{self, value};
use diarch_cib::rules::Context;
use diarch_cib::time::{DateTime, interval_ms, truth};
use diarch_cib::{Document, Element};
use diarch_scheduler::summary::{ending, meaning};

const TIMEOUT_DEFAULT: Duration = Duration::from_secs(30);
const FORMAT_DEFAULT: &str = "%H:%M:%S.%06N";
const VERSION: &str = "3.0.2";

/// Something that alerts are sent for.
#[derive(Clone, Copy, Debug)]
pub enum Event<'e> {
    /// A node is a member now, or no longer.
    Node {
        /// Its name.
        name: &'e str,
        /// Its id.
        id: &'e str,
        /// Whether it is a member.
        member: bool,
    },
    /// A fencing action has ended.
    Fencing(&'e Fencing),
    /// An agent's action has ended here.
    Resource(&'e Record),
    /// A transient attribute was written.
    Attribute {
        /// The node's name.
        node: &'e str,
        /// The node's id.
        id: &'e str,
        /// The attribute's name.
        name: &'e str,
        /// Its value; `None` if it was deleted.
        value: Option<&'e str>,
    },
}

impl Event<'_> {
    /// Whether anybody is told of it: not of a probe that found what was expected, and not of what
    /// is still going on or was cancelled.
    fn is_news(&self) -> bool {
        match self {
            Self::Resource(record) => {
                let probe = record.operation == "monitor" && record.interval_ms == 0;
                let ended = !matches!(record.status, Status::Pending | Status::Cancelled);
                ended && !(probe && record.rc == record.expected_rc())
            }
            Self::Node { .. } | Self::Fencing(_) | Self::Attribute { .. } => true,
        }
    }

    /// Whether an alert with this `<select>` wants it (7.5, "Alert Filters").
    fn is_selected(&self, select: Option<Element<'_>>) -> bool {
        let Some(select) = select else {
            return !matches!(self, Self::Attribute { .. });
        };
        match self {
            Self::Node { .. } => select.child("select_nodes").is_some(),
            Self::Fencing(_) => select.child("select_fencing").is_some(),
            Self::Resource(_) => select.child("select_resources").is_some(),
            Self::Attribute { name, .. } => {
                select.child("select_attributes").is_some_and(|wanted| {
                    let mut named = wanted.children_named("attribute").peekable();
                    named.peek().is_none() || named.any(|one| one.attribute("name") == Some(*name))
                })
            }
        }
    }

    /// What is said of it (7.7, "Writing an Alert Agent"), without the common part.
    fn variables(&self) -> Vec<(&'static str, String)> {
        match self {
            Self::Node { name, id, member } => vec![
                ("kind", "node".to_owned()),
                ("node", (*name).to_owned()),
                ("nodeid", (*id).to_owned()),
                ("desc", if *member { "member" } else { "lost" }.to_owned()),
            ],
            Self::Fencing(event) => {
                let Fencing { target, action, client, origin, delegate, reason, failed, .. } =
                    event;
                let outcome = if *failed { "Error" } else { "OK" };
                let why = if reason.is_empty() { String::new() } else { format!(" ({reason})") };
                vec![
                    ("kind", "fencing".to_owned()),
                    ("node", target.clone()),
                    (
                        "desc",
                        format!(
                            "Operation {action} of {target} by {delegate} for {client}@{origin}: \
                             {outcome}{why}"
                        ),
                    ),
                    ("task", action.clone()),
                    ("rc", i32::from(*failed).to_string()),
                ]
            }
            Self::Resource(record) => {
                let desc = match record.status {
                    Status::Done => meaning(&record.rc.to_string()),
                    Status::Pending
                    | Status::Cancelled
                    | Status::TimedOut
                    | Status::Error
                    | Status::NotInstalled => ending(&record.status.code().to_string()),
                };
                vec![
                    ("kind", "resource".to_owned()),
                    ("node", record.node.clone()),
                    ("rsc", record.resource.clone()),
                    ("task", record.operation.clone()),
                    ("interval", record.interval_ms.to_string()),
                    ("desc", desc.to_owned()),
                    ("status", record.status.code().to_string()),
                    ("rc", record.rc.to_string()),
                    ("target_rc", record.expected_rc().to_string()),
                    ("exec_time", record.run.as_millis().to_string()),
                ]
            }
            Self::Attribute { node, id, name, value } => vec![
                ("kind", "attribute".to_owned()),
                ("node", (*node).to_owned()),
                ("nodeid", (*id).to_owned()),
                ("attribute_name", (*name).to_owned()),
                ("attribute_value", value.unwrap_or_default().to_owned()),
            ],
        }
    }
}

/// The alerts that this node has sent.
#[derive(Debug, Default)]
pub struct Alerts {
    sequence: u64,
}

impl Alerts {
    /// What has to be called for an event: once for each recipient of each alert, once for an alert
    /// that has none.
    pub fn calls(&mut self, cib: &Document, wall: WallClock, event: Event<'_>) -> Vec<AlertCall> {
        let configuration = cib.root().child("configuration");
        let Some(alerts) = configuration.and_then(|inside| inside.child("alerts")) else {
            return Vec::new();
        };
        if !event.is_news() {
            return Vec::new();
        }
        let context = Context::at(DateTime::from_epoch(wall.0));
        let mut calls = Vec::new();
        for alert in alerts.children_named("alert") {
            if !event.is_selected(alert.child("select")) {
                continue;
            }
            let mut recipients = alert.children_named("recipient").peekable();
            if recipients.peek().is_none() {
                calls.extend(call(alert, None, &context));
            }
            for recipient in recipients {
                calls.extend(call(alert, Some(recipient), &context));
            }
        }
        if calls.is_empty() {
            return calls;
        }
        self.sequence += 1;
        let mut variables = event.variables();
        variables.push(("node_sequence", self.sequence.to_string()));
        variables.push(("version", VERSION.to_owned()));
        for call in &mut calls {
            let named = variables.iter();
            let named = named.map(|(name, value)| (format!("CRM_alert_{name}"), value.clone()));
            call.environment.extend(named);
        }
        calls
    }
}

/// The call of an alert for a recipient, unless it is disabled; the recipient's options win.
fn call(
    alert: Element<'_>,
    recipient: Option<Element<'_>>,
    context: &Context<'_>,
) -> Option<AlertCall> {
    let gather = |set: &str| {
        let mut pairs = Vec::new();
        for owner in recipient.into_iter().chain([alert]) {
            nvpairs::add(&mut pairs, owner, set, context, None);
        }
        pairs
    };
    let meta = gather("meta_attributes");
    if value(&meta, "enabled").and_then(truth) == Some(false) {
        return None;
    }
    let timeout = value(&meta, "timeout").and_then(interval_ms).filter(|ms| *ms > 0);
    let parameters = gather("instance_attributes").into_iter();
    let mut environment: Vec<(String, String)> =
        parameters.map(|(name, value)| (name.to_owned(), value.to_owned())).collect();
    if let Some(recipient) = recipient {
        let name = recipient.attribute("value").unwrap_or_default();
        environment.push(("CRM_alert_recipient".to_owned(), name.to_owned()));
    }
    Some(AlertCall {
        id: alert.attribute("id").unwrap_or_default().to_owned(),
        path: alert.attribute("path").unwrap_or_default().to_owned(),
        environment,
        timeout: timeout.map_or(TIMEOUT_DEFAULT, Duration::from_millis),
        timestamp_format: value(&meta, "timestamp-format").unwrap_or(FORMAT_DEFAULT).to_owned(),
    })
}

#[cfg(test)]
mod tests;
