//! The agents for PDUs against Net-SNMP's agent, whose outlets are files.
#![expect(clippy::unwrap_used, reason = "a test that cannot set its stage has failed")]

mod device;

use device::{Peer, Said, installed, say};
use std::fs;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

/// What the agent runs for an object: reads and writes the files `power.OUTLET`, as `table` says.
/// A row is `get OBJECT OUTLET ON OFF` or `set OBJECT OUTLET VALUE STATE`.
const OUTLETS: &str = r#"#!/bin/sh
cd "$(dirname "$0")" || exit 1
found=not-writable
while read -r kind object outlet a b; do
    [ "$object" = "$2" ] || continue
    case $1$kind in
        -gget)
            echo "$2"
            echo integer
            if [ -e between ]; then echo 3
            elif [ "$(cat "power.$outlet")" = 1 ]; then echo "$a"
            else echo "$b"; fi
            exit 0 ;;
        -sset)
            [ "$4" = "$a" ] || { found=wrong-value; continue; }
            echo "$outlet $b" >>orders
            [ -e stuck ] || echo "$b" >"power.$outlet"
            exit 0 ;;
    esac
done <table
[ "$1" = -s ] && echo "$found"
exit 0
"#;

const USERS: &str = "createUser fence SHA authpass12 AES privpass12\n\
    createUser fence256 SHA-256 authpass12 AES privpass12\n\
    createUser fence512 SHA-512 authpass12 AES privpass12\n\
    createUser fenceauth MD5 authpass12\n\
    rwuser fence authpriv\nrwuser fence256 authpriv\nrwuser fence512 authpriv\n\
    rwuser fenceauth auth\n";

/// A kind of PDU: what it says it is, and an outlet's state and control with their values.
struct Kind {
    agent: &'static str,
    object: &'static str,
    /// Object before the outlet's number, value for on, value for off.
    state: (&'static str, u32, u32),
    on: (&'static str, u32),
    off: (&'static str, u32),
}

const RPDU: Kind = Kind {
    agent: "fence_apc_snmp",
    object: "318.1.3.4.5",
    state: ("318.1.1.12.3.5.1.1.4", 1, 2),
    on: ("318.1.1.12.3.3.1.1.4", 1),
    off: ("318.1.1.12.3.3.1.1.4", 2),
};
const RPDU2: Kind = Kind {
    agent: "fence_apc_snmp",
    object: "318.1.3.4.5",
    state: ("318.1.1.26.9.2.3.1.5", 2, 1),
    on: ("318.1.1.26.9.2.4.1.5", 1),
    off: ("318.1.1.26.9.2.4.1.5", 2),
};
const EATON: Kind = Kind {
    agent: "fence_eaton_snmp",
    object: "534.6.6.7",
    state: ("534.6.6.7.6.6.1.2.0", 1, 0),
    on: ("534.6.6.7.6.6.1.4.0", 0),
    off: ("534.6.6.7.6.6.1.3.0", 0),
};
const RARITAN: Kind = Kind {
    agent: "fence_pdu_snmp",
    object: "13742.6",
    state: ("13742.6.4.1.2.1.3.1", 7, 8),
    on: ("13742.6.4.1.2.1.2.1", 1),
    off: ("13742.6.4.1.2.1.2.1", 0),
};

/// A simulated PDU with two outlets, both on.
struct Pdu {
    peer: Peer,
    kind: &'static Kind,
}

impl Pdu {
    /// Nothing where there is no agent of Net-SNMP.
    fn start(name: &str, kind: &'static Kind) -> Option<Self> {
        if !installed("snmpd") {
            say("skipped: no snmpd");
            return None;
        }
        let peer = Peer::start(name, |folder, port| {
            let script = folder.join("outlets");
            device::script(&script, OUTLETS);
            fs::write(folder.join("table"), table(kind)).unwrap();
            for outlet in [1, 2] {
                fs::write(folder.join(format!("power.{outlet}")), "1\n").unwrap();
            }
            let vendor = kind.object.split('.').next().unwrap();
            let settings = format!(
                "agentAddress udp:127.0.0.1:{port}\nsysObjectID .1.3.6.1.4.1.{}\nengineID {name}\n\
                 rwcommunity private 127.0.0.1\nrocommunity public 127.0.0.1\n{USERS}\
                 pass .1.3.6.1.4.1.{vendor} {}\n",
                kind.object,
                script.display()
            );
            fs::write(folder.join("snmpd.conf"), settings).unwrap();
            let mut command = Command::new("snmpd");
            command.args(["-f", "-Lf", "log", "-C", "-c", "snmpd.conf", "-p", "pid"]);
            command.env("SNMP_PERSISTENT_DIR", folder).env("MIBS", "").stdin(Stdio::null());
            command
        });
        let pdu = Self { peer, kind };
        let begun = Instant::now();
        while pdu.v2c("plug=1\naction=status\nlogin_timeout=0.2\nshell_timeout=0").code != Some(0) {
            assert!(begun.elapsed() < Duration::from_secs(20), "the PDU does not answer");
        }
        Some(pdu)
    }

    fn agent(&self, lines: &str) -> Said {
        let device = format!("ip=127.0.0.1\nipport={}\n", self.peer.port);
        device::agent(self.kind.agent, &format!("{device}{lines}\n"))
    }

    fn v2c(&self, lines: &str) -> Said {
        self.agent(&format!("snmp_version=2c\ncommunity=private\n{lines}"))
    }

    /// Whether these two outlets are on.
    fn power(&self) -> [bool; 2] {
        [1, 2].map(|outlet| {
            let state = fs::read_to_string(self.peer.folder.join(format!("power.{outlet}")));
            state.unwrap().trim() == "1"
        })
    }

    fn orders(&self) -> Vec<String> {
        let text = fs::read_to_string(self.peer.folder.join("orders")).unwrap_or_default();
        text.lines().map(str::to_owned).collect()
    }

    fn mark(&self, name: &str) {
        fs::write(self.peer.folder.join(name), "").unwrap();
    }
}

fn table(kind: &Kind) -> String {
    let (state, on, off) = kind.state;
    let rows = [1, 2].map(|n| {
        let enterprise = ".1.3.6.1.4.1";
        format!(
            "get {enterprise}.{state}.{n} {n} {on} {off}\nset {enterprise}.{}.{n} {n} {} 1\n\
             set {enterprise}.{}.{n} {n} {} 0\n",
            kind.on.0, kind.on.1, kind.off.0, kind.off.1
        )
    });
    rows.concat()
}

#[test]
fn outlets_of_several_kinds_truly_change() {
    for (name, kind) in
        [("rpdu", &RPDU), ("rpdu2", &RPDU2), ("eaton", &EATON), ("raritan", &RARITAN)]
    {
        let Some(pdu) = Pdu::start(name, kind) else { return };
        pdu.v2c("plug=2\naction=status").is(0, "Status: ON");
        pdu.v2c("plug=2\naction=off").is(0, "Success: Powered OFF");
        assert_eq!(pdu.power(), [true, false], "{name}");
        pdu.v2c("plug=2\naction=status").is(2, "Status: OFF");
        pdu.v2c("plug=2\naction=monitor").is(0, "");
        pdu.v2c("action=monitor").is(0, "");
        pdu.v2c("action=list").is(0, "1,\n2,");
        pdu.v2c("action=list-status").is(0, "1,,ON\n2,,OFF");
        pdu.v2c("plug=2\naction=on").is(0, "Success: Powered ON");
        pdu.v2c("plug=1,2\naction=reboot").is(0, "Success: Rebooted");
        assert_eq!(pdu.orders(), ["2 0", "2 1", "1 0", "2 0", "1 1", "2 1"], "{name}");
        assert_eq!(pdu.power(), [true, true], "{name}");
    }
}

#[test]
fn every_version_and_level_of_protection_is_spoken() {
    let Some(pdu) = Pdu::start("versions", &RPDU) else { return };
    let v3 = |user: &str, proof: &str| {
        format!("snmp_version=3\nusername={user}\npassword=authpass12\nsnmp_auth_prot={proof}\n")
    };
    let hides = "snmp_priv_prot=AES\nsnmp_priv_passwd=privpass12\n";
    for access in [
        "snmp_version=1\ncommunity=private\n".to_owned(),
        format!("{}{hides}", v3("fence", "SHA")),
        format!("{}{hides}", v3("fence256", "SHA-256")),
        format!("{}{hides}", v3("fence512", "SHA-512")),
        v3("fenceauth", "MD5"),
    ] {
        pdu.agent(&format!("{access}plug=1\naction=off")).is(0, "Success: Powered OFF");
        assert_eq!(pdu.power(), [false, true]);
        pdu.agent(&format!("{access}plug=1\naction=on")).is(0, "Success: Powered ON");
    }
    let orders = pdu.orders().len();
    for (access, reason) in [
        (v3("fence", "SHA").replace("authpass12", "wrongpass12"), "knows the password"),
        (format!("{}{}", v3("fence", "SHA"), hides.replace("privpass12", "wrongpass12")), ""),
        (v3("nobody", "SHA"), "does not know this user"),
        (v3("fence", "SHA"), "not allowed"),
        ("snmp_version=2c\ncommunity=public\n".to_owned(), "not allowed while giving"),
        ("snmp_version=1\ncommunity=public\n".to_owned(), "not allowed while giving"),
        ("snmp_version=2c\ncommunity=wrong\n".to_owned(), "no answer"),
    ] {
        let patience = "login_timeout=0.5\nshell_timeout=0.5\npower_timeout=0.5\n";
        let refused = pdu.agent(&format!("{access}{patience}plug=1\naction=off"));
        refused.is(1, "");
        assert!(refused.err.contains(reason), "{access}: {refused:?}");
        assert!(!refused.err.contains("pass12"), "{refused:?}");
    }
    assert_eq!((pdu.orders().len(), pdu.power()), (orders, [true, true]));
}

#[test]
fn an_outlet_that_does_not_obey_or_is_between_is_never_off() {
    let Some(pdu) = Pdu::start("stuck", &EATON) else { return };
    let patience = "login_timeout=0.5\nshell_timeout=0.5\npower_timeout=0.5\n";
    pdu.mark("stuck");
    let stuck = pdu.v2c(&format!("{patience}plug=1\naction=off"));
    stuck.is(1, "");
    assert!(stuck.err.contains("still reads On"), "{stuck:?}");
    pdu.mark("between");
    for action in ["off", "status", "monitor"] {
        let between = pdu.v2c(&format!("{patience}plug=1\naction={action}"));
        between.is(1, "");
        assert!(between.err.contains("neither on nor off"), "{between:?}");
    }
    let missing = pdu.v2c("plug=7\naction=off");
    missing.is(1, "");
    assert!(missing.err.contains("no such outlet"), "{missing:?}");
}
