//! What the manager asks of power switches. Drivers run in its own process: nothing is started, so
//! that a node that is short of memory can still fence. Other fence agents are run where they are
//! installed.

use super::agents::{AGENTS, Agent};
use super::device::Device;
use super::installed;
use super::parameters::Parameters;
use diarch_cluster::fencing::device::Device as Configured;
use diarch_cluster::fencing::{Power, PowerAction};
use diarch_fencing_hw::power::{PowerRequest, PowerState};

/// Secrets that a command prints; a manager waits for no command.
const SCRIPTS: &[&str] = &["password_script", "snmp_priv_passwd_script"];

/// Whether this executable has a driver for the agent of this name.
pub(crate) fn is_native(name: &str) -> bool {
    AGENTS.iter().any(|agent| agent.name == name)
}

/// Asks a configured device.
///
/// # Errors
/// Why nothing is known, for people; never a secret.
pub(crate) async fn ask(configured: &Configured, action: PowerAction) -> Result<Power, String> {
    match AGENTS.iter().find(|agent| agent.name == configured.agent) {
        Some(agent) => driver(*agent, configured, action).await,
        None => installed::ask(configured, action).await,
    }
}

async fn driver(agent: Agent, device: &Configured, action: PowerAction) -> Result<Power, String> {
    let parameters = Parameters::of_pairs(agent.options(), &device.parameters.0);
    if let Some(script) = SCRIPTS.iter().find(|script| parameters.is_set(script)) {
        return Err(format!("{script} is not run here: configure the password itself"));
    }
    let mut device = Device::new(agent, &parameters)?;
    let request = match action {
        PowerAction::Status => PowerRequest::Status,
        PowerAction::Off => PowerRequest::Off,
        PowerAction::On => PowerRequest::On,
    };
    match device.ask(request).await {
        Ok(PowerState::On) => Ok(Power::On),
        Ok(PowerState::Off) => Ok(Power::Off),
        Err(failure) => Err(format!("{}: {failure}", device.address())),
    }
}
