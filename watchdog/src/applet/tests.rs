//! The tool on regular files, and against the real sbd on loop devices.

use super::{Refusal, Streams, USAGE, parse, run};
use crate::sbd::name::Name;
use std::fs::File;
use std::path::{Path, PathBuf};
use std::process::Command as Process;

fn words(line: &str) -> Vec<String> {
    line.split_whitespace().map(str::to_owned).collect()
}

fn image(name: &str, bytes: u64) -> PathBuf {
    let path = std::env::temp_dir().join(format!("diarch-sbd-{}-{name}.img", std::process::id()));
    File::create(&path).unwrap().set_len(bytes).unwrap();
    path
}

/// Output, then errors, then the exit code, as one text.
fn ours(line: &str, file_sector_size: Option<u32>) -> String {
    let (mut out, mut err) = (Vec::new(), Vec::new());
    let mut streams = Streams { out: &mut out, err: &mut err, file_sector_size };
    let code = run(&words(line), &mut streams);
    transcript(&out, &err, code.into())
}

fn theirs(line: &str) -> String {
    let output = Process::new("/usr/sbin/sbd").args(words(line)).output().unwrap();
    transcript(&output.stdout, &output.stderr, output.status.code().unwrap())
}

/// Without what differs from run to run: the UUID and the number of a descriptor.
fn transcript(out: &[u8], err: &[u8], code: i32) -> String {
    let text = format!("{}{}", String::from_utf8_lossy(out), String::from_utf8_lossy(err));
    let lines = text.lines().map(|line| match line.split_once(" device ") {
        Some((head, tail)) if head.starts_with("Creating") || head.ends_with("slots on") => {
            let digits = tail.chars().take_while(char::is_ascii_digit).count();
            let uuid = if tail.contains("(uuid: ") { " (uuid)" } else { "" };
            format!("{head} device {}{uuid}", if digits > 0 { "N" } else { "?" })
        }
        _ if line.starts_with("UUID") => "UUID".to_owned(),
        _ => line.to_owned(),
    });
    lines.map(|line| line + "\n").collect::<String>() + &format!("rc={code}\n")
}

#[test]
fn a_session_on_one_disk_prints_what_sbd_prints() {
    let path = image("session", 511 * 512);
    let disk = path.display();
    let mut text = String::new();
    for line in [
        "-1 5 -2 0 -3 1 -4 0 create",
        "allocate node-a",
        "allocate node-b",
        "allocate NODE-A",
        "-n node-b message Node-A reset",
        "-n node-b message LOCAL exit",
        "list",
        "message nosuch off",
        "message node-a bogus",
        "dump",
    ] {
        text += &format!("$ sbd {line}\n{}", ours(&format!("-d {disk} {line}"), Some(512)));
    }
    std::fs::remove_file(&path).unwrap();
    let expected = "\
$ sbd -1 5 -2 0 -3 1 -4 0 create
Initializing device DISK
Creating version 2.1 header on device N (uuid)
Initializing 255 slots on device N
Device DISK is initialized.
Did you check sbd service down on all nodes before? If not do so now and restart afterwards.
rc=0
$ sbd allocate node-a
Trying to allocate slot for node-a on device DISK.
slot 0 is unused - trying to own
Slot for node-a has been allocated on DISK.
rc=0
$ sbd allocate node-b
Trying to allocate slot for node-b on device DISK.
slot 1 is unused - trying to own
Slot for node-b has been allocated on DISK.
rc=0
$ sbd allocate NODE-A
Trying to allocate slot for NODE-A on device DISK.
Slot for NODE-A has been allocated on DISK.
rc=0
$ sbd -n node-b message Node-A reset
rc=0
$ sbd -n node-b message LOCAL exit
rc=0
$ sbd list
0\tnode-a\treset\tnode-b
1\tnode-b\texit\tnode-b
rc=0
$ sbd message nosuch off
sbd failed; please check the logs.
rc=1
$ sbd message node-a bogus
sbd failed; please check the logs.
rc=1
$ sbd dump
==Dumping header on disk DISK
Header version     : 2.1
UUID
Number of slots    : 255
Sector size        : 512
Timeout (watchdog) : 5
Timeout (allocate) : 0
Timeout (loop)     : 1
Timeout (msgwait)  : 0
==Header on disk DISK is dumped
rc=0
";
    assert_eq!(text.replace(&disk.to_string(), "DISK"), expected);
}

#[test]
fn two_disks_of_which_one_is_lost_cannot_fence_and_three_can() {
    let disks: Vec<PathBuf> =
        (0..3).map(|number| image(&format!("quorum-{number}"), 511 * 512)).collect();
    let one = |index: usize| format!("-d {} ", disks[index].display());
    for index in 0..3 {
        let create = format!("{}-2 0 -4 0 create", one(index));
        assert!(ours(&create, Some(512)).ends_with("rc=0\n"));
        let allocate = format!("{}allocate node-a", one(index));
        assert!(ours(&allocate, Some(512)).ends_with("rc=0\n"));
    }
    let (two, three) = (one(0) + &one(1), one(0) + &one(1) + &one(2));
    let reset = |disks: &str| ours(&format!("{disks}-n b message node-a reset"), Some(512));
    assert_eq!(reset(&two), "rc=0\n");
    std::fs::remove_file(&disks[1]).unwrap();
    assert_eq!(reset(&two), "sbd failed; please check the logs.\nrc=1\n");
    assert_eq!(reset(&three), "rc=0\n");
    std::fs::remove_file(&disks[0]).unwrap();
    std::fs::remove_file(&disks[2]).unwrap();
}

#[test]
fn query_watchdog_counts_what_sysfs_lists() {
    let listed = std::fs::read_dir("/sys/class/watchdog").map_or(0, Iterator::count);
    let single = usize::from(listed == 0 && Path::new("/dev/watchdog").exists());
    let head = format!("\nDiscovered {} watchdog devices:\n", listed + single);
    assert!(ours("query-watchdog", None).starts_with(&head));
}

#[test]
fn options_stand_on_both_sides_of_the_command() {
    let options = parse(&words("dump -d /dev/a -1 20 -d/dev/b -d /dev/a -n Node-A"), None).unwrap();
    assert_eq!(options.devices, ["/dev/a", "/dev/b"]);
    assert_eq!((options.words, options.timeouts.watchdog_s), (words("dump"), 20));
    assert_eq!(options.own_name, Some(Name::new("Node-A").unwrap()));
    let options = parse(&words("list"), Some("/dev/a;/dev/b;")).unwrap();
    assert_eq!(options.devices, ["/dev/a", "/dev/b"]);
}

#[test]
fn a_command_line_that_sbd_refuses_is_refused() {
    let usage = |line, reason: &str| {
        assert_eq!(parse(&words(line), None), Err(Refusal::Usage(format!("{reason}\n"))));
    };
    usage("", "Not enough arguments.");
    usage("-q list", "sbd: invalid option -- 'q'");
    usage("-1 x create", "Invalid value \"x\" for option -1");
    usage("list -d", "sbd: option requires an argument -- 'd'");
    let long = format!("-n {} list", "n".repeat(64));
    assert!(matches!(parse(&words(&long), None), Err(Refusal::Failed(_))));
    assert_eq!(parse(&words("-h"), None), Err(Refusal::Help));
    assert_eq!(ours("bogus", None), format!("{USAGE}rc=1\n"));
}

/// A loop device that ends with the test.
struct Loop {
    device: String,
    image: PathBuf,
}

impl Loop {
    fn new(name: &str, sector_size: u32) -> Option<Self> {
        let image = image(name, 512 * u64::from(sector_size));
        let output = Process::new("losetup")
            .args(["--find", "--show", "--sector-size", &sector_size.to_string()])
            .arg(&image)
            .output();
        match output {
            Ok(output) if output.status.success() => {
                let device = String::from_utf8(output.stdout).unwrap().trim().to_owned();
                Some(Self { device, image })
            }
            Ok(_) | Err(_) => {
                std::fs::remove_file(&image).unwrap();
                None
            }
        }
    }
}

impl Drop for Loop {
    fn drop(&mut self) {
        let detached = Process::new("losetup").arg("--detach").arg(&self.device).status();
        assert!(detached.is_ok_and(|status| status.success()), "{} stays", self.device);
        std::fs::remove_file(&self.image).unwrap();
    }
}

#[expect(clippy::print_stdout, reason = "a skipped test says so")]
fn skip(reason: &str) {
    println!("skipped: {reason}");
}

#[test]
fn the_real_sbd_reads_our_disks_and_we_read_its() {
    if !Path::new("/usr/sbin/sbd").exists() {
        return skip("no /usr/sbin/sbd");
    }
    for size in [512, 4096] {
        let Some(disk) = Loop::new(&format!("real-{size}"), size) else {
            return skip("no loop devices here");
        };
        let device = &disk.device;
        let either: [fn(&str) -> String; 2] = [|line| ours(line, None), theirs];
        for writer in either {
            for line in [
                "-2 0 -4 0 create",
                "allocate node-a",
                "allocate Node-B",
                "-n node-b message NODE-A test",
                "-n node-b message node-b crashdump",
            ] {
                let written = writer(&format!("-d {device} {line}"));
                assert!(written.ends_with("rc=0\n"), "{line}: {written}");
            }
            for line in ["list", "dump"] {
                let line = format!("-d {device} {line}");
                assert_eq!(ours(&line, None), theirs(&line));
            }
        }
        let session = |tool: fn(&str) -> String| {
            let mut text = String::new();
            for line in [
                "-d D -2 0 -4 0 create",
                "-d D allocate x",
                "-d D allocate X",
                "-d D message x off",
                "-d D message y off",
                "-d D list",
                "-d D message x",
                "-d /dev/nowhere -d D dump",
                "-d D -d /dev/nowhere message x test",
                "-d D -d /dev/nowhere allocate y",
                "-d /dev/nowhere list",
                "list",
                "create",
                "message x test",
            ] {
                text += &format!("$ sbd {line}\n{}", tool(&line.replace('D', device)));
            }
            text
        };
        assert_eq!(session(|line| ours(line, None)), session(theirs));
    }
}
