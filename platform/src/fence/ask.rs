//! What the manager asks of power switches. Drivers run in its own process: nothing is started, so
//! that a node that is short of memory can still fence. Other fence agents are run where they are
//! installed.

use super::agents::{AGENTS, Agent, Kind};
use super::device::Device;
use super::drive;
use super::installed;
use super::parameters::Parameters;
use core::time::Duration;
use diarch_cluster::fencing::device::Device as Configured;
use diarch_cluster::fencing::survey::{Check, Question};
use diarch_cluster::fencing::{Failure, Power, PowerAction};
use diarch_fencing_hw::power::{DriverError, PowerRequest, PowerState};
use smol::Timer;

/// Secrets that a command prints; a manager waits for no command.
const SCRIPTS: &[&str] = &["password_script", "snmp_priv_passwd_script"];

/// Whether this executable has a driver for the agent of this name.
pub(crate) fn is_native(name: &str) -> bool {
    AGENTS.iter().any(|agent| agent.name == name)
}

/// Asks a configured device, for at most `within`.
///
/// # Errors
/// Why nothing is known, for people; never a secret.
pub(crate) async fn ask(
    configured: &Configured,
    action: PowerAction,
    within: Duration,
) -> Result<Power, Failure> {
    let Some(agent) = AGENTS.iter().find(|agent| agent.name == configured.agent) else {
        return installed::ask(configured, action, within).await;
    };
    let asked = driver(*agent, configured, action, within);
    let over = async {
        Timer::after(within).await;
        Err(Failure::late("it took longer than it may".to_owned()))
    };
    smol::future::or(asked, over).await
}

/// Asks a configured device whether it fences the node of the question.
///
/// # Errors
/// Why it is not known, for people; never a secret.
pub(crate) async fn find(question: &Question) -> Result<bool, Failure> {
    let Question { device, by, within, .. } = question;
    let Some(agent) = AGENTS.iter().find(|agent| agent.name == device.agent) else {
        return installed::find(question).await;
    };
    if agent.kind == Kind::Ipmi && *by != Check::Status {
        let reason = "a BMC does not say whose it is: set pcmk_host_list";
        return Err(Failure::refused(reason.to_owned()));
    }
    let (mut driver, request) =
        prepared(*agent, device, PowerAction::Status).map_err(Failure::refused)?;
    match driver.ask_within(request, *within).await {
        // Whatever the state of the outlet is, there is one.
        Ok(_) | Err(drive::Failure::Driver(DriverError::Unclear(_))) => Ok(true),
        Err(drive::Failure::Driver(DriverError::NoSuchOutlet)) => Ok(false),
        Err(failure) => {
            let reason = format!("{}: {failure}", driver.address());
            Err(Failure { reason, late: is_late(&failure) })
        }
    }
}

async fn driver(
    agent: Agent,
    configured: &Configured,
    action: PowerAction,
    within: Duration,
) -> Result<Power, Failure> {
    let (mut device, request) = prepared(agent, configured, action).map_err(Failure::refused)?;
    match device.ask_within(request, within).await {
        Ok(PowerState::On) => Ok(Power::On),
        Ok(PowerState::Off) => Ok(Power::Off),
        Err(failure) => {
            let reason = format!("{}: {failure}", device.address());
            Err(Failure { reason, late: is_late(&failure) })
        }
    }
}

fn prepared(
    agent: Agent,
    configured: &Configured,
    action: PowerAction,
) -> Result<(Device, PowerRequest), String> {
    let parameters = Parameters::of_pairs(agent.options(), &configured.parameters.0);
    if let Some(script) = SCRIPTS.iter().find(|script| parameters.is_set(script)) {
        return Err(format!("{script} is not run here: configure the password itself"));
    }
    let command = &configured.settings.order(action).command;
    let request = match command.as_str() {
        "status" | "monitor" => PowerRequest::Status,
        "off" | "disable" => PowerRequest::Off,
        "on" | "enable" => PowerRequest::On,
        other => return Err(format!("{} cannot be told to '{other}'", agent.name)),
    };
    Ok((Device::new(agent, &parameters)?, request))
}

/// Whether there is no use in trying the same again at once.
const fn is_late(failure: &drive::Failure) -> bool {
    match failure {
        drive::Failure::Socket(_) => false,
        drive::Failure::Driver(error) => {
            matches!(error, DriverError::NoAnswer(_) | DriverError::NotObeyed(_))
        }
    }
}
