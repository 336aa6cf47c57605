//! Agents that end well, badly, late and not at all, as real processes.

use super::*;
use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::time::Duration;

const LSB: &str = "/etc/init.d";

/// An init script of this test, removed at its end.
struct Script(PathBuf);

impl Script {
    /// None where nothing can be put: the test says so and holds nothing.
    fn new(name: &str, body: &str) -> Option<Self> {
        let path = Path::new(LSB).join(format!("diarch-test-{}-{name}", std::process::id()));
        fs::write(&path, format!("#!/bin/sh\n{body}\n")).ok()?;
        fs::set_permissions(&path, fs::Permissions::from_mode(0o755)).unwrap();
        Some(Self(path))
    }

    fn call(&self, timeout_ms: u64) -> AgentCall {
        AgentCall {
            class: "lsb".into(),
            provider: String::new(),
            kind: self.0.file_name().unwrap().to_str().unwrap().into(),
            action: "start".into(),
            environment: vec![("OCF_RESKEY_word".into(), "one two".into())],
            timeout: Duration::from_millis(timeout_ms),
        }
    }
}

impl Drop for Script {
    fn drop(&mut self) {
        fs::remove_file(&self.0).ok();
    }
}

#[expect(clippy::print_stdout, reason = "a skipped test says so")]
fn check(name: &str, body: &str, timeout_ms: u64, see: impl FnOnce(AgentResult)) {
    let usable = fs::create_dir_all(WORKING_FOLDER).is_ok();
    match Script::new(name, body).filter(|_| usable) {
        Some(script) => {
            let (_stop, never) = smol::channel::bounded(1);
            see(smol::block_on(run(script.call(timeout_ms), never)));
        }
        None => println!("skipped: {LSB} or {WORKING_FOLDER} cannot be written"),
    }
}

#[test]
fn an_agent_gets_its_environment_and_its_words_and_status_come_back() {
    check("good", "echo \"$1 $OCF_RESKEY_word $LC_ALL\"; echo oops >&2; exit 7", 5000, |result| {
        assert_eq!(result.end, AgentEnd::Exited(7));
        assert_eq!(result.stdout, "start one two C\n");
        assert_eq!(result.stderr, "oops\n");
    });
}

#[test]
fn an_agent_that_takes_too_long_is_killed_with_all_its_children() {
    check("late", "sleep 31.4159 & echo child; wait", 200, |result| {
        assert_eq!(result.end, AgentEnd::TimedOut);
        assert_eq!(result.stdout, "child\n");
        assert!(result.run < Duration::from_secs(20), "{:?}", result.run);
    });
}

#[test]
fn a_service_that_keeps_the_pipes_open_does_not_keep_its_start_from_ending() {
    check("daemon", "sleep 3 & exit 0", 60_000, |result| {
        assert_eq!(result.end, AgentEnd::Exited(0));
        assert!(result.run < Duration::from_secs(2), "{:?}", result.run);
    });
}

#[test]
fn an_agent_that_was_cancelled_says_so() {
    let Some(script) = Script::new("cancel", "exec sleep 30") else {
        return;
    };
    if fs::create_dir_all(WORKING_FOLDER).is_err() {
        return;
    }
    let (stop, stopped) = smol::channel::bounded(1);
    stop.try_send(()).unwrap();
    let result = smol::block_on(run(script.call(60_000), stopped));
    assert_eq!(result.end, AgentEnd::Cancelled);
}

#[test]
fn an_agent_that_is_not_there_or_has_an_odd_name_is_not_installed() {
    let (_stop, never) = smol::channel::bounded(1);
    for kind in ["diarch-none", "../../bin/true"] {
        let call = AgentCall {
            class: "ocf".into(),
            provider: "heartbeat".into(),
            kind: kind.into(),
            action: "monitor".into(),
            environment: Vec::new(),
            timeout: Duration::from_secs(1),
        };
        if fs::create_dir_all(WORKING_FOLDER).is_err() {
            return;
        }
        let result = smol::block_on(run(call, never.clone()));
        assert_eq!(result.end, AgentEnd::NotInstalled, "{kind}");
    }
}

fn fence_call(action: &str) -> AgentCall {
    let pair = |name: &str, value: &str| (name.to_owned(), value.to_owned());
    AgentCall {
        class: "stonith".into(),
        provider: String::new(),
        kind: "fence_ipmilan".into(),
        action: action.into(),
        environment: vec![
            pair("OCF_ROOT", "/usr/lib/ocf"),
            pair("OCF_RESKEY_ip", "10.0.0.2"),
            pair("OCF_RESKEY_password", "secret"),
            pair("OCF_RESKEY_pcmk_host_list", "b"),
            pair("OCF_RESKEY_CRM_meta_timeout", "20000"),
            pair("OCF_RESKEY_crm_feature_set", "3.20.5"),
        ],
        timeout: Duration::from_secs(1),
    }
}

#[test]
fn a_fence_agent_is_told_its_parameters_on_its_standard_input_and_nowhere_else() {
    for (action, told) in [("start", "monitor"), ("monitor", "monitor"), ("meta-data", "metadata")]
    {
        let (command, words) = command::of(&fence_call(action)).unwrap();
        assert_eq!(words, format!("ip=10.0.0.2\npassword=secret\naction={told}\n"));
        assert!(!format!("{command:?}").contains("secret"));
    }
}

#[test]
fn a_device_is_looked_at_as_its_parameters_say() {
    let with = |action: &str, pairs: &[(&str, &str)]| {
        let mut call = fence_call(action);
        let pairs = pairs.iter().map(|(n, v)| (format!("OCF_RESKEY_{n}"), (*v).to_owned()));
        call.environment.extend(pairs);
        call
    };
    let said = [
        ("pcmk_monitor_action", "status"),
        ("pcmk_monitor_timeout", "7s"),
        ("pcmk_monitor_retries", "5"),
    ];
    for action in ["start", "monitor"] {
        let call = with(action, &said);
        assert!(command::of(&call).unwrap().1.ends_with("secret\naction=status\n"));
        assert_eq!(command::limits(&call), (Duration::from_secs(7), 5));
        assert_eq!(command::limits(&with(action, &[])), (Duration::from_secs(1), 2));
    }
    assert_eq!(command::limits(&with("off", &said)), (Duration::from_secs(1), 1));
}

#[test]
fn a_device_that_refuses_is_looked_at_again_and_one_that_is_late_is_not() {
    if fs::create_dir_all(WORKING_FOLDER).is_err() {
        return;
    }
    let agent = format!("fence_diarch_looked_at_{}", std::process::id());
    let script = Path::new("/usr/sbin").join(&agent);
    let seen = std::env::temp_dir().join(&agent);
    let look = |text: &str, retries: &str| {
        fs::write(&seen, "").unwrap();
        let text = format!("#!/bin/sh\necho >>{}\n{text}\n", seen.display());
        fs::write(&script, text).ok()?;
        fs::set_permissions(&script, fs::Permissions::from_mode(0o755)).unwrap();
        let mut call = fence_call("monitor");
        call.kind.clone_from(&agent);
        let pair = ("OCF_RESKEY_pcmk_monitor_retries".to_owned(), retries.to_owned());
        call.environment.push(pair);
        let (_stop, never) = smol::channel::bounded(1);
        let end = smol::block_on(run(call, never)).end;
        Some((end, fs::read_to_string(&seen).unwrap().len()))
    };
    let refused = look("exit 1", "3");
    let second = look(&format!("[ $(wc -l <{}) -gt 1 ]", seen.display()), "3");
    let late = look("exec sleep 9", "3");
    fs::remove_file(&script).ok();
    fs::remove_file(&seen).ok();
    if let (Some(refused), Some(second), Some(late)) = (refused, second, late) {
        assert_eq!(refused, (AgentEnd::Exited(1), 3));
        assert_eq!(second, (AgentEnd::Exited(0), 2));
        assert_eq!(late, (AgentEnd::TimedOut, 1));
    }
}

#[test]
fn a_fence_device_is_stopped_and_known_to_be_stopped_without_a_word_to_it() {
    for (action, status) in [("stop", 0), ("probe", 7)] {
        let (_stop, never) = smol::channel::bounded(1);
        let result = smol::block_on(run(fence_call(action), never));
        assert_eq!(result.end, AgentEnd::Exited(status));
    }
    for action in ["start", "monitor"] {
        let (_stop, never) = smol::channel::bounded(1);
        let call = AgentCall { kind: "fence_watchdog".into(), ..fence_call(action) };
        assert_eq!(smol::block_on(run(call, never)).end, AgentEnd::Exited(0), "{action}");
    }
}
