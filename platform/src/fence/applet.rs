//! The agents as commands.

use super::agents::{Agent, Kind};
use super::device::Device;
use super::drive::Failure;
use super::metadata;
use super::parameters::Parameters;
use crate::cli::exit::Exit;
use crate::console::{complain, say};
use diarch_fencing_hw::power::{DriverError, PowerRequest, PowerState};
use std::io::Read as _;
use std::time::Instant;

/// `status` says by its exit code that the machine is off.
const IS_OFF: Exit = Exit::InvalidParam;

/// The highest number that outlets are looked for under.
const LISTED_MAX: u32 = 96;

/// What an agent is asked to do.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
enum Action {
    Power(PowerRequest),
    Monitor,
    List,
    Metadata,
    Validate,
}

impl Action {
    fn of(word: &str) -> Result<Self, String> {
        match word.to_ascii_lowercase().as_str() {
            "on" | "enable" => Ok(Self::Power(PowerRequest::On)),
            "off" | "disable" => Ok(Self::Power(PowerRequest::Off)),
            "reboot" => Ok(Self::Power(PowerRequest::Reboot)),
            "status" => Ok(Self::Power(PowerRequest::Status)),
            "monitor" => Ok(Self::Monitor),
            "list" | "list-status" => Ok(Self::List),
            "metadata" => Ok(Self::Metadata),
            "validate-all" => Ok(Self::Validate),
            _ => Err(format!("there is no action {word}")),
        }
    }
}

/// Runs the agent with the arguments behind its name.
pub(crate) fn main(agent: Agent, arguments: &[String]) -> Exit {
    let name = agent.name;
    let parameters = match read(agent, arguments) {
        Ok(parameters) => parameters,
        Err(wrong) => {
            complain(&format!("{name}: {wrong}; see {name} --help"));
            return Exit::Error;
        }
    };
    if parameters.is_set("help") {
        return say(&help(agent));
    }
    if parameters.is_set("version") {
        return say(concat!(env!("CARGO_PKG_VERSION"), "\n"));
    }
    match perform(agent, &parameters) {
        Ok(code) => code,
        Err(failure) => {
            if !parameters.is_set("quiet") {
                complain(&format!("{name}: {failure}"));
            }
            Exit::Error
        }
    }
}

/// The parameters of this call: of the command line, or of standard input if there is none.
fn read(agent: Agent, arguments: &[String]) -> Result<Parameters, String> {
    if !arguments.is_empty() {
        return Parameters::of_words(agent.options(), arguments);
    }
    let mut text = String::new();
    std::io::stdin().read_to_string(&mut text).map_err(|error| error.to_string())?;
    let (parameters, unknown) = Parameters::of_lines(agent.options(), &text);
    for name in unknown {
        complain(&format!("{}: there is no option {name}; it is ignored", agent.name));
    }
    Ok(parameters)
}

fn perform(agent: Agent, parameters: &Parameters) -> Result<Exit, String> {
    let options = agent.options();
    let action = Action::of(parameters.text(options, "action").unwrap_or_default())?;
    match action {
        Action::Metadata => Ok(say(&metadata::xml(agent))),
        Action::Validate => Device::new(agent, parameters).map(|_| Exit::Ok),
        Action::List => list(agent, parameters),
        Action::Monitor if agent.kind == Kind::Snmp && !parameters.is_set("plug") => {
            ask(agent, &parameters.with("plug", "1".to_owned()), PowerRequest::Status)
                .map(|_| Exit::Ok)
        }
        Action::Monitor => ask(agent, parameters, PowerRequest::Status).map(|_| Exit::Ok),
        Action::Power(request) => {
            let delay = parameters.seconds(options, "delay")?;
            if matches!(request, PowerRequest::Off | PowerRequest::Reboot) && !delay.is_zero() {
                std::thread::sleep(delay);
            }
            let state = ask(agent, parameters, request)?;
            Ok(report(request, state))
        }
    }
}

/// Asks the device, and says which device it was if that fails.
fn ask(agent: Agent, parameters: &Parameters, request: PowerRequest) -> Result<PowerState, String> {
    let mut device = Device::new(agent, parameters)?;
    let begun = Instant::now();
    let result = smol::block_on(device.ask(request));
    if parameters.is_set("verbose") {
        let took = begun.elapsed().as_millis();
        complain(&format!("{}: {} took {took} ms", agent.name, device.address()));
    }
    result.map_err(|failure: Failure| format!("{}: {failure}", device.address()))
}

/// Says how a request ended, in the words that scripts look for.
fn report(request: PowerRequest, state: PowerState) -> Exit {
    let (text, code) = match (request, state) {
        (PowerRequest::Status, PowerState::On) => ("Status: ON\n", Exit::Ok),
        (PowerRequest::Status, PowerState::Off) => ("Status: OFF\n", IS_OFF),
        (PowerRequest::Off, _) => ("Success: Powered OFF\n", Exit::Ok),
        (PowerRequest::On, _) => ("Success: Powered ON\n", Exit::Ok),
        (PowerRequest::Reboot, _) => ("Success: Rebooted\n", Exit::Ok),
    };
    // The exit status tells as much to those who do not read.
    let _unheard = say(text);
    code
}

/// Says which outlets there are, one a line: its number, no name, and with `list-status` its state.
/// A BMC switches one machine and has no names for it.
fn list(agent: Agent, parameters: &Parameters) -> Result<Exit, String> {
    match agent.kind {
        Kind::Ipmi => Device::new(agent, parameters).map(|_| say("N/A\n")),
        Kind::Snmp => outlets(agent, parameters).map(|text| say(&text)),
    }
}

fn outlets(agent: Agent, parameters: &Parameters) -> Result<String, String> {
    let separator = parameters.text(agent.options(), "separator").unwrap_or(",");
    let with_state = parameters.given("action") == Some("list-status");
    let mut text = String::new();
    for outlet in 1..=LISTED_MAX {
        let mut device = Device::new(agent, &parameters.with("plug", outlet.to_string()))?;
        let state = match smol::block_on(device.ask(PowerRequest::Status)) {
            Ok(PowerState::On) => "ON",
            Ok(PowerState::Off) => "OFF",
            Err(Failure::Driver(DriverError::Unclear(_))) => "UNKNOWN",
            Err(Failure::Driver(DriverError::NoSuchOutlet)) if outlet > 1 => break,
            Err(failure) => return Err(format!("{}: {failure}", device.address())),
        };
        text.push_str(&format!("{outlet}{separator}"));
        if with_state {
            text.push_str(&format!("{separator}{state}"));
        }
        text.push('\n');
    }
    Ok(text)
}

fn help(agent: Agent) -> String {
    let mut text = format!("{}: {}\n\nusage: {} OPTIONS\n\n", agent.name, agent.about, agent.name);
    for option in agent.options().all() {
        text.push_str(&format!("   {:<38} {}\n", metadata::spelling(option), option.about));
    }
    text.push_str("\nWithout options, NAME=VALUE lines are read from standard input.\n");
    text
}
