//! One fence device: its address, and the driver that its parameters ask for.

use super::agents::{Agent, Kind};
use super::bmc;
use super::drive::{self, Failure};
use super::parameters::Parameters;
use super::pdu;
use core::time::Duration;
use diarch_fencing_hw::power::{DriverError, PowerRequest, PowerState, PowerSwitch};
use std::fs::File;
use std::io::Read as _;
use std::net::{IpAddr, SocketAddr};
use std::process::{Command, Stdio};

/// Names that stand for addresses.
const HOSTS: &str = "/etc/hosts";

/// How long a device may take.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Patience {
    /// To let us in and to answer.
    pub(crate) answer: Duration,
    /// To do what it was told.
    pub(crate) obey: Duration,
}

/// A device that can be asked.
pub(crate) struct Device {
    address: SocketAddr,
    /// The ways to talk to it, the best first.
    drivers: Vec<Box<dyn PowerSwitch>>,
    patience: Patience,
}

impl core::fmt::Debug for Device {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.debug_struct("Device").field("address", &self.address).finish_non_exhaustive()
    }
}

impl Device {
    /// The device that `parameters` describe.
    ///
    /// # Errors
    /// What is missing or wrong, for people; never a secret.
    pub(crate) fn new(agent: Agent, parameters: &Parameters) -> Result<Self, String> {
        let options = agent.options();
        let address = address(agent, parameters)?;
        let patience = Patience {
            answer: parameters.seconds(options, "login_timeout")?
                + parameters.seconds(options, "shell_timeout")?,
            obey: parameters.seconds(options, "power_timeout")?,
        };
        let drivers = match agent.kind {
            Kind::Ipmi => bmc::drivers(agent, parameters)?,
            Kind::Snmp => pdu::drivers(parameters)?,
        };
        Ok(Self { address, drivers, patience })
    }

    /// Where it is.
    pub(crate) const fn address(&self) -> SocketAddr {
        self.address
    }

    /// Asks it.
    ///
    /// # Errors
    /// Every failure, none of which says anything about the machine's power.
    pub(crate) async fn ask(&mut self, request: PowerRequest) -> Result<PowerState, Failure> {
        self.ask_within(request, Duration::MAX).await
    }

    /// Asks it, for at most `limit`.
    ///
    /// # Errors
    /// Every failure, none of which says anything about the machine's power.
    pub(crate) async fn ask_within(
        &mut self,
        request: PowerRequest,
        limit: Duration,
    ) -> Result<PowerState, Failure> {
        let within = match request {
            PowerRequest::Status => self.patience.answer,
            PowerRequest::Off | PowerRequest::On => self.patience.answer + self.patience.obey,
            PowerRequest::Reboot => self.patience.answer + self.patience.obey * 2,
        };
        let within = within.min(limit);
        let mut last = Err(Failure::Driver(DriverError::NoSuchSuite));
        for driver in &mut self.drivers {
            let silence = self.patience.answer;
            last = drive::ask(driver.as_mut(), self.address, request, within, silence).await;
            if !matches!(last, Err(Failure::Driver(DriverError::NoSuchSuite))) {
                break;
            }
        }
        last
    }
}

/// Where the device is.
fn address(agent: Agent, parameters: &Parameters) -> Result<SocketAddr, String> {
    let options = agent.options();
    let plug = parameters.given("plug").filter(|_| parameters.is_set("port_as_ip"));
    let name = parameters.given("ip").or(plug).ok_or("ip is missing: the device's address")?;
    let port = parameters.number(options, "ipport")?;
    let port = u16::try_from(port).map_err(|_| "ipport has to be at most 65535")?;
    let bare = name.trim_start_matches('[').trim_end_matches(']');
    let address = bare.parse().ok().or_else(|| {
        let hosts = std::fs::read_to_string(HOSTS).unwrap_or_default();
        of_hosts(&hosts, name)
    });
    let unknown = || format!("ip={name} is neither an address nor a name in {HOSTS}");
    Ok(SocketAddr::new(address.ok_or_else(unknown)?, port))
}

/// The address of `name` in a text like that of `/etc/hosts`.
pub(super) fn of_hosts(text: &str, name: &str) -> Option<IpAddr> {
    text.lines().find_map(|line| {
        let mut words = line.split('#').next().unwrap_or_default().split_whitespace();
        let address = words.next()?.parse().ok()?;
        words.any(|word| word.eq_ignore_ascii_case(name)).then_some(address)
    })
}

/// The secret that `name` gives, or that the command of `script` prints.
pub(super) fn secret(p: &Parameters, name: &str, script: &str) -> Result<Option<String>, String> {
    let Some(command) = p.given(script) else {
        return Ok(p.given(name).map(str::to_owned));
    };
    let output = Command::new("sh").args(["-c", command]).stdin(Stdio::null()).output();
    let output = output.map_err(|error| format!("{script}: {error}"))?;
    if !output.status.success() {
        return Err(format!("{script}: the command failed"));
    }
    let text = String::from_utf8_lossy(&output.stdout);
    Ok(Some(text.trim_end_matches(['\n', '\r']).to_owned()))
}

/// Unpredictable bytes.
pub(super) fn seed() -> Result<[u8; 32], String> {
    let mut seed = [0; 32];
    let read = File::open("/dev/urandom").and_then(|mut file| file.read_exact(&mut seed));
    read.map(|()| seed).map_err(|error| format!("no random numbers: {error}"))
}
