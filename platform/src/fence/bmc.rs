//! The driver of a BMC that parameters ask for.

use super::device::{secret, seed};
use super::parameters::Parameters;
use diarch_fencing_hw::ipmi::suite::Suite;
use diarch_fencing_hw::ipmi::{Lan, Privilege, Secret, Settings};
use diarch_fencing_hw::power::PowerSwitch;

/// The drivers that `parameters` ask for, the best first.
///
/// # Errors
/// What is missing or wrong, for people; never a secret.
pub(super) fn drivers(parameters: &Parameters) -> Result<Vec<Box<dyn PowerSwitch>>, String> {
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
