//! The driver of a BMC that parameters ask for.

use super::agents::Agent;
use super::device::{secret, seed};
use super::parameters::Parameters;
use diarch_fencing_hw::ipmi::legacy::Auth;
use diarch_fencing_hw::ipmi::suite::Suite;
use diarch_fencing_hw::ipmi::{Lan, Old, Privilege, Secret, Settings};
use diarch_fencing_hw::power::PowerSwitch;

/// The drivers that `parameters` ask for, the best first.
///
/// # Errors
/// What is missing or wrong, for people; never a secret.
pub(super) fn drivers(
    agent: Agent,
    parameters: &Parameters,
) -> Result<Vec<Box<dyn PowerSwitch>>, String> {
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
    if let Some(old) = old(agent, parameters, password.len())? {
        drivers.push(Box::new(Lan::legacy(settings.clone(), old, seed()?)));
    }
    for suite in suites {
        drivers.push(Box::new(Lan::new(Settings { suite: *suite, ..settings.clone() }, seed()?)));
    }
    Ok(drivers)
}

/// The longest password of IPMI 1.5, in bytes.
const OLD_PASSWORD_MAX: usize = 16;

/// How IPMI 1.5 is tried before IPMI 2.0, if it is: where nothing asks for IPMI 2.0, and for nobody
/// but those who named a way to authenticate if the device speaks IPMI 2.0 as well.
fn old(agent: Agent, parameters: &Parameters, password: usize) -> Result<Option<Old>, String> {
    let plus = ["lanplus", "cipher", "hexadecimal_kg"].iter().any(|name| parameters.is_set(name));
    if plus || agent.name != "fence_ipmilan" {
        return Ok(None);
    }
    let (auth, named) = match parameters.given("auth") {
        None | Some("none") => (Auth::Md5, false),
        Some("md5") => (Auth::Md5, true),
        Some("password") => (Auth::Password, true),
        Some(_) => return Err("auth has to be md5 or password".to_owned()),
    };
    match (named, password > OLD_PASSWORD_MAX) {
        (true, true) => Err("password is longer than IPMI 1.5 allows: set lanplus=1".to_owned()),
        (false, true) => Ok(None),
        (_, false) => Ok(Some(Old { auth, unless_plus: !named })),
    }
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
