//! Settings that are taken, and the sentences with which others are refused.

use super::*;

const GOOD: &str = r#"
[cluster]
name = "pair"
failover_budget = "3s"

[[node]]
name = "node-a"
[[node]]
name = "node-b"

[[link]]
interface = "eth1"
[[link]]
interface = { node-a = "eth2", node-b = "eth3" }
[[link]]
udp = { node-a = "192.0.2.1:5405", node-b = "198.51.100.2:5405" }

[[disk]]
path = "/nowhere/sbd"

[watchdog]
device = "/dev/watchdog0"
"#;

/// A folder with a sound key.
fn folder(test: &str) -> PathBuf {
    let folder = std::env::temp_dir().join(format!("diarch-config-{test}-{}", std::process::id()));
    std::fs::create_dir_all(&folder).unwrap();
    let key = folder.join(key::NAME);
    if !key.exists() {
        write_key(&key).unwrap();
    }
    folder
}

#[track_caller]
fn check_refused(test: &str, from: &str, to: &str, sentence: &str) {
    let folder = folder(test);
    let text = GOOD.replace(from, to);
    let error = parse(&folder.join("diarch.toml"), &text, "node-b").unwrap_err().to_string();
    std::fs::remove_dir_all(&folder).unwrap();
    assert!(error.contains("/diarch.toml: "), "{error}");
    assert!(error.contains(sentence), "{error}");
}

#[test]
fn sound_settings_say_who_this_node_is_and_what_it_uses() {
    let folder = folder("good");
    let settings = parse(&folder.join("diarch.toml"), GOOD, "node-b.example.org").unwrap();
    assert_eq!(settings.pair.local, NodeIndex::Second);
    let links = ["eth1", "eth3", "udp:192.0.2.1:5405"];
    assert_eq!(settings.links.iter().map(ToString::to_string).collect::<Vec<_>>(), links);
    assert_eq!(settings.pair.links, 3);
    assert_eq!(settings.pair.timing.watchdog, Duration::from_secs(2));
    assert_eq!(settings.watchdog, WatchdogSettings::Device("/dev/watchdog0".into()));
    assert_eq!(settings.pair.sector_bytes.as_slice(), [512]);
    std::fs::remove_dir_all(&folder).unwrap();
}

#[test]
fn what_is_wrong_is_named_with_its_place_and_the_fix() {
    check_refused("syntax", "[cluster]", "[cluster", "line 2: ");
    check_refused("unknown", "name = \"pair\"", "nam = \"pair\"", "line 3: unknown field `nam`");
    check_refused("host", "\"node-b\"", "\"node-c\"", "this machine is called 'node-b'");
    check_refused("twin", "\"node-b\"", "\"node-a\"", "both are called 'node-a'");
    check_refused("budget", "\"3s\"", "\"1s\"", "raise it to at least");
    check_refused("unit", "\"3s\"", "\"3\"", "[cluster] failover_budget: '3' is no span of time");
    check_refused("link", "\"eth1\"", "\"eth3\"", "[[link]] 2, interface: 'eth3' is named twice");
    check_refused("side", "node-b = \"eth3\"", "x = \"e\"", "nothing is said for node-b");
    check_refused("disk", "/nowhere", "nowhere", "[[disk]] 1, path: 'nowhere/sbd' is no absolute");
    check_refused("dog", "/dev/watchdog0", "watchdog0", "[watchdog] device: 'watchdog0' is no dev");
}

#[test]
fn a_routed_link_has_two_numeric_addresses_that_lead_somewhere() {
    check_refused("dns", "192.0.2.1:", "node-a.example:", "names are never looked up");
    check_refused("port", "192.0.2.1:5405", "192.0.2.1", "is no address with a port");
    check_refused("top", "198.51.100.2:5405", "198.51.100.2:65535", "'65535' is no port to use");
    check_refused("own", "192.0.2.1", "127.0.0.1", "'127.0.0.1' leads to no single other machine");
    check_refused("any", "192.0.2.1", "0.0.0.0", "'0.0.0.0' leads to no single other machine");
    check_refused("v6", "192.0.2.1", "[2001:db8::1]", "use IPv4 for both or IPv6 for both");
    check_refused(
        "same",
        "198.51.100.2",
        "192.0.2.1",
        "[[link]] 3, udp: both ends are '192.0.2.1'",
    );
    check_refused("both", "udp = {", "interface = \"eth9\"\nudp = {", "what it is is not clear");
    let next = "[[link]]\nudp = { node-a = \"192.0.2.9:1\", node-b = \"198.51.100.2:5406\" }\n";
    let text = format!("{next}[[disk]]");
    check_refused("next", "[[disk]]", &text, "[[link]] 4, udp: '198.51.100.2:5406' is too near");
}

#[test]
fn a_serial_line_is_fast_enough_and_never_alone() {
    let line = "[[link]]\nserial = \"/dev/ttyS1\"\n";
    let slow = format!("{line}baud = 38400\n[[disk]]");
    check_refused("slow", "[[disk]]", &slow, "ms, and has 25ms; raise the speed");
    let odd = format!("{line}baud = 9000000\n[[disk]]");
    check_refused("odd", "[[disk]]", &odd, "[[link]] 4, baud: no line has a speed of 9000000");
    let twice = format!("{line}[[disk]]");
    let text = GOOD.replace("interface = \"eth1\"", "serial = \"/dev/ttyS1\"");
    let links = ["eth2", "udp:198.51.100.2:5405"];
    let folder = folder("serial");
    let settings = parse(&folder.join("diarch.toml"), &text, "node-a").unwrap();
    assert_eq!(settings.pair.heartbeats_only, 0b001);
    assert!(settings.links[0].is_heartbeats_only());
    assert_eq!(settings.links[1..].iter().map(ToString::to_string).collect::<Vec<_>>(), links);
    let error = parse(&folder.join("diarch.toml"), &text.replace("[[disk]]", &twice), "node-a");
    assert!(error.unwrap_err().to_string().contains("'/dev/ttyS1' is named twice"));
    let (from, to) = (text.find("[[link]]").unwrap(), text.find("[[disk]]").unwrap());
    let alone = format!("{}{line}{}", &text[..from], &text[to..]);
    let error = parse(&folder.join("diarch.toml"), &alone, "node-a").unwrap_err().to_string();
    assert!(error.contains("a serial line is too narrow"), "{error}");
    std::fs::remove_dir_all(&folder).unwrap();
}

#[test]
fn a_key_that_others_can_read_is_refused() {
    use std::os::unix::fs::PermissionsExt as _;
    let folder = folder("key");
    let key = folder.join(key::NAME);
    std::fs::set_permissions(&key, std::fs::Permissions::from_mode(0o644)).unwrap();
    let error = parse(&folder.join("diarch.toml"), GOOD, "node-a").unwrap_err().to_string();
    assert!(error.contains("open to others (mode 644)") && error.contains("chmod 600"), "{error}");
    std::fs::remove_file(&key).unwrap();
    std::fs::write(&key, "0123\n").unwrap();
    std::fs::set_permissions(&key, std::fs::Permissions::from_mode(0o600)).unwrap();
    let error = parse(&folder.join("diarch.toml"), GOOD, "node-a").unwrap_err().to_string();
    assert!(error.contains("64 hexadecimal digits"), "{error}");
    let (old, new) = ("11".repeat(32), "22".repeat(32));
    std::fs::write(&key, format!("{old}\n{new}\n")).unwrap();
    let pair = parse(&folder.join("diarch.toml"), GOOD, "node-a").unwrap().pair;
    assert_eq!((pair.key, pair.next_key), (Key([0x11; 32]), Some(Key([0x22; 32]))));
    for unsound in [format!("{old}\n{old}\n"), format!("{old}\n{new}\n{old}\n"), "\n".into()] {
        std::fs::write(&key, unsound).unwrap();
        assert!(parse(&folder.join("diarch.toml"), GOOD, "node-a").is_err());
    }
    std::fs::remove_dir_all(&folder).unwrap();
}
