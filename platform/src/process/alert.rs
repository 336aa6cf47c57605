//! Alert agents: as `hacluster`, told when, and never longer than they may (*Pacemaker Explained*,
//! chapter 7 "Alerts").

use super::{Running, capture, command};
use crate::users;
use diarch_cluster::manager_io::{AgentEnd, AlertCall};
use nix::libc;
use std::ffi::CString;
use std::io;
use std::os::unix::process::CommandExt as _;
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::{Instant, SystemTime, UNIX_EPOCH};

/// The longest text of a time; the rest of a longer one would not be a time any more.
const STAMP_MAX: usize = 256;

/// Calls one agent; whatever goes wrong is logged, and nothing waits for it.
pub(crate) async fn alert(call: AlertCall) {
    let AlertCall { id, path, .. } = &call;
    match ask(&call).await {
        Ok(AgentEnd::Exited(0)) => log::debug!("alert {id}: {path} was told"),
        Ok(AgentEnd::Exited(status)) => log::warn!("alert {id}: {path} ended with {status}"),
        Ok(AgentEnd::TimedOut) => {
            log::warn!("alert {id}: {path} was killed after {} s", call.timeout.as_secs_f32());
        }
        Ok(
            end @ (AgentEnd::Signalled(_)
            | AgentEnd::Cancelled
            | AgentEnd::NotInstalled
            | AgentEnd::NotPermitted
            | AgentEnd::CouldNotRun),
        ) => log::warn!("alert {id}: {path}: {end:?}"),
        Err(error) => log::warn!("alert {id}: {path} cannot be run: {error}"),
    }
}

async fn ask(call: &AlertCall) -> io::Result<AgentEnd> {
    let owner = users::user_by_name(users::DAEMON_USER)
        .ok_or_else(|| io::Error::other(format!("there is no user {}", users::DAEMON_USER)))?;
    let mut command = told(call, SystemTime::now())?;
    if nix::unistd::geteuid().is_root() {
        command.uid(owner.uid).gid(owner.gid);
    }
    let deadline = Instant::now().checked_add(call.timeout);
    let (_, never) = smol::channel::bounded(1);
    Ok(Running::spawn(command, "", capture::OUTPUT_MAX)?.watch(deadline, &never).await.end)
}

/// The command, in whatever user's name.
fn told(call: &AlertCall, now: SystemTime) -> io::Result<Command> {
    if !Path::new(&call.path).is_absolute() {
        let text = "the path of an alert has to be absolute";
        return Err(io::Error::new(io::ErrorKind::InvalidInput, text));
    }
    let since = now.duration_since(UNIX_EPOCH).unwrap_or_default();
    let epoch = i64::try_from(since.as_secs()).unwrap_or(i64::MAX);
    let mut command = Command::new(&call.path);
    command
        .env_clear()
        .envs(command::ENVIRONMENT.iter().copied())
        .envs(variables(call))
        .env("CRM_alert_timestamp", stamp(&call.timestamp_format, epoch, since.subsec_nanos()))
        .env("CRM_alert_timestamp_epoch", epoch.to_string())
        .env("CRM_alert_timestamp_usec", format!("{:06}", since.subsec_micros()))
        .current_dir("/")
        .process_group(0)
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped());
    Ok(command)
}

/// What the agent is told, less what no environment can hold, which is logged.
fn variables(call: &AlertCall) -> impl Iterator<Item = (&str, &str)> {
    call.environment.iter().filter_map(|(name, value)| {
        let usable = !name.is_empty() && !name.contains(['=', '\0']) && !value.contains('\0');
        if !usable {
            log::warn!("alert {}: '{name}' cannot be a variable: it is left out", call.id);
        }
        usable.then_some((name.as_str(), value.as_str()))
    })
}

/// A time as `date` would write it in the system's time zone, and `%xN` as `x` digits of the
/// fraction of the second. Empty where the format makes no text of a bearable length.
fn stamp(format: &str, epoch: i64, nanos: u32) -> String {
    let Ok(format) = CString::new(with_fraction(format, nanos)) else {
        return String::new();
    };
    let mut text = [0_u8; STAMP_MAX];
    // SAFETY: a `tm` is numbers and a pointer that may be null; `localtime_r` fills it.
    let mut parts: libc::tm = unsafe { std::mem::zeroed() };
    // SAFETY: both are valid for the call; a null is only returned for years beyond an int.
    if unsafe { libc::localtime_r(&raw const epoch, &raw mut parts) }.is_null() {
        return String::new();
    }
    // SAFETY: it writes at most `len` bytes, ends them with a zero, and says how many they are.
    let length = unsafe {
        libc::strftime(text.as_mut_ptr().cast(), text.len(), format.as_ptr(), &raw const parts)
    };
    String::from_utf8_lossy(text.get(..length).unwrap_or_default()).into_owned()
}

/// Puts the fraction of the second where the format has `%N` or `%xN`.
fn with_fraction(format: &str, nanos: u32) -> String {
    let digits = format!("{nanos:09}");
    let mut text = String::new();
    let mut rest = format;
    while let Some((before, after)) = rest.split_once('%') {
        text.push_str(before);
        let width = after.len() - after.trim_start_matches(|c: char| c.is_ascii_digit()).len();
        let (wide, what) = after.split_at(width);
        if let Some(behind) = what.strip_prefix('N') {
            let wanted = wide.parse().unwrap_or(9_usize).min(9);
            text.push_str(digits.get(..wanted).unwrap_or(&digits));
            rest = behind;
        } else if let Some(behind) = after.strip_prefix('%') {
            text.push_str("%%");
            rest = behind;
        } else {
            text.push('%');
            rest = after;
        }
    }
    text + rest
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::Duration;

    #[test]
    fn a_time_is_written_as_date_does_and_with_the_digits_that_are_wanted() {
        for (format, expected) in [
            ("%s.%06N", "1800000000.123456"),
            ("%s.%01N", "1800000000.1"),
            ("%s.%6N", "1800000000.123456"),
            ("%s %N %%3N", "1800000000 123456789 %3N"),
            ("%", "%"),
            ("at %s", "at 1800000000"),
        ] {
            assert_eq!(stamp(format, 1_800_000_000, 123_456_789), expected, "{format}");
        }
        assert_eq!(stamp(&"%s".repeat(100), 1_800_000_000, 0), "");
        assert_eq!(stamp("%s\0", 0, 0), "");
        assert_eq!(stamp("%H:%M:%S", 0, 0).len(), "00:00:00".len());
    }

    #[test]
    fn an_agent_is_told_when_and_what_and_nothing_else() {
        let call = AlertCall {
            id: "a".to_owned(),
            path: "/usr/bin/env".to_owned(),
            environment: vec![
                ("CRM_alert_kind".to_owned(), "node".to_owned()),
                ("bad=name".to_owned(), "x".to_owned()),
                (String::new(), "x".to_owned()),
            ],
            timeout: Duration::from_secs(10),
            timestamp_format: "%s".to_owned(),
        };
        let now = UNIX_EPOCH + Duration::from_micros(1_800_000_000_000_042);
        let output = told(&call, now).unwrap().output().unwrap();
        let text = String::from_utf8(output.stdout).unwrap();
        for wanted in [
            "CRM_alert_kind=node",
            "CRM_alert_timestamp=1800000000",
            "CRM_alert_timestamp_epoch=1800000000",
            "CRM_alert_timestamp_usec=000042",
            "PCMK_service=pacemaker-execd",
        ] {
            assert!(text.lines().any(|line| line == wanted), "{wanted}: {text}");
        }
        assert!(!text.contains("CARGO") && !text.contains("bad"), "{text}");
        let relative = AlertCall { path: "env".to_owned(), ..call };
        assert!(told(&relative, now).unwrap_err().to_string().contains("absolute"));
    }
}
