//! The codec against disks made by the real sbd, and the watcher's rounds.

use super::{
    Answer, DiskFault, Fault, Record, SBD_SECTORS, SLOTS,
    allocate::{self, Allocated, Allocation},
    deliver::{self, Delivery, Tally},
    header::{Header, HeaderFault, HeaderView, Timeouts},
    mailbox::Mailbox,
    mailbox_sector,
    message::Command,
    name::{Name, NameFault},
    poll::{self, Order, Output, WatchFault, Watcher},
    slot::Slot,
    slot_sector,
};
use crate::time::Instant;
use std::path::{Path, PathBuf};
use std::process::Command as Process;

fn fixtures() -> Option<PathBuf> {
    let folder = std::env::var_os("DIARCH_HW_FIXTURES").map_or_else(
        || Path::new(env!("CARGO_MANIFEST_DIR")).join("../../shared/hw/fixtures"),
        PathBuf::from,
    );
    if folder.is_dir() {
        return Some(folder);
    }
    skip("no fixtures");
    None
}

#[expect(clippy::print_stdout, reason = "a skipped test says so")]
fn skip(reason: &str) {
    println!("skipped: {reason}");
}

fn image(folder: &Path, name: &str) -> Vec<u8> {
    let file = folder.join(format!("{name}.img.xz"));
    let output = Process::new("xz").arg("-dc").arg(&file).output().expect("xz runs");
    assert!(output.status.success(), "xz -dc {}", file.display());
    output.stdout
}

fn sector(image: &[u8], size: usize, sector: u64) -> &[u8] {
    let at = usize::try_from(sector).unwrap() * size;
    &image[at..at + size]
}

/// Writes a whole disk from what its records mean.
fn rebuild(header: &Header, slots: &[Slot], mailboxes: &[Mailbox]) -> Vec<u8> {
    let size = usize::try_from(header.sector_size).unwrap();
    let mut image = vec![0xa5; size * usize::try_from(SBD_SECTORS).unwrap()];
    let mut put = |at: u64, record: Record| {
        let at = usize::try_from(at).unwrap() * size;
        record.fill(&mut image[at..at + size]);
    };
    put(0, header.record());
    for index in 0..SLOTS {
        let at = usize::from(index);
        put(slot_sector(index), slots[at].record());
        put(mailbox_sector(index), mailboxes[at].record());
    }
    image
}

fn name(text: &str) -> Name {
    Name::new(text).unwrap()
}

#[test]
fn every_fixture_is_written_again_byte_for_byte() {
    let Some(folder) = fixtures() else { return };
    let mut seen = 0;
    for entry in std::fs::read_dir(&folder).unwrap() {
        let file = entry.unwrap().file_name().into_string().unwrap();
        let Some(stem) = file.strip_suffix(".img.xz").filter(|stem| stem.starts_with("sbd-"))
        else {
            continue;
        };
        let size: u32 = if stem.starts_with("sbd-4096") { 4096 } else { 512 };
        let length = usize::try_from(size).unwrap();
        let bytes = image(&folder, stem);
        let header = Header::parse(sector(&bytes, length, 0), size).expect(stem);
        let slots: Vec<Slot> = (0..SLOTS)
            .map(|slot| Slot::parse(sector(&bytes, length, slot_sector(slot))).unwrap())
            .collect();
        let mailboxes: Vec<Mailbox> = (0..SLOTS)
            .map(|slot| Mailbox::parse(sector(&bytes, length, mailbox_sector(slot))).unwrap())
            .collect();
        assert!(rebuild(&header, &slots, &mailboxes) == bytes, "{stem} differs");
        seen += 1;
    }
    assert!(seen >= 21, "only {seen} fixtures");
}

#[test]
fn fixtures_mean_what_the_commands_that_made_them_said() {
    let Some(folder) = fixtures() else { return };
    for size in [512_u32, 4096] {
        let length = usize::try_from(size).unwrap();
        let bytes = image(&folder, &format!("sbd-{size}-timeouts-15-1-2-2"));
        let header = Header::parse(sector(&bytes, length, 0), size).unwrap();
        let expected = Timeouts { watchdog_s: 15, allocate_s: 1, loop_s: 2, msgwait_s: 2 };
        assert_eq!(header.timeouts, expected);
        assert!(!header.timeouts.is_sound());
        for command in Command::ALL {
            let bytes = image(&folder, &format!("sbd-{size}-msg-{command}-b-to-a"));
            let slot = Slot::parse(sector(&bytes, length, slot_sector(0))).unwrap();
            assert!(slot.belongs_to(&name("NODE-A")));
            let mailbox = Mailbox::parse(sector(&bytes, length, mailbox_sector(0))).unwrap();
            assert_eq!(mailbox, Mailbox::message(command, name("node-b")));
        }
    }
    let bytes = image(&folder, "sbd-512-minor0");
    assert_eq!(Header::parse(sector(&bytes, 512, 0), 512).unwrap().minor, 0);
    let bytes = image(&folder, "sbd-512-names");
    let longest = Slot::parse(sector(&bytes, 512, slot_sector(0))).unwrap();
    assert_eq!(longest, Slot::Used(Name::truncated(&"n".repeat(64))));
}

#[test]
fn a_header_of_another_sector_size_version_or_maker_is_refused() {
    let header = Header { sector_size: 512, timeouts: Timeouts::DEFAULT, minor: 1, uuid: [7; 16] };
    let mut bytes = [0; 512];
    header.record().fill(&mut bytes);
    assert_eq!(Header::parse(&bytes, 512), Ok(header));
    let other = HeaderFault::SectorSize { header: 512, device: 4096 };
    assert_eq!(Header::parse(&bytes, 4096), Err(other));
    assert_eq!(Header::parse(&bytes[..51], 512), Err(HeaderFault::Truncated));
    bytes[8] = 3;
    assert_eq!(Header::parse(&bytes, 512), Err(HeaderFault::Version(3)));
    bytes[0] = 0;
    assert_eq!(Header::parse(&bytes, 512), Err(HeaderFault::Magic));
}

#[test]
fn a_name_has_one_to_63_bytes_and_compares_without_case() {
    assert!(name("MixedCase").same_node(&name("mixedcase")));
    assert!(!name("node-a").same_node(&name("node-b")));
    assert_eq!(Name::new(""), Err(NameFault::Empty));
    assert_eq!(Name::new("a\0b"), Err(NameFault::Nul));
    assert_eq!(Name::new(&"n".repeat(64)), Err(NameFault::TooLong));
    assert_eq!(name(&"n".repeat(63)), Name::truncated(&"n".repeat(64)));
    assert_eq!(Name::from_disk(b"node-a\0rubbish"), name("node-a"));
    assert_eq!(Name::from_disk(&[0xff, b'x']).to_string(), "\u{fffd}x");
}

#[test]
fn each_number_in_the_mailbox_has_one_order() {
    let mut table = String::new();
    for code in [-128_i8, -1, 0, 1, 2, 3, 4, 5, 6, 127] {
        let mut bytes = [0; 512];
        Mailbox { code, from: name("node-b") }.record().fill(&mut bytes);
        let order = poll::order(&bytes).unwrap();
        let pending = Mailbox::parse(&bytes).unwrap();
        let clean = poll::may_start(&pending, true);
        let zero = order.zeroes_mailbox();
        table += &format!("{code:4} {order:?} zero={zero} clean-start={clean}\n");
    }
    let expected = "\
-128 Nothing zero=false clean-start=false
  -1 Nothing zero=false clean-start=false
   0 Nothing zero=false clean-start=true
   1 AcknowledgeTest zero=true clean-start=false
   2 Reset zero=false clean-start=false
   3 PowerOff zero=false clean-start=false
   4 Exit zero=false clean-start=true
   5 Crash zero=false clean-start=false
   6 DiscardUnknown(6) zero=true clean-start=false
 127 DiscardUnknown(127) zero=true clean-start=false
";
    assert_eq!(table, expected);
    assert_eq!(poll::order(&[0; 64]), Err(Fault::Unexpected));
}

/// A disk of 512-byte sectors in memory; operations from `broken` on fail.
struct Disk {
    sectors: Vec<[u8; 512]>,
    broken: Option<u64>,
}

impl Disk {
    fn watched() -> (Self, Watcher) {
        let mut disk = Self { sectors: vec![[0; 512]; 511], broken: None };
        let header =
            Header { sector_size: 512, timeouts: Timeouts::DEFAULT, minor: 1, uuid: [7; 16] };
        header.record().fill(&mut disk.sectors[0]);
        let owner = Slot::Used(name("node-a")).record();
        owner.fill(&mut disk.sectors[3]);
        let watcher = Watcher::new(&HeaderView::new_checked(&disk.sectors[0]).unwrap(), 1, owner);
        (disk, watcher)
    }

    fn round(&mut self, watcher: &mut Watcher) -> Output {
        watcher.start();
        loop {
            match watcher.poll_output().expect("a round ends with a verdict") {
                Output::Read { sector } if self.broken == Some(sector) => {
                    watcher.handle_input(Answer::Read(Err(DiskFault::TimedOut)));
                }
                Output::Read { sector } => {
                    let at = usize::try_from(sector).unwrap();
                    watcher.handle_input(Answer::Read(Ok(&self.sectors[at])));
                }
                Output::Write { sector, record } => {
                    record.fill(&mut self.sectors[usize::try_from(sector).unwrap()]);
                    watcher.handle_input(Answer::Written(Ok(())));
                }
                verdict @ (Output::Healthy { .. } | Output::Unhealthy(_)) => return verdict,
            }
        }
    }
}

#[test]
fn a_test_message_is_zeroed_before_it_is_reported_once() {
    let (mut disk, mut watcher) = Disk::watched();
    Mailbox::message(Command::Test, name("node-b")).record().fill(&mut disk.sectors[4]);
    let first = disk.round(&mut watcher);
    assert_eq!(first, Output::Healthy { order: Order::AcknowledgeTest, from: name("node-b") });
    assert_eq!(disk.sectors[4], [0; 512]);
    let second = disk.round(&mut watcher);
    assert_eq!(second, Output::Healthy { order: Order::Nothing, from: Name::default() });
}

#[test]
fn a_reset_stays_in_the_mailbox() {
    let (mut disk, mut watcher) = Disk::watched();
    Mailbox::message(Command::Reset, name("node-b")).record().fill(&mut disk.sectors[4]);
    for _ in 0..2 {
        let verdict = disk.round(&mut watcher);
        assert_eq!(verdict, Output::Healthy { order: Order::Reset, from: name("node-b") });
    }
}

#[test]
fn a_disk_that_changed_or_fails_is_not_healthy_and_its_mailbox_is_not_obeyed() {
    let (mut disk, mut watcher) = Disk::watched();
    Mailbox::message(Command::Reset, name("node-b")).record().fill(&mut disk.sectors[4]);
    disk.sectors[3][1] = b'x';
    assert_eq!(disk.round(&mut watcher), Output::Unhealthy(WatchFault::SlotChanged));
    disk.sectors[0][16] = 1;
    assert_eq!(disk.round(&mut watcher), Output::Unhealthy(WatchFault::HeaderChanged));
    for sector in [0, 3, 4] {
        let (mut disk, mut watcher) = Disk::watched();
        disk.broken = Some(sector);
        let fault = WatchFault::Disk(DiskFault::TimedOut);
        assert_eq!(disk.round(&mut watcher), Output::Unhealthy(fault));
    }
}

/// Drives a machine of this module over `$disk` until it ends; waits are jumped over.
macro_rules! drive {
    ($module:ident, $machine:expr, $disk:expr, $on_write:expr) => {{
        let mut machine = $machine;
        let mut now = Instant::from_micros(0);
        loop {
            match machine.poll_output() {
                Some($module::Output::Read { sector }) => {
                    let at = usize::try_from(sector).unwrap();
                    machine.handle_input(now, Answer::Read(Ok(&$disk.sectors[at])));
                }
                Some($module::Output::Write { sector, record }) => {
                    record.fill(&mut $disk.sectors[usize::try_from(sector).unwrap()]);
                    $on_write(&mut $disk, sector);
                    machine.handle_input(now, Answer::Written(Ok(())));
                }
                Some($module::Output::Done(result)) => break (result, now),
                None => {
                    now = machine.poll_timeout().expect("either work or a wait");
                    machine.handle_timeout(now);
                }
            }
        }
    }};
}

fn deliver_to(disk: &mut Disk, command: Command, spoil: fn(&mut Disk, u64)) -> Result<u64, Fault> {
    let machine = Delivery::new(name("NODE-A"), command, name("node-b"), 512);
    let (result, now) = drive!(deliver, machine, *disk, spoil);
    result.map(|()| now.as_micros() / 1_000_000)
}

#[test]
fn a_message_is_delivered_after_msgwait_and_exit_at_once() {
    let (mut disk, mut watcher) = Disk::watched();
    assert_eq!(deliver_to(&mut disk, Command::Reset, |_, _| {}), Ok(10));
    let verdict = disk.round(&mut watcher);
    assert_eq!(verdict, Output::Healthy { order: Order::Reset, from: name("node-b") });
    assert_eq!(deliver_to(&mut disk, Command::Exit, |_, _| {}), Ok(0));
}

#[test]
fn a_read_back_that_differs_is_not_delivered() {
    let (mut disk, _) = Disk::watched();
    let torn: fn(&mut Disk, u64) = |disk, sector| {
        disk.sectors[usize::try_from(sector).unwrap()][511] = 1;
    };
    assert_eq!(deliver_to(&mut disk, Command::Reset, torn), Err(Fault::ReadBack));
    let zeroed: fn(&mut Disk, u64) = |disk, sector| {
        disk.sectors[usize::try_from(sector).unwrap()] = [0; 512];
    };
    assert_eq!(deliver_to(&mut disk, Command::Reset, zeroed), Err(Fault::ReadBack));
    assert_eq!(deliver_to(&mut disk, Command::Test, zeroed), Ok(10));
}

#[test]
fn a_message_to_nobody_or_on_a_foreign_disk_fails() {
    let (mut disk, _) = Disk::watched();
    disk.sectors[3] = [0; 512];
    assert_eq!(deliver_to(&mut disk, Command::Reset, |_, _| {}), Err(Fault::NoSuchNode));
    disk.sectors[0][0] = 0;
    let fault = Fault::Header(HeaderFault::Magic);
    assert_eq!(deliver_to(&mut disk, Command::Reset, |_, _| {}), Err(fault));
}

#[test]
fn delivery_needs_more_than_half_of_the_disks() {
    let verdict = |disks, results: &[bool]| {
        let mut tally = Tally::new(disks);
        results.iter().for_each(|&delivered| tally.record(delivered));
        tally.verdict()
    };
    assert_eq!(verdict(1, &[true]), Some(true));
    assert_eq!(verdict(1, &[false]), Some(false));
    assert_eq!(verdict(2, &[true]), None);
    assert_eq!(verdict(2, &[true, false]), Some(false));
    assert_eq!(verdict(2, &[true, true]), Some(true));
    assert_eq!(verdict(3, &[false, true]), None);
    assert_eq!(verdict(3, &[true, true]), Some(true));
    assert_eq!(verdict(3, &[false, false]), Some(false));
}

fn allocate_on(
    disk: &mut Disk,
    node: &str,
    rival: fn(&mut Disk, u64),
) -> (Result<Allocated, Fault>, u64) {
    let machine = Allocation::new(name(node), 512);
    let (result, now) = drive!(allocate, machine, *disk, rival);
    (result, now.as_micros() / 1_000_000)
}

#[test]
fn a_new_node_gets_the_first_free_slot_after_the_wait_and_keeps_it() {
    let (mut disk, _) = Disk::watched();
    let (result, seconds) = allocate_on(&mut disk, "node-b", |_, _| {});
    assert_eq!((result, seconds), (Ok(Allocated { slot: 0, attempts: 1 }), 2));
    let (result, seconds) = allocate_on(&mut disk, "Node-B", |_, _| {});
    assert_eq!((result, seconds), (Ok(Allocated { slot: 0, attempts: 0 }), 0));
}

#[test]
fn the_loser_of_a_slot_takes_the_next() {
    let (mut disk, _) = Disk::watched();
    let rival: fn(&mut Disk, u64) = |disk, sector| {
        if sector == slot_sector(0) {
            Slot::Used(Name::truncated("rival")).record().fill(&mut disk.sectors[1]);
        }
    };
    let (result, _) = allocate_on(&mut disk, "node-b", rival);
    assert_eq!(result, Ok(Allocated { slot: 2, attempts: 2 }));
}

#[test]
fn the_256th_node_finds_no_slot() {
    let (mut disk, _) = Disk::watched();
    for slot in 0..SLOTS {
        let at = usize::try_from(slot_sector(slot)).unwrap();
        Slot::Used(name(&format!("n{slot}"))).record().fill(&mut disk.sectors[at]);
    }
    assert_eq!(allocate_on(&mut disk, "one-too-many", |_, _| {}).0, Err(Fault::Full));
}
