//! Options, metadata and addresses of fence agents.

use super::agents::{AGENTS, Agent};
use super::device::{self, Device};
use super::metadata;
use super::options::{OF_IPMI, OF_SNMP};
use super::parameters::Parameters;
use core::time::Duration;
use diarch_cluster::fencing::device::{Device as Configured, Parameters as Secrets};

use diarch_cluster::fencing::survey::{Check, Question};
use diarch_cluster::fencing::{Failure, Power, PowerAction, PowerJob};

fn words(line: &str) -> Vec<String> {
    line.split_whitespace().map(str::to_owned).collect()
}

fn ipmilan() -> Agent {
    *AGENTS.iter().find(|agent| agent.name == "fence_ipmilan").unwrap()
}

fn lines(text: &str) -> Parameters {
    Parameters::of_lines(OF_IPMI, text).0
}

#[test]
fn every_spelling_of_an_option_is_the_same_option() {
    for line in [
        "--ip=10.0.0.1 --username=admin --lanplus --action=off",
        "--ip 10.0.0.1 --username admin --lanplus --action off",
        "-a 10.0.0.1 -l admin -P -o off",
        "-a10.0.0.1 -ladmin -Po off",
        "--ip=10.0.0.1 --user admin --lanp -ooff",
    ] {
        let parameters = Parameters::of_words(OF_IPMI, &words(line)).unwrap();
        assert_eq!(parameters.given("ip"), Some("10.0.0.1"), "{line}");
        assert_eq!(parameters.given("username"), Some("admin"), "{line}");
        assert_eq!(parameters.given("action"), Some("off"), "{line}");
        assert!(parameters.is_set("lanplus"), "{line}");
    }
}

#[test]
fn what_no_option_is_called_is_refused_on_the_command_line_without_its_value() {
    for line in ["--secret=x", "-z", "x", "-a", "--pow 5"] {
        let wrong = Parameters::of_words(OF_IPMI, &words(line)).unwrap_err();
        assert!(!wrong.contains('x'), "{line}: {wrong}");
    }
}

#[test]
fn standard_input_knows_old_names_and_what_pacemaker_adds() {
    let text = "# a comment\n\naction=off\nipaddr=10.0.0.1\nlogin = admin\npasswd=a=b\nport=node2\n\
                nodename=node2\npcmk_host_list=node2\nlanplus=0\nnonsense=1\n";
    let (parameters, unknown) = Parameters::of_lines(OF_IPMI, text);
    assert_eq!(unknown, ["nonsense"]);
    assert_eq!(parameters.given("ip"), Some("10.0.0.1"));
    assert_eq!(parameters.given("username"), Some("admin"));
    assert_eq!(parameters.given("password"), Some("a=b"));
    assert_eq!(parameters.given("plug"), Some("node2"));
    assert!(!parameters.is_set("lanplus"));
}

#[test]
fn printing_parameters_prints_no_secret() {
    let printed = format!("{:?}", lines("password=hunter2\nip=10.0.0.1"));
    assert!(printed.contains("password") && !printed.contains("hunter2"), "{printed}");
}

#[test]
fn defaults_are_those_of_the_metadata() {
    let none = Parameters::default();
    assert_eq!(none.text(OF_IPMI, "action"), Some("reboot"));
    assert_eq!(none.number(OF_IPMI, "ipport"), Ok(623));
    assert_eq!(none.seconds(OF_IPMI, "power_timeout"), Ok(Duration::from_secs(20)));
    assert!(lines("power_timeout=soon").seconds(OF_IPMI, "power_timeout").is_err());
}

#[test]
fn the_metadata_is_a_document_that_names_every_option_and_its_old_name() {
    for agent in AGENTS {
        let text = metadata::xml(*agent);
        let document = diarch_cib::xml::Document::parse(&text);
        assert!(document.is_ok(), "{}: {document:?}", agent.name);
        for option in agent.options().all() {
            for name in [Some(option.name), option.old].into_iter().flatten() {
                assert!(text.contains(&format!("<parameter name=\"{name}\" ")), "{name}");
            }
        }
    }
}

/// *Pacemaker Explained* 6.4, "Special Meta-Attributes for Fencing Resources".
#[test]
fn ex_6_1_the_metadata_shows_other_names_and_what_is_required() {
    let shown = |name: &str| {
        let agent = *AGENTS.iter().find(|agent| agent.name == name).unwrap();
        let document = diarch_cib::xml::Document::parse(&metadata::xml(agent)).unwrap();
        let names = |kind: &str, required: Option<&str>| {
            let mut at = vec![document.root()];
            at.extend(document.root().child("parameters"));
            at.iter()
                .flat_map(|inside| inside.children_named(kind))
                .filter(|element| element.attribute("required") == required)
                .map(|element| element.attribute("name").unwrap().to_owned())
                .collect::<Vec<_>>()
        };
        (names("symlink", None), names("parameter", Some("1")))
    };
    let (symlinks, required) = shown("fence_ipmilan");
    let others =
        ["ipmilanplus", "idrac", "ilo3", "ilo4", "ilo5", "imm"].map(|name| format!("fence_{name}"));
    assert_eq!(symlinks, others);
    assert_eq!(required, ["action"], "port_as_ip has the address in plug");
    let (symlinks, required) = shown("fence_apc_snmp");
    assert_eq!(symlinks, ["fence_tripplite_snmp"]);
    assert_eq!(required, ["action", "ip", "ipaddr", "plug", "port"]);
    assert_eq!(shown("fence_ilo4").0, [] as [&str; 0]);
}

#[test]
fn a_device_that_cannot_be_asked_is_refused_with_the_reason() {
    for (text, wrong) in [
        ("username=a", "ip is missing"),
        ("ip=no-such-name.invalid", "neither an address nor a name"),
        ("ip=10.0.0.1\ncipher=0", "authenticates nobody"),
        ("ip=10.0.0.1\ncipher=4", "3 or 17"),
        ("ip=10.0.0.1\npassword=123456789012345678901", "password is longer"),
        ("ip=10.0.0.1\nusername=12345678901234567", "username is longer"),
        ("ip=10.0.0.1\nhexadecimal_kg=abc", "hexadecimal_kg"),
        ("ip=10.0.0.1\nhexadecimal_kg=zz", "hexadecimal_kg"),
        ("ip=10.0.0.1\nprivlvl=callback", "privlvl"),
        ("ip=10.0.0.1\ntarget=0x82", "target"),
        ("ip=10.0.0.1\nipport=70000", "ipport"),
        ("ip=10.0.0.1\npassword_script=false", "the command failed"),
    ] {
        let refused = Device::new(ipmilan(), &lines(text)).unwrap_err();
        assert!(refused.contains(wrong), "{text}: {refused}");
    }
}

#[test]
fn outlets_that_cannot_be_asked_are_refused_with_the_reason() {
    let agent = *AGENTS.iter().find(|agent| agent.name == "fence_apc_snmp").unwrap();
    let v3 = "ip=10.0.0.1\nplug=1\nsnmp_version=3\nusername=u\n";
    for (text, wrong) in [
        ("ip=10.0.0.1".to_owned(), "plug is missing"),
        ("ip=10.0.0.1\nplug=node2".to_owned(), "in numbers"),
        ("ip=10.0.0.1\nplug=1,2,3,4,5,6,7,8,9".to_owned(), "more outlets"),
        ("ip=10.0.0.1\nplug=1\nsnmp_version=4".to_owned(), "1, 2c or 3"),
        ("ip=10.0.0.1\nplug=1\nmodel=x".to_owned(), "apc-rpdu2"),
        ("ip=10.0.0.1\nplug=1\nsnmp_version=3".to_owned(), "username is missing"),
        (format!("{v3}password=12345678"), "snmp_auth_prot is missing"),
        (format!("{v3}snmp_priv_passwd=12345678"), "password is missing"),
        (format!("{v3}snmp_sec_level=authPriv\npassword=1\nsnmp_auth_prot=SHA"), "priv_passwd is"),
        (
            format!("{v3}password=1\nsnmp_auth_prot=SHA\nsnmp_priv_passwd=2\nsnmp_priv_prot=DES"),
            "use AES",
        ),
    ] {
        let parameters = Parameters::of_lines(OF_SNMP, &text).0;
        let refused = Device::new(agent, &parameters).unwrap_err();
        assert!(refused.contains(wrong), "{text}: {refused}");
    }
    let fine = "ip=10.0.0.1\nplug=1;2.3\nplug_separator=;\nmodel=eaton-g2";
    assert!(Device::new(agent, &Parameters::of_lines(OF_SNMP, fine).0).is_ok());
}

#[test]
fn a_device_is_found_by_address_and_by_plug_where_that_is_the_address() {
    for (text, address) in [
        ("ip=10.0.0.1", "10.0.0.1:623"),
        ("ip=fe80::1\nipport=1623", "[fe80::1]:1623"),
        ("ip=[fe80::1]", "[fe80::1]:623"),
        ("plug=10.0.0.2\nport_as_ip=1", "10.0.0.2:623"),
    ] {
        let device = Device::new(ipmilan(), &lines(text)).unwrap();
        assert_eq!(device.address().to_string(), address);
    }
}

#[test]
fn names_of_the_hosts_file_are_addresses() {
    let hosts =
        "127.0.0.1 localhost\n# 10.0.0.9 bmc-a\n10.0.0.7\tbmc-a bmc-a.rack # the left one\n";
    assert_eq!(device::of_hosts(hosts, "BMC-A.rack"), "10.0.0.7".parse().ok());
    assert_eq!(device::of_hosts(hosts, "left"), None);
}

const MINUTE: Duration = Duration::from_secs(60);

fn configured(agent: &str, pairs: &[(&str, &str)]) -> Configured {
    let pairs = pairs.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned()));
    let parameters = Secrets(pairs.collect());
    let (id, agent) = ("device".to_owned(), agent.to_owned());
    Configured { id, agent, parameters, settings: Box::default() }
}

#[test]
fn what_a_manager_cannot_ask_says_why_and_never_that_the_power_is_off() {
    for (device, wrong) in [
        (configured("fence_unheard_of", &[]), "NotInstalled"),
        (configured("fence_ipmilan", &[("login", "admin")]), "ip is missing"),
        (
            configured("fence_ipmilan", &[("ip", "127.0.0.1"), ("passwd_script", "/bin/cat")]),
            "password_script is not run here",
        ),
    ] {
        for action in [PowerAction::Status, PowerAction::Off, PowerAction::On] {
            let refused = smol::block_on(super::ask(&device, action, MINUTE)).unwrap_err();
            assert!(refused.reason.contains(wrong) && !refused.late, "{refused:?}");
        }
    }
}

#[test]
fn a_device_that_says_nothing_at_all_is_given_up_long_before_it_could_have_obeyed() {
    let silent = std::net::UdpSocket::bind("127.0.0.1:0").unwrap();
    let port = silent.local_addr().unwrap().port().to_string();
    for agent in ["fence_ipmilan", "fence_apc_snmp"] {
        let device = configured(
            agent,
            &[
                ("ip", "127.0.0.1"),
                ("ipport", &port),
                ("port", "1"),
                ("login_timeout", "0.1"),
                ("shell_timeout", "0.1"),
                ("power_timeout", "600"),
            ],
        );
        let failed = smol::block_on(super::ask(&device, PowerAction::Off, MINUTE)).unwrap_err();
        assert!(failed.reason.contains("no answer") && failed.late, "{failed:?}");
    }
}

#[test]
fn a_device_has_no_longer_than_the_cluster_gives_it() {
    let silent = std::net::UdpSocket::bind("127.0.0.1:0").unwrap();
    let port = silent.local_addr().unwrap().port().to_string();
    let device = configured("fence_ipmilan", &[("ip", "127.0.0.1"), ("ipport", &port)]);
    let within = Duration::from_millis(200);
    let failed = smol::block_on(super::ask(&device, PowerAction::Off, within)).unwrap_err();
    assert!(failed.late, "{failed:?}");
}

/// An agent of this test, removed at its end.
struct Script(std::path::PathBuf);

impl Drop for Script {
    fn drop(&mut self) {
        std::fs::remove_file(&self.0).ok();
    }
}

/// An agent whose actions end as this case of a shell says, and its name.
#[expect(clippy::print_stdout, reason = "a skipped test says so")]
fn script(name: &str, cases: &str) -> Option<(Script, String)> {
    use std::os::unix::fs::PermissionsExt as _;
    let agent = format!("fence_diarch_{name}_{}", std::process::id());
    let script = Script(std::path::Path::new("/usr/sbin").join(&agent));
    let text = format!("#!/bin/sh\nwhile read -r l; do case $l in {cases} esac; done\nexit 1\n");
    let usable = std::fs::create_dir_all(crate::process::WORKING_FOLDER).is_ok();
    if !usable || std::fs::write(&script.0, text).is_err() {
        println!("skipped: /usr/sbin cannot be written");
        return None;
    }
    std::fs::set_permissions(&script.0, std::fs::Permissions::from_mode(0o755)).unwrap();
    Some((script, agent))
}

/// What comes of `action` by such an agent.
fn by_agent(name: &str, cases: &str, action: PowerAction) -> Option<Result<Power, Failure>> {
    let (_script, agent) = script(name, cases)?;
    Some(smol::block_on(super::ask(&configured(&agent, &[("ip", "10.0.0.1")]), action, MINUTE)))
}

/// Whether such an agent fences the node with this plug.
fn found(name: &str, cases: &str, by: Check, plug: &str) -> Option<Result<bool, Failure>> {
    let (_script, agent) = script(name, cases)?;
    let (job, device, plug) = (PowerJob(1), configured(&agent, &[]), plug.to_owned());
    Some(smol::block_on(super::find(&Question { job, device, plug, by, within: MINUTE })))
}

#[test]
fn an_installed_agent_says_whom_it_fences_in_the_way_that_it_can() {
    let metadata = |actions: &str| {
        let names = actions.split_whitespace().map(|a| format!("<action name=\"{a}\"/>"));
        let xml = format!(
            "<resource-agent><actions>{}</actions></resource-agent>",
            names.collect::<String>()
        );
        format!("action=metadata) echo '{xml}'; exit 0;;")
    };
    let list = "action=list) echo 7,left; echo 8,right; exit 0;; action=status) exit 1;;";
    let lists = format!("{} {list}", metadata("off list status"));
    let Some(left) = found("lists", &lists, Check::Able, "left") else { return };
    assert_eq!(left, Ok(true));
    assert_eq!(found("lists", &lists, Check::Able, "8"), Some(Ok(true)));
    assert_eq!(found("lists", &lists, Check::Able, "righ"), Some(Ok(false)));
    assert!(found("lists", &lists, Check::Status, "left").unwrap().is_err());
    let knows = format!("{} action=status) exit 2;;", metadata("off status"));
    assert_eq!(found("knows", &knows, Check::Able, "b"), Some(Ok(true)));
    assert!(found("knows", &knows, Check::List, "b").unwrap().is_err(), "it has no list");
    let mute = format!("{} action=status) exit 1;;", metadata("off"));
    assert_eq!(found("mute", &mute, Check::Able, "b"), Some(Ok(true)));
    assert!(found("broken", "action=x) exit 0;;", Check::Able, "b").unwrap().is_err());
}

#[test]
fn an_installed_agent_that_lets_nodes_in_does_so_only_where_that_is_configured() {
    let on = |automatic: u8| {
        let xml = format!("<r><action name=\"on\" automatic=\"{automatic}\"/></r>");
        format!("action=metadata) echo '{xml}'; exit 0;; action=on) exit 0;;")
    };
    let Some(power) = by_agent("power", &on(0), PowerAction::On) else { return };
    assert_eq!(power, Ok(Power::On));
    let fabric = by_agent("fabric", &on(1), PowerAction::On).unwrap().unwrap_err();
    assert!(fabric.reason.contains("provides=unfencing"), "{fabric:?}");
    let (_script, agent) = script("unfences", &on(1)).unwrap();
    let mut device = configured(&agent, &[]);
    device.settings.unfences = true;
    assert_eq!(smol::block_on(super::ask(&device, PowerAction::On, MINUTE)), Ok(Power::On));
}

#[test]
fn a_bmc_is_never_believed_to_be_that_of_a_node_because_it_answers() {
    for by in [Check::Able, Check::List] {
        let device = configured("fence_ipmilan", &[("ip", "127.0.0.1")]);
        let question =
            Question { job: PowerJob(1), device, plug: "b".to_owned(), by, within: MINUTE };
        let refused = smol::block_on(super::find(&question)).unwrap_err();
        assert!(refused.reason.contains("set pcmk_host_list"), "{refused:?}");
    }
}

#[test]
fn an_installed_agent_is_believed_off_only_after_an_order_that_it_carried_out() {
    let obeys = "action=off) exit 0;; action=status) exit 2;;";
    let Some(off) = by_agent("obeys", obeys, PowerAction::Off) else { return };
    assert_eq!(off, Ok(Power::Off));
    let confused = "action=*) exit 2;;";
    for action in [PowerAction::Status, PowerAction::Off, PowerAction::On] {
        let said = by_agent("confused", confused, action).unwrap();
        assert!(said.is_err(), "{action:?}: {said:?}");
    }
    let unsure = "action=off) exit 0;; action=status) exit 1;;";
    assert!(by_agent("unsure", unsure, PowerAction::Off).unwrap().is_err());
}
