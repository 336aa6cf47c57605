//! One fence device: its address, and the driver that its parameters ask for.

use super::agents::{Agent, Kind};
use super::drive::{self, Failure};
use super::parameters::Parameters;
use core::time::Duration;
use diarch_fencing_hw::ipmi::suite::Suite;
use diarch_fencing_hw::ipmi::{Lan, Privilege, Secret, Settings};
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
            Kind::Ipmi => bmc(parameters)?,
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
    pub(crate) fn ask(&mut self, request: PowerRequest) -> Result<PowerState, Failure> {
        let within = match request {
            PowerRequest::Status => self.patience.answer,
            PowerRequest::Off | PowerRequest::On => self.patience.answer + self.patience.obey,
            PowerRequest::Reboot => self.patience.answer + self.patience.obey * 2,
        };
        let mut last = Err(Failure::Driver(DriverError::NoSuchSuite));
        for driver in &mut self.drivers {
            last = drive::ask(driver.as_mut(), self.address, request, within);
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
fn secret(p: &Parameters, name: &str, script: &str) -> Result<Option<String>, String> {
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

fn bmc(parameters: &Parameters) -> Result<Vec<Box<dyn PowerSwitch>>, String> {
    let suites: &[Suite] = match parameters.given("cipher") {
        None => &[Suite::Sha256, Suite::Sha1],
        Some("3") => &[Suite::Sha1],
        Some("17") => &[Suite::Sha256],
        Some("0") => return Err("cipher=0 authenticates nobody: use 3 or 17".to_owned()),
        Some(_) => return Err("cipher has to be 3 or 17".to_owned()),
    };
    if parameters.is_set("target") {
        return Err("target: bridging to another controller is not offered".to_owned());
    }
    let password = secret(parameters, "password", "password_script")?.unwrap_or_default();
    let too_long = |what| format!("{what} is longer than IPMI allows");
    let settings = Settings {
        user: parameters
            .given("username")
            .unwrap_or_default()
            .parse()
            .map_err(|_| too_long("username"))?,
        password: Secret::new(password.as_bytes()).ok_or_else(|| too_long("password"))?,
        kg: parameters.given("hexadecimal_kg").map(kg).transpose()?,
        suite: Suite::Sha256,
        privilege: privilege(parameters.given("privlvl"))?,
    };
    let mut drivers: Vec<Box<dyn PowerSwitch>> = Vec::new();
    for suite in suites {
        drivers.push(Box::new(Lan::new(Settings { suite: *suite, ..settings.clone() }, seed()?)));
    }
    Ok(drivers)
}

fn privilege(level: Option<&str>) -> Result<Privilege, String> {
    match level.map(str::to_ascii_lowercase).as_deref() {
        None | Some("administrator") => Ok(Privilege::Administrator),
        Some("operator") => Ok(Privilege::Operator),
        Some("user") => Ok(Privilege::User),
        Some(_) => Err("privlvl has to be administrator, operator or user".to_owned()),
    }
}

/// The key that hexadecimal digits stand for.
fn kg(digits: &str) -> Result<Secret, String> {
    let wrong = || "hexadecimal_kg has to be at most 40 hexadecimal digits, two a byte".to_owned();
    let digits = digits.strip_prefix("0x").unwrap_or(digits);
    if !digits.is_ascii() || !digits.len().is_multiple_of(2) {
        return Err(wrong());
    }
    let byte = |at: usize| u8::from_str_radix(&digits[at..at + 2], 16);
    let bytes: Result<Vec<u8>, _> = (0..digits.len()).step_by(2).map(byte).collect();
    bytes.ok().and_then(|bytes| Secret::new(&bytes)).ok_or_else(wrong)
}

/// Unpredictable bytes.
fn seed() -> Result<[u8; 32], String> {
    let mut seed = [0; 32];
    let read = File::open("/dev/urandom").and_then(|mut file| file.read_exact(&mut seed));
    read.map(|()| seed).map_err(|error| format!("no random numbers: {error}"))
}
