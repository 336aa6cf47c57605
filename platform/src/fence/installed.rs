//! Fence agents that this executable has no driver for, run as they are installed.
//!
//! An agent's exit status is all that it says, and an agent of unknown origin may mean a wrong call
//! by the status that others use for *off*. So *off* is believed only of an agent that has just
//! carried out an order, and only if it says so when asked again.

use crate::process;
use core::time::Duration;
use diarch_cib::{Document, Element};
use diarch_cluster::fencing::device::Device;
use diarch_cluster::fencing::survey::{Check, Question};
use diarch_cluster::fencing::{Failure, Power, PowerAction};
use diarch_cluster::manager_io::{AgentCall, AgentEnd, AgentResult};
use smol::Timer;
use std::time::Instant;

/// How often and after which pause a state that has been ordered is read.
const READS: u32 = 40;
const PAUSE: Duration = Duration::from_millis(500);
/// Exit status of `status`: the power is off.
const IS_OFF: i32 = 2;

/// Asks the agent of `device`, for at most `within`.
///
/// # Errors
/// Why nothing is known, for people; never a secret.
pub(super) async fn ask(
    device: &Device,
    action: PowerAction,
    within: Duration,
) -> Result<Power, Failure> {
    let asked = Asked { device, until: Instant::now().checked_add(within) };
    match action {
        PowerAction::Status => match asked.status().await? {
            Power::On => Ok(Power::On),
            Power::Off => {
                let reason = "it says off, which is believed only after an order";
                Err(Failure::refused(reason.to_owned()))
            }
        },
        PowerAction::On => {
            if !device.settings.unfences && asked.lets_in().await? {
                let reason =
                    "it lets a node in, which only that node may do: set provides=unfencing";
                return Err(Failure::refused(reason.to_owned()));
            }
            asked.order(PowerAction::On).await.map(|()| Power::On)
        }
        PowerAction::Off => {
            asked.order(PowerAction::Off).await?;
            for _ in 0..READS {
                if asked.status().await? == Power::Off {
                    return Ok(Power::Off);
                }
                Timer::after(PAUSE.min(asked.left())).await;
            }
            let reason = "the order was accepted, but the power still reads on";
            Err(Failure::late(reason.to_owned()))
        }
    }
}

/// Asks the agent of a device whether it fences the node of the question.
///
/// # Errors
/// Why it is not known, for people; never a secret.
pub(super) async fn find(question: &Question) -> Result<bool, Failure> {
    let Question { device, plug, by, within, .. } = question;
    let asked = Asked { device, until: Instant::now().checked_add(*within) };
    let by = match by {
        Check::List | Check::Status => *by,
        Check::Able => {
            let described = asked.run("metadata").await;
            if described.end != AgentEnd::Exited(0) {
                return Err(failure(device, "metadata", &described));
            }
            let can = |action| action_of(&described.stdout, action, |_| true);
            match (can("list"), can("status")) {
                (true, _) => Check::List,
                (false, true) => Check::Status,
                (false, false) => return Ok(true),
            }
        }
    };
    if by == Check::Status {
        return asked.status().await.map(|_| true);
    }
    let command = &device.settings.list().command;
    let listed = asked.run(command).await;
    if listed.end == AgentEnd::Exited(0) {
        return Ok(lists(&listed.stdout, plug));
    }
    Err(failure(device, command, &listed))
}

/// Whether an agent's description has an action of this name that is like this.
fn action_of(metadata: &str, wanted: &str, like: impl Fn(Element<'_>) -> bool) -> bool {
    let document = Document::parse(metadata).ok();
    document.is_some_and(|document| {
        let mut actions = document.root().descendants().filter(|one| one.name() == "action");
        actions.any(|action| action.attribute("name") == Some(wanted) && like(action))
    })
}

/// Whether a list, of plugs or of `PLUG,NAME` lines, has this one.
fn lists(text: &str, plug: &str) -> bool {
    text.split([' ', ',', ';', '\t', '\r', '\n']).any(|word| word == plug)
}

/// A device, and the end of the time that it has.
#[derive(Clone, Copy)]
struct Asked<'d> {
    device: &'d Device,
    until: Option<Instant>,
}

impl Asked<'_> {
    fn left(self) -> Duration {
        let now = Instant::now();
        self.until.map_or(Duration::MAX, |until| until.saturating_duration_since(now))
    }

    /// Whether its *on* lets a node in again that it has barred: such an agent says that *on* is
    /// automatic.
    async fn lets_in(self) -> Result<bool, Failure> {
        let described = self.run("metadata").await;
        if described.end != AgentEnd::Exited(0) {
            return Err(failure(self.device, "metadata", &described));
        }
        let truth = |text: &str| diarch_cib::time::truth(text) == Some(true);
        Ok(action_of(&described.stdout, "on", |on| on.attribute("automatic").is_some_and(truth)))
    }

    async fn order(self, action: PowerAction) -> Result<(), Failure> {
        let command = &self.device.settings.order(action).command;
        let result = self.run(command).await;
        if result.end == AgentEnd::Exited(0) {
            return Ok(());
        }
        Err(failure(self.device, command, &result))
    }

    async fn status(self) -> Result<Power, Failure> {
        let command = &self.device.settings.order(PowerAction::Status).command;
        let result = self.run(command).await;
        if result.end == AgentEnd::Exited(0) {
            Ok(Power::On)
        } else if result.end == AgentEnd::Exited(IS_OFF) {
            Ok(Power::Off)
        } else {
            Err(failure(self.device, command, &result))
        }
    }

    async fn run(self, command: &str) -> AgentResult {
        let pairs = self.device.parameters.0.iter();
        let call = AgentCall {
            class: "stonith".to_owned(),
            provider: String::new(),
            kind: self.device.agent.clone(),
            action: command.to_owned(),
            environment: pairs.map(|(n, v)| (format!("OCF_RESKEY_{n}"), v.clone())).collect(),
            timeout: self.left(),
        };
        let (_stop, never) = smol::channel::bounded(1);
        process::run(call, never).await
    }
}

/// What came of a run that says nothing. An agent's own words may hold a secret.
fn failure(device: &Device, command: &str, result: &AgentResult) -> Failure {
    let reason = format!("{} {command}: {:?}", device.agent, result.end);
    Failure { reason, late: result.end == AgentEnd::TimedOut }
}
