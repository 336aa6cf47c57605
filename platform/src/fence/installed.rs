//! Fence agents that this executable has no driver for, run as they are installed.
//!
//! An agent's exit status is all that it says, and an agent of unknown origin may mean a wrong call
//! by the status that others use for *off*. So *off* is believed only of an agent that has just
//! carried out an order, and only if it says so when asked again.

use crate::process;
use core::time::Duration;
use diarch_cluster::fencing::device::Device;
use diarch_cluster::fencing::{Power, PowerAction};
use diarch_cluster::manager_io::{AgentCall, AgentEnd, AgentResult};
use smol::Timer;

/// How long an agent may take for one action.
const PATIENCE: Duration = Duration::from_secs(60);
/// How often and after which pause a state that has been ordered is read.
const READS: u32 = 40;
const PAUSE: Duration = Duration::from_millis(500);
/// Exit status of `status`: the power is off.
const IS_OFF: i32 = 2;

/// Asks the agent of `device`.
///
/// # Errors
/// Why nothing is known, for people; never a secret.
pub(super) async fn ask(device: &Device, action: PowerAction) -> Result<Power, String> {
    match action {
        PowerAction::Status => match status(device).await? {
            Power::On => Ok(Power::On),
            Power::Off => Err("it says off, which is believed only after an order".to_owned()),
        },
        PowerAction::On => order(device, "on").await.map(|()| Power::On),
        PowerAction::Off => {
            order(device, "off").await?;
            for _ in 0..READS {
                if status(device).await? == Power::Off {
                    return Ok(Power::Off);
                }
                Timer::after(PAUSE).await;
            }
            Err("the order was accepted, but the power still reads on".to_owned())
        }
    }
}

async fn order(device: &Device, action: &str) -> Result<(), String> {
    let result = run(device, action).await;
    if result.end == AgentEnd::Exited(0) {
        return Ok(());
    }
    Err(failure(device, action, &result))
}

async fn status(device: &Device) -> Result<Power, String> {
    let result = run(device, "status").await;
    if result.end == AgentEnd::Exited(0) {
        Ok(Power::On)
    } else if result.end == AgentEnd::Exited(IS_OFF) {
        Ok(Power::Off)
    } else {
        Err(failure(device, "status", &result))
    }
}

async fn run(device: &Device, action: &str) -> AgentResult {
    let pairs = device.parameters.0.iter();
    let call = AgentCall {
        class: "stonith".to_owned(),
        provider: String::new(),
        kind: device.agent.clone(),
        action: action.to_owned(),
        environment: pairs.map(|(n, v)| (format!("OCF_RESKEY_{n}"), v.clone())).collect(),
        timeout: PATIENCE,
    };
    let (_stop, never) = smol::channel::bounded(1);
    process::run(call, never).await
}

/// What came of a run that says nothing. An agent's own words may hold a secret.
fn failure(device: &Device, action: &str, result: &AgentResult) -> String {
    format!("{} {action}: {:?}", device.agent, result.end)
}
