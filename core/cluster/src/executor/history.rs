//! What is kept of a finished action: the rows of `<lrm_resource>` in the status section.

use super::ocf::Status;
use super::operation::AgentName;
use core::time::Duration;

/// One finished (or pending) action of one resource on one node.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Record {
    /// The node.
    pub node: String,
    /// The resource's id in the history.
    pub resource: String,
    /// Its agent.
    pub agent: AgentName,
    /// `start`, `monitor`, …
    pub operation: String,
    /// 0 for an action that is run once.
    pub interval_ms: u64,
    /// `operation_key`.
    pub key: String,
    /// Which action of which transition asked for it, and what it expected.
    pub transition_key: String,
    /// The agent's result (OCF).
    pub rc: i32,
    /// How it ended.
    pub status: Status,
    /// What the agent said of it.
    pub exit_reason: String,
    /// Counts the executor's calls on this node.
    pub call_id: u32,
    /// Since when the result is this, seconds since 1970.
    pub changed: i64,
    /// How long the agent ran.
    pub run: Duration,
    /// How long it waited for its turn.
    pub queued: Duration,
    /// Where it migrates from.
    pub migrate_source: Option<String>,
    /// Where it migrates to.
    pub migrate_target: Option<String>,
    /// The feature set that the transition named.
    pub feature_set: String,
    /// `op-digest`, and the digests and parameter lists that go with it, in order.
    pub digests: Vec<(String, String)>,
}

impl Record {
    /// The result that the transition expected.
    #[must_use]
    pub fn expected_rc(&self) -> i32 {
        self.transition_key.split(':').nth(2).and_then(|rc| rc.parse().ok()).unwrap_or(0)
    }

    /// Whether it ended otherwise than the transition expected.
    #[must_use]
    pub fn failed(&self) -> bool {
        match self.status {
            Status::Pending | Status::Cancelled => false,
            Status::Done => self.rc != self.expected_rc(),
            Status::TimedOut | Status::Error | Status::NotInstalled => true,
        }
    }

    /// The ids of the rows that hold it.
    #[must_use]
    pub fn row_ids(&self) -> Vec<String> {
        let resource = &self.resource;
        if self.operation == "notify" || self.operation.starts_with("migrate_") {
            return vec![self.key.clone()];
        }
        let last = format!("{resource}_last_0");
        match (self.failed(), self.interval_ms) {
            (true, 0) => vec![last, format!("{resource}_last_failure_0")],
            (true, _) => vec![format!("{resource}_last_failure_0")],
            (false, 0) => vec![last],
            (false, _) => vec![self.key.clone()],
        }
    }

    /// The attributes of a row of this id, in the order in which they are written.
    #[must_use]
    pub fn row(&self, id: &str) -> Vec<(String, String)> {
        let operation = match (self.operation.as_str(), self.failed()) {
            ("reload" | "reload-agent", false) => "start",
            ("reload" | "reload-agent", true) => "monitor",
            (operation, _) => operation,
        };
        let key = format!("{}_{operation}_{}", self.resource, self.interval_ms);
        let key = if operation == self.operation { self.key.clone() } else { key };
        let (status, rc) = (self.status.code(), self.rc);
        let mut row = vec![
            ("id", id.to_owned()),
            ("operation_key", key),
            ("operation", operation.to_owned()),
            ("crm-debug-origin", "diarch".to_owned()),
            ("crm_feature_set", self.feature_set.clone()),
            ("transition-key", self.transition_key.clone()),
            ("transition-magic", format!("{status}:{rc};{}", self.transition_key)),
            ("exit-reason", self.exit_reason.clone()),
            ("on_node", self.node.clone()),
            ("call-id", self.call_id.to_string()),
            ("rc-code", rc.to_string()),
            ("op-status", status.to_string()),
            ("interval", self.interval_ms.to_string()),
            ("last-rc-change", self.changed.to_string()),
            ("exec-time", self.run.as_millis().to_string()),
            ("queue-time", self.queued.as_millis().to_string()),
        ];
        let migration =
            [("migrate_source", &self.migrate_source), ("migrate_target", &self.migrate_target)];
        for (name, value) in migration {
            if let Some(value) = value {
                row.push((name, value.clone()));
            }
        }
        let row = row.into_iter().map(|(name, value)| (name.to_owned(), value));
        row.chain(self.digests.iter().cloned()).collect()
    }
}
