//! `fence_ipmilan` against a BMC of OpenIPMI's simulator, with `ipmitool` as the witness.
#![expect(clippy::unwrap_used, reason = "a test that cannot set its stage has failed")]

mod device;

use device::{Peer, Said, free_port, installed, say};
use std::fs;
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

/// What the simulator runs to switch the machine: a file is the machine.
const CHASSIS: &str = r#"#!/bin/sh
cd "$(dirname "$0")" || exit 1
echo "$*" >>orders
action=$1
shift
case $action in
    get) for name; do [ "$name" = power ] && echo "power:$(cat power)" || echo "$name:0"; done ;;
    set) while [ $# -gt 1 ]; do
            [ "$1" = power ] && [ ! -e stuck ] && { [ ! -e slow ] || sleep 1; echo "$2" >power; }
            shift 2
        done ;;
esac
exit 0
"#;

const CONTROLLER: &str = "mc_setbmc 0x20\n\
    mc_add 0x20 0 no-device-sdrs 0x23 9 8 0x9f 0x1291 0xf02 persist_sdr\n\
    mc_enable 0x20\n";

/// A simulated BMC and the file that stands for its machine.
struct Bmc(Peer);

impl Bmc {
    /// A BMC whose machine is on; nothing where there is no simulator.
    fn start(name: &str) -> Option<Self> {
        if !installed("ipmi_sim") || !installed("ipmitool") {
            say("skipped: no ipmi_sim");
            return None;
        }
        let bmc = Self(Peer::start(name, |folder, port| {
            fs::create_dir_all(folder.join("state")).unwrap();
            device::script(&folder.join("chassis"), CHASSIS);
            fs::write(folder.join("power"), "1\n").unwrap();
            fs::write(folder.join("bmc"), CONTROLLER).unwrap();
            fs::write(folder.join("lan"), settings(port, &folder.join("chassis"))).unwrap();
            let mut command = Command::new("ipmi_sim");
            // It ends when its standard input does, and spins where that is empty.
            command.args(["-n", "-c", "lan", "-f", "bmc", "-s", "state"]).stdin(Stdio::piped());
            command
        }));
        let begun = Instant::now();
        while bmc.witness() != Some(true) {
            assert!(begun.elapsed() < Duration::from_secs(20), "the simulator does not answer");
        }
        Some(bmc)
    }

    /// What `ipmitool` says about the machine's power.
    fn witness(&self) -> Option<bool> {
        let port = self.0.port.to_string();
        let output = Command::new("ipmitool")
            .args(["-I", "lanplus", "-C", "3", "-H", "127.0.0.1", "-U", "admin", "-E", "-p", &port])
            .args(["-N", "1", "-R", "2", "chassis", "power", "status"])
            .env("IPMI_PASSWORD", "secret")
            .output()
            .unwrap();
        match String::from_utf8_lossy(&output.stdout).trim() {
            "Chassis Power is on" => Some(true),
            "Chassis Power is off" => Some(false),
            _ => None,
        }
    }

    /// Runs the agent with these lines after those that name the device.
    fn agent(&self, lines: &str) -> Said {
        self.old_agent(&format!("lanplus=1\n{lines}"))
    }

    /// The same without a word about IPMI 2.0.
    fn old_agent(&self, lines: &str) -> Said {
        let device = format!("ipaddr=127.0.0.1\nipport={}\n", self.0.port);
        device::agent("fence_ipmilan", &format!("{device}{lines}"))
    }

    /// As the administrator.
    fn admin(&self, lines: &str) -> Said {
        self.agent(&format!("login=admin\npasswd=secret\n{lines}"))
    }

    /// The power orders that the machine got so far.
    fn orders(&self) -> Vec<String> {
        let text = fs::read_to_string(self.0.folder.join("orders")).unwrap_or_default();
        text.lines().filter(|line| line.starts_with("set power")).map(str::to_owned).collect()
    }

    fn mark(&self, name: &str) {
        fs::write(self.0.folder.join(name), "").unwrap();
    }
}

fn settings(port: u16, chassis: &Path) -> String {
    let levels = ["callback", "user", "operator", "admin"];
    let auths = levels.map(|level| format!("    allowed_auths_{level} md5 straight\n")).concat();
    format!(
        "name \"test\"\nset_working_mc 0x20\n  startlan 1\n    addr 127.0.0.1 {port}\n    \
         priv_limit admin\n{auths}    guid a123456789abcdefa123456789abcdef\n  endlan\n  \
         chassis_control \"{}\"\n  \
         user 1 false \"\" \"test\" user 10 none md2 md5 straight\n  \
         user 2 true \"admin\" \"secret\" admin 10 none md2 md5 straight\n  \
         user 3 true \"operator\" \"operpw\" operator 10 none md2 md5 straight\n  \
         user 4 true \"viewer\" \"viewpw\" user 10 none md2 md5 straight\n",
        chassis.display()
    )
}

#[test]
fn every_action_truly_changes_the_power_of_a_simulated_bmc() {
    let Some(bmc) = Bmc::start("fence-actions") else { return };
    bmc.admin("action=status").is(0, "Status: ON");
    bmc.admin("action=monitor").is(0, "");
    bmc.admin("action=off").is(0, "Success: Powered OFF");
    assert_eq!(bmc.witness(), Some(false));
    bmc.admin("action=status").is(2, "Status: OFF");
    bmc.admin("action=monitor").is(0, "");
    bmc.admin("action=off").is(0, "Success: Powered OFF");
    bmc.admin("action=on\ncipher=3").is(0, "Success: Powered ON");
    assert_eq!(bmc.witness(), Some(true));
    let before = bmc.orders().len();
    bmc.admin("action=reboot\nmethod=cycle").is(0, "Success: Rebooted");
    assert_eq!(bmc.orders()[before..], ["set power 0", "set power 1"]);
    assert_eq!(bmc.witness(), Some(true));
}

#[test]
fn a_user_does_what_its_privilege_allows_and_no_more() {
    let Some(bmc) = Bmc::start("fence-users") else { return };
    bmc.agent("login=operator\npasswd=operpw\nprivlvl=operator\naction=off")
        .is(0, "Success: Powered OFF");
    bmc.agent("login=viewer\npasswd=viewpw\nprivlvl=user\naction=status").is(2, "Status: OFF");
    let denied = bmc.agent("login=viewer\npasswd=viewpw\nprivlvl=user\naction=on");
    denied.is(1, "");
    assert!(denied.err.contains("privilege to switch"), "{denied:?}");
    for (lines, reason) in [
        ("login=admin\npasswd=tr1ed-in-vain\naction=on", "knows the password"),
        ("login=nobody\npasswd=secret\naction=on", "user"),
        ("login=admin\npasswd=secret\naction=on\ncipher=17", "cipher suite"),
    ] {
        let refused = bmc.agent(lines);
        refused.is(1, "");
        assert!(refused.err.contains(reason), "{refused:?}");
        assert!(!refused.err.contains("tr1ed-in-vain") && !refused.err.contains("secret"));
    }
    assert_eq!(bmc.orders(), ["set power 0"]);
}

#[test]
fn a_session_of_an_old_bmc_switches_as_one_of_a_new_one_does() {
    let Some(bmc) = Bmc::start("fence-old") else { return };
    let old = |auth: &str, lines: &str| {
        bmc.old_agent(&format!("login=admin\npasswd=secret\nauth={auth}\n{lines}"))
    };
    for auth in ["md5", "password"] {
        old(auth, "action=status").is(0, "Status: ON");
        old(auth, "action=off").is(0, "Success: Powered OFF");
        assert_eq!(bmc.witness(), Some(false), "{auth}");
        old(auth, "action=status").is(2, "Status: OFF");
        let before = bmc.orders().len();
        old(auth, "action=reboot").is(0, "Success: Rebooted");
        assert_eq!(bmc.orders()[before..], ["set power 0", "set power 1"]);
        let patience = "login_timeout=1\nshell_timeout=1\npower_timeout=1\n";
        let refused = bmc.old_agent(&format!(
            "login=admin\npasswd=tr1ed-in-vain\nauth={auth}\naction=off\n{patience}"
        ));
        refused.is(1, "");
        assert!(refused.err.contains("authenticating"), "{refused:?}");
        assert!(!refused.err.contains("tr1ed-in-vain"));
        assert_eq!(bmc.witness(), Some(true), "{auth}");
    }
    bmc.old_agent("login=admin\npasswd=secret\naction=off").is(0, "Success: Powered OFF");
    let unknown = bmc.old_agent("login=nobody\npasswd=secret\nauth=md5\naction=on");
    assert!(unknown.err.contains("user"), "{unknown:?}");
}

#[test]
fn a_bmc_that_is_slow_is_waited_for_and_one_that_does_not_obey_is_reported() {
    let Some(bmc) = Bmc::start("fence-slow") else { return };
    bmc.mark("slow");
    bmc.admin("action=off").is(0, "Success: Powered OFF");
    assert_eq!(bmc.witness(), Some(false));
    bmc.mark("stuck");
    let stuck = bmc.admin("action=on\npower_timeout=1\nlogin_timeout=1\nshell_timeout=1");
    stuck.is(1, "");
    assert!(stuck.err.contains("still reads Off"), "{stuck:?}");
}

#[test]
fn silence_is_an_error_and_never_off() {
    let nobody = free_port();
    let device = format!("ip=127.0.0.1\nipport={nobody}\nlogin=admin\npasswd=secret\n");
    for action in ["status", "monitor", "off"] {
        let patience = "login_timeout=0.2\nshell_timeout=0.2\npower_timeout=0.2\n";
        let silent =
            device::agent("fence_ipmilan", &format!("{device}{patience}action={action}\n"));
        silent.is(1, "");
        assert!(silent.err.contains("no answer while opening a session"), "{silent:?}");
    }
}
