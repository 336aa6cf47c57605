//! What the platform feeds a manager, and what a manager asks of it.
//!
//! Every call carries the monotonic time and, where rules and histories need it, the wall clock as
//! a type of its own. A `Persist`, `RunAgent`, `AskPower` or `AskPlug` is answered
//! by exactly one input.

use crate::fencing::device::Device;
use crate::fencing::survey::Question;
use crate::fencing::{Failure, Power, PowerAction, PowerJob};
use crate::guardian_io::LinkIndex;
use crate::request::{Reply, Request};
use crate::view::{Notice, Report};
use core::time::Duration;

/// Seconds since 1970-01-01T00:00:00Z, for rules, histories and time stamps only.
#[derive(Clone, Copy, Debug, Default, Eq, Ord, PartialEq, PartialOrd)]
pub struct WallClock(pub i64);

/// Names a running agent between [`Output::RunAgent`] and [`Input::AgentEnded`].
#[derive(Clone, Copy, Debug, Eq, Ord, PartialEq, PartialOrd)]
pub struct JobId(pub u64);

/// Names a tool's connection.
#[derive(Clone, Copy, Debug, Eq, Ord, PartialEq, PartialOrd)]
pub struct ClientId(pub u64);

/// Names one write to stable storage.
#[derive(Clone, Copy, Debug, Eq, Ord, PartialEq, PartialOrd)]
pub struct PersistTicket(pub u64);

/// Who is at the other end of a tool's connection, as the kernel says.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Credentials {
    /// Effective user id.
    pub uid: u32,
    /// The user's name, if the system knows it.
    pub user: Option<String>,
    /// Whether this user may change anything: root and `hacluster`.
    pub privileged: bool,
    /// Whether this user may ask at all: the above, and members of `haclient`.
    pub permitted: bool,
}

/// One run of an agent.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct AgentCall {
    /// `ocf`, `lsb`, `systemd`, `service` or `stonith`.
    pub class: String,
    /// `heartbeat`, `pacemaker`, …; empty where the class has none.
    pub provider: String,
    /// The agent's type.
    pub kind: String,
    /// What to do: `start`, `monitor`, `meta-data`, …; of a fence device that is not started here
    /// also `probe`, which is answered "not running" without asking it.
    pub action: String,
    /// The whole agent-specific environment (`OCF_…`), in order; the platform adds the process's
    /// general part (`PATH`, `LC_ALL=C`, `HA_…`, `PCMK_…`).
    pub environment: Vec<(String, String)>,
    /// After this the whole process group is killed.
    pub timeout: Duration,
}

/// One call of an alert agent (*Pacemaker Explained*, chapter 7 "Alerts"). Nothing waits for it.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct AlertCall {
    /// The alert's id, for the log.
    pub id: String,
    /// The program.
    pub path: String,
    /// Everything that it is told but the time; the platform adds the process's general part.
    pub environment: Vec<(String, String)>,
    /// After this the whole process group is killed.
    pub timeout: Duration,
    /// How `CRM_alert_timestamp` is written: as `date` does, and `%xN` for `x` digits of the
    /// fraction of the second.
    pub timestamp_format: String,
}

/// How a run of an agent ended.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum AgentEnd {
    /// It exited with this status.
    Exited(i32),
    /// A signal killed it (not ours).
    Signalled(i32),
    /// It was killed because its time was over.
    TimedOut,
    /// It was killed because [`Output::CancelAgent`] asked for it.
    Cancelled,
    /// There is no such agent (`ENOENT`).
    NotInstalled,
    /// It may not be executed (`EACCES`).
    NotPermitted,
    /// It could not be started for want of memory or processes: says nothing about the resource.
    CouldNotRun,
}

/// What came of a run.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct AgentResult {
    /// How it ended.
    pub end: AgentEnd,
    /// The last bounded part of standard output (all of it for `meta-data`).
    pub stdout: String,
    /// The bounded last part of standard error; its exit reason is its last `ocf-exit-reason:`.
    pub stderr: String,
    /// From fork to end.
    pub run: Duration,
}

/// Something happened.
#[derive(Clone, Debug)]
pub enum Input {
    /// The guardian said something.
    Guardian(Notice),
    /// A segment of the peer manager's stream arrived (sealed; any length and content).
    Segment {
        /// On which link.
        link: LinkIndex,
        /// Its bytes after the Ethernet header.
        bytes: Vec<u8>,
    },
    /// An agent ended.
    AgentEnded {
        /// Which run.
        job: JobId,
        /// How.
        result: AgentResult,
    },
    /// A power switch was asked.
    PowerAnswered {
        /// Which question.
        job: PowerJob,
        /// What it read back, or why it is not known.
        result: Result<Power, Failure>,
    },
    /// A device was asked whether it fences a node.
    PlugKnown {
        /// Which question.
        job: PowerJob,
        /// Whether it does, or why it is not known.
        result: Result<bool, Failure>,
    },
    /// A write to stable storage ended.
    Persisted {
        /// Which.
        ticket: PersistTicket,
        /// Whether it is on stable storage; otherwise why not.
        result: Result<(), String>,
    },
    /// A tool asks for something.
    Tool {
        /// The connection.
        client: ClientId,
        /// Who asks.
        credentials: Credentials,
        /// What.
        request: Request,
    },
    /// A tool hung up; nothing will be sent to it any more.
    ToolGone(ClientId),
}

/// What has to be made durable.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum Durable {
    /// The configuration without its status: `cib.xml`, with its digest and backups.
    Cib {
        /// The document's text.
        text: String,
        /// `admin_epoch.epoch.num_updates`, for the log.
        version: String,
    },
    /// The scheduler's input of a transition: `pe-input-N`, or `pe-warn-N`, `pe-error-N`.
    SchedulerInput {
        /// `input`, `warn` or `error`.
        series: &'static str,
        /// The document's text.
        text: String,
    },
}

/// What has to be done, in this order.
#[derive(Clone, Debug)]
pub enum Output {
    /// Tell the guardian something.
    Guardian(Report),
    /// Send a segment of the stream to the peer's manager.
    SendSegment {
        /// On which link.
        link: LinkIndex,
        /// What follows the Ethernet header.
        bytes: Vec<u8>,
    },
    /// Run an agent.
    RunAgent {
        /// Its name in [`Input::AgentEnded`].
        job: JobId,
        /// What to run.
        call: AgentCall,
    },
    /// Call an alert agent.
    Alert(AlertCall),
    /// Kill a running agent's process group.
    CancelAgent(JobId),
    /// Ask a power switch; answered by [`Input::PowerAnswered`].
    AskPower {
        /// The question.
        job: PowerJob,
        /// Whom.
        device: Device,
        /// For what.
        action: PowerAction,
        /// After this whatever was started for it is ended, and the answer is that it was late.
        within: Duration,
    },
    /// Ask a device whether it fences a node; answered by [`Input::PlugKnown`].
    AskPlug(Question),
    /// Make something durable.
    Persist {
        /// Its name in [`Input::Persisted`].
        ticket: PersistTicket,
        /// What.
        what: Durable,
    },
    /// Answer a tool.
    Reply {
        /// The connection.
        client: ClientId,
        /// The answer.
        reply: Reply,
    },
    /// A line for the log and the timeline.
    Event(Event),
    /// Everything is stopped and said: end the process with status 0.
    Exit,
}

/// What the manager reports for people: one line each, by the platform.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum Event {
    /// This node now orders changes, or no longer does.
    Leading(bool),
    /// A transition was computed.
    Transition {
        /// Its number.
        id: u32,
        /// How many actions it has.
        actions: usize,
        /// How long the scheduler took; zero where nobody measured it.
        took: Duration,
    },
    /// A transition ended.
    TransitionEnded {
        /// Its number.
        id: u32,
        /// `complete`, or why it was given up.
        outcome: String,
    },
    /// An agent's action begins here.
    ActionStarted {
        /// The resource.
        resource: String,
        /// The action.
        action: String,
    },
    /// An agent's action ended here.
    ActionEnded {
        /// The resource.
        resource: String,
        /// The action.
        action: String,
        /// The agent's result (OCF).
        rc: i32,
        /// How long it ran.
        took: Duration,
        /// The exit reason, if the agent gave one.
        reason: String,
    },
    /// Something that an administrator should read; a sentence.
    Warning(String),
    /// Something worth keeping; a sentence.
    Notice(String),
}
