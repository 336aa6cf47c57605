//! Why a transition is given up, and how much of it still runs.

use core::fmt;

/// The priority that stops everything that has not been started.
pub const EVERYTHING: i32 = 1_000_000;

/// Why the scheduler has to run again.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum Abort {
    /// The configuration changed.
    Configuration,
    /// A transient node attribute changed.
    Attribute,
    /// A node joined.
    NodeJoin,
    /// A node was lost.
    NodeFailure,
    /// A node's state was proved.
    NodeDown,
    /// An action ended otherwise than expected.
    EventFailed(String),
    /// A recurring action's result changed.
    RecurringChanged(String),
    /// A result that no running transition waits for.
    ForeignEvent(String),
    /// History was removed on request.
    HistoryRemoved,
    /// An action did not report in time.
    ActionLost(String),
    /// A node could not be fenced.
    FencingFailed,
    /// This node may act now.
    MayAct,
    /// The time came that the last run named, or that the administrator chose.
    Recheck,
}

impl Abort {
    /// Steps of a lower priority than this are not started any more.
    #[must_use]
    pub const fn priority(&self, step_priority: i32) -> i32 {
        match self {
            Self::EventFailed(_) => step_priority.saturating_add(1),
            Self::Configuration
            | Self::Attribute
            | Self::NodeJoin
            | Self::NodeFailure
            | Self::NodeDown
            | Self::RecurringChanged(_)
            | Self::ForeignEvent(_)
            | Self::HistoryRemoved
            | Self::ActionLost(_)
            | Self::FencingFailed
            | Self::MayAct
            | Self::Recheck => EVERYTHING,
        }
    }
}

impl fmt::Display for Abort {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Configuration => f.write_str("Configuration change"),
            Self::Attribute => f.write_str("Transient attribute change"),
            Self::NodeJoin => f.write_str("Node join"),
            Self::NodeFailure => f.write_str("Node failure"),
            Self::NodeDown => f.write_str("Node down"),
            Self::EventFailed(key) => write!(f, "Event failed: {key}"),
            Self::RecurringChanged(key) => write!(f, "Change in recurring result: {key}"),
            Self::ForeignEvent(key) => write!(f, "Foreign event: {key}"),
            Self::HistoryRemoved => f.write_str("Resource operation removal"),
            Self::ActionLost(key) => write!(f, "Action lost: {key}"),
            Self::FencingFailed => f.write_str("Fencing failed"),
            Self::MayAct => f.write_str("Quorum gained"),
            Self::Recheck => f.write_str("Timer popped"),
        }
    }
}
