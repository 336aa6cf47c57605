//! What an agent's exit means.
//!
//! Relies on the OCF resource agent API (exit statuses) and on the LSB's statuses for init scripts.

use crate::manager_io::AgentEnd;

/// Success.
pub const OK: i32 = 0;
/// An error that says nothing more.
pub const UNKNOWN_ERROR: i32 = 1;
/// The action is not implemented.
pub const NOT_IMPLEMENTED: i32 = 3;
/// The agent may not be run, or lacks a privilege.
pub const INSUFFICIENT_PRIVILEGE: i32 = 4;
/// Something that the agent needs is not installed here.
pub const NOT_INSTALLED: i32 = 5;
/// The resource is not configured properly.
pub const NOT_CONFIGURED: i32 = 6;
/// The resource is cleanly stopped.
pub const NOT_RUNNING: i32 = 7;
/// It runs, in the promoted role.
pub const PROMOTED: i32 = 8;
/// It failed in the promoted role.
pub const FAILED_PROMOTED: i32 = 9;
/// It runs, and may soon fail.
pub const DEGRADED: i32 = 190;
/// It runs in the promoted role, and may soon fail.
pub const DEGRADED_PROMOTED: i32 = 191;
/// No result yet.
pub const UNKNOWN: i32 = 193;

/// How an operation ended, beside its result: `op-status` in the history.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Status {
    /// It has not ended.
    Pending,
    /// It ran to its end.
    Done,
    /// It was cancelled.
    Cancelled,
    /// Its time was over.
    TimedOut,
    /// It could not be run properly.
    Error,
    /// The agent is not installed.
    NotInstalled,
}

impl Status {
    /// The number in `op-status`.
    #[must_use]
    pub const fn code(self) -> i32 {
        match self {
            Self::Pending => -1,
            Self::Done => 0,
            Self::Cancelled => 1,
            Self::TimedOut => 2,
            Self::Error => 4,
            Self::NotInstalled => 7,
        }
    }

    /// The status that a number in `op-status` means; an unknown one is an error.
    #[must_use]
    pub const fn from_code(code: i32) -> Self {
        match code {
            -1 => Self::Pending,
            0 => Self::Done,
            1 => Self::Cancelled,
            2 => Self::TimedOut,
            7 => Self::NotInstalled,
            _ => Self::Error,
        }
    }
}

/// The OCF result and the status of an action that ended this way.
///
/// `None` means that nothing was learned about the resource: the action has to be run again.
#[must_use]
pub fn judge(class: &str, action: &str, end: &AgentEnd) -> Option<(i32, Status)> {
    let judged = match end {
        AgentEnd::Exited(status) => (translate(class, action, *status), Status::Done),
        AgentEnd::Signalled(_) => (UNKNOWN_ERROR, Status::Error),
        AgentEnd::TimedOut => (UNKNOWN_ERROR, Status::TimedOut),
        AgentEnd::Cancelled => (UNKNOWN_ERROR, Status::Cancelled),
        AgentEnd::NotInstalled => (NOT_INSTALLED, Status::NotInstalled),
        AgentEnd::NotPermitted => (INSUFFICIENT_PRIVILEGE, Status::Error),
        AgentEnd::CouldNotRun => return None,
    };
    Some(judged)
}

fn translate(class: &str, action: &str, status: i32) -> i32 {
    match class {
        "lsb" | "service" if matches!(action, "monitor" | "status") => match status {
            0 => OK,
            1..=3 => NOT_RUNNING,
            150 => NOT_INSTALLED,
            151 => INSUFFICIENT_PRIVILEGE,
            _ => UNKNOWN_ERROR,
        },
        "lsb" | "service" if (0..=7).contains(&status) => status,
        "lsb" | "service" => UNKNOWN_ERROR,
        _ if matches!(status, 0..=9 | DEGRADED | DEGRADED_PROMOTED) => status,
        _ => UNKNOWN_ERROR,
    }
}

/// Whether a monitor's result says that the resource is, or may be, active.
#[must_use]
pub const fn may_be_active(rc: i32) -> bool {
    !matches!(rc, NOT_RUNNING | NOT_INSTALLED)
}

/// The last reason that an agent gave on standard error.
#[must_use]
pub fn exit_reason(stderr: &str) -> &str {
    stderr
        .lines()
        .rev()
        .find_map(|line| line.trim_start().strip_prefix("ocf-exit-reason:"))
        .unwrap_or_default()
        .trim()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn results_outside_of_the_standard_are_generic_errors() {
        let judged = |class, action, status| judge(class, action, &AgentEnd::Exited(status));
        assert_eq!(judged("ocf", "monitor", 7), Some((NOT_RUNNING, Status::Done)));
        assert_eq!(judged("ocf", "monitor", 190), Some((DEGRADED, Status::Done)));
        assert_eq!(judged("ocf", "start", 42), Some((UNKNOWN_ERROR, Status::Done)));
        assert_eq!(judged("lsb", "monitor", 3), Some((NOT_RUNNING, Status::Done)));
        assert_eq!(judged("lsb", "start", 3), Some((3, Status::Done)));
    }

    #[test]
    fn what_could_not_run_says_nothing_about_the_resource() {
        assert_eq!(judge("ocf", "monitor", &AgentEnd::CouldNotRun), None);
    }

    #[test]
    fn the_last_reason_counts() {
        let text = "ocf-exit-reason:first\nnoise\nocf-exit-reason:second \nmore noise";
        assert_eq!(exit_reason(text), "second");
        assert_eq!(exit_reason("noise"), "");
    }
}
