//! The driver of a PDU's outlets that parameters ask for.

use super::device::{secret, seed};
use super::options::OF_SNMP;
use super::parameters::Parameters;
use diarch_fencing_hw::power::PowerSwitch;
use diarch_fencing_hw::snmp::model::{MODELS, Model, Plug};
use diarch_fencing_hw::snmp::usm::{Proof, User};
use diarch_fencing_hw::snmp::{Access, Name, Outlets};

/// The drivers that `parameters` ask for: one.
///
/// # Errors
/// What is missing or wrong, for people; never a secret.
pub(super) fn drivers(parameters: &Parameters) -> Result<Vec<Box<dyn PowerSwitch>>, String> {
    let plugs = plugs(parameters)?;
    let outlets = plugs.into_iter().collect();
    let driver = Outlets::new(access(parameters)?, outlets, model(parameters)?, seed()?);
    Ok(vec![Box::new(driver)])
}

/// The outlets that feed one machine.
fn plugs(p: &Parameters) -> Result<Vec<Plug>, String> {
    let text = p.given("plug").ok_or("plug is missing: the outlet's number")?;
    let separator = p.text(OF_SNMP, "plug_separator").filter(|s| !s.is_empty()).unwrap_or(",");
    let plugs: Option<Vec<Plug>> = text.split(separator).map(plug).collect();
    let plugs = plugs.ok_or("plug has to be OUTLET or UNIT.OUTLET, in numbers")?;
    if plugs.len() > diarch_fencing_hw::snmp::OUTLETS_MAX {
        return Err("plug names more outlets than one machine has supplies".to_owned());
    }
    Ok(plugs)
}

fn plug(text: &str) -> Option<Plug> {
    let numbers: Option<Vec<u32>> = text.trim().split(['.', ':']).map(|n| n.parse().ok()).collect();
    Plug::from_slice(&numbers?).ok()
}

fn model(p: &Parameters) -> Result<Option<&'static Model>, String> {
    let Some(name) = p.given("model") else {
        return Ok(None);
    };
    let known = || {
        let names: Vec<&str> = MODELS.iter().map(|model| model.name).collect();
        format!("model has to be one of {}", names.join(", "))
    };
    Model::named(name).map(Some).ok_or_else(known)
}

fn access(p: &Parameters) -> Result<Access, String> {
    let community = || name("community", p.text(OF_SNMP, "community").unwrap_or_default());
    match p.text(OF_SNMP, "snmp_version").unwrap_or_default() {
        "1" => community().map(Access::V1),
        "2c" => community().map(Access::V2c),
        "3" => user(p).map(Access::V3),
        _ => Err("snmp_version has to be 1, 2c or 3".to_owned()),
    }
}

/// The user of version 3 and how far it protects what it says.
fn user(p: &Parameters) -> Result<User, String> {
    let user = p.given("username").ok_or("username is missing: version 3 needs a user")?;
    let password = secret(p, "password", "password_script")?;
    let privacy = secret(p, "snmp_priv_passwd", "snmp_priv_passwd_script")?;
    let level = p.given("snmp_sec_level").map(str::to_ascii_lowercase);
    let (proves, hides) = match level.as_deref() {
        None => (password.is_some(), privacy.is_some()),
        Some("noauthnopriv") => (false, false),
        Some("authnopriv") => (true, false),
        Some("authpriv") => (true, true),
        Some(_) => {
            return Err("snmp_sec_level has to be noAuthNoPriv, authNoPriv or authPriv".to_owned());
        }
    };
    if hides && !proves {
        return Err("password is missing: what is hidden has to be proven as well".to_owned());
    }
    let proof = if proves {
        let password = password.ok_or("password is missing: the level proves messages")?;
        Some((how_proven(p)?, name("password", &password)?))
    } else {
        None
    };
    let privacy = if hides {
        let privacy = privacy.ok_or("snmp_priv_passwd is missing: the level hides messages")?;
        how_hidden(p)?;
        Some(name("snmp_priv_passwd", &privacy)?)
    } else {
        None
    };
    Ok(User { name: name("username", user)?, proof, privacy })
}

fn how_proven(p: &Parameters) -> Result<Proof, String> {
    match p.given("snmp_auth_prot").map(str::to_ascii_uppercase).as_deref() {
        Some("MD5") => Ok(Proof::Md5),
        Some("SHA" | "SHA1" | "SHA-1") => Ok(Proof::Sha1),
        Some("SHA256" | "SHA-256") => Ok(Proof::Sha256),
        Some("SHA512" | "SHA-512") => Ok(Proof::Sha512),
        Some(_) => Err("snmp_auth_prot has to be MD5, SHA, SHA-256 or SHA-512".to_owned()),
        None => Err("snmp_auth_prot is missing: how version 3 proves messages".to_owned()),
    }
}

fn how_hidden(p: &Parameters) -> Result<(), String> {
    match p.given("snmp_priv_prot").map(str::to_ascii_uppercase).as_deref() {
        Some("AES" | "AES128" | "AES-128") => Ok(()),
        Some("DES") => Err("snmp_priv_prot=DES hides nothing any more: use AES".to_owned()),
        Some(_) => Err("snmp_priv_prot has to be AES".to_owned()),
        None => Err("snmp_priv_prot is missing: how version 3 hides messages".to_owned()),
    }
}

fn name(option: &str, text: &str) -> Result<Name, String> {
    Name::from_slice(text.as_bytes()).map_err(|_| format!("{option} is longer than 64 bytes"))
}
