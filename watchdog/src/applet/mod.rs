//! The `sbd` tool: the command lines, output and exit codes of sbd 1.5 over the machines of `sbd`.

mod options;

pub use options::{Options, Refusal, USAGE, parse};

use crate::disk::{Disk, SectorBuffer, disk_fault};
use crate::linux::{SYSFS, discover};
use crate::sbd::{
    Answer, Fault, Record, SLOTS,
    allocate::{self, Allocation},
    deliver::{self, Delivery, Tally},
    header::{Header, HeaderView, MINOR},
    mailbox::Mailbox,
    mailbox_sector,
    message::Command,
    name::Name,
    slot::Slot,
    slot_sector,
};
use crate::time::Instant;
use std::io::{self, Write};
use std::path::Path;
use std::sync::mpsc;
use std::thread;
use std::time::Duration;

/// The receiver that means the own node.
const LOCAL: &str = "LOCAL";

/// Where the tool's lines go, and how it sees sectors in regular files.
pub struct Streams<'a> {
    /// Standard output.
    pub out: &'a mut dyn Write,
    /// Standard error.
    pub err: &'a mut dyn Write,
    /// The sector size of regular files, in bytes; they are refused without it, as by the real
    /// tool.
    pub file_sector_size: Option<u32>,
}

impl std::fmt::Debug for Streams<'_> {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.write_str("Streams")
    }
}

/// Why a command failed; what is to be said has been said.
struct Failed;

impl From<io::Error> for Failed {
    fn from(error: io::Error) -> Self {
        log::error!("sbd: cannot write the answer: {error}");
        Self
    }
}

/// Runs `sbd` with the arguments behind the program's name and returns its exit code.
///
/// Threads that hang on a dead disk may be left behind: the process is expected to end.
pub fn run(arguments: &[String], streams: &mut Streams<'_>) -> u8 {
    let environment = std::env::var("SBD_DEVICE").ok();
    let said = match parse(arguments, environment.as_deref()) {
        Ok(options) => match perform(&options, streams) {
            Ok(()) => return 0,
            Err(Failed) => streams.err.write_all(b"sbd failed; please check the logs.\n"),
        },
        Err(Refusal::Help) => {
            return u8::from(streams.err.write_all(USAGE.as_bytes()).is_err());
        }
        Err(Refusal::Usage(lines)) => write!(streams.err, "{lines}{USAGE}"),
        Err(Refusal::Failed(lines)) => {
            writeln!(streams.err, "{lines}sbd failed; please check the logs.")
        }
    };
    if let Err(error) = said {
        log::error!("sbd: cannot write the reason: {error}");
    }
    1
}

fn perform(options: &Options, streams: &mut Streams<'_>) -> Result<(), Failed> {
    let words: Vec<&str> = options.words.iter().map(String::as_str).collect();
    match words[..] {
        ["create", ..] => create(options, streams),
        ["list", ..] => each_device(options, streams, list),
        ["dump", ..] => each_device(options, streams, dump),
        ["allocate", node, ..] => allocate(options, node, streams),
        ["message", node, command, ..] => message(options, node, command, streams),
        ["query-watchdog", ..] => query_watchdog(streams),
        [command, ..] => {
            log::error!("sbd: {command} needs more arguments");
            Err(Failed)
        }
        [] => Err(Failed),
    }
}

fn open(device: &str, streams: &Streams<'_>) -> Result<Disk, Failed> {
    Disk::open(Path::new(device), streams.file_sector_size).map_err(|error| {
        log::error!("sbd: cannot open {device}: {error}");
        Failed
    })
}

/// Visits every disk, also behind one that fails.
fn each_device(
    options: &Options,
    streams: &mut Streams<'_>,
    visit: fn(&str, &mut Streams<'_>) -> Result<(), Failed>,
) -> Result<(), Failed> {
    let mut result = Ok(());
    for device in &options.devices {
        if visit(device, streams).is_err() {
            result = Err(Failed);
        }
    }
    result
}

fn create(options: &Options, streams: &mut Streams<'_>) -> Result<(), Failed> {
    if !options.timeouts.is_sound() {
        let timeouts = options.timeouts;
        log::warn!(
            "sbd: msgwait {} s is less than twice the watchdog timeout {} s: unsafe",
            timeouts.msgwait_s,
            timeouts.watchdog_s
        );
    }
    for device in &options.devices {
        writeln!(streams.out, "Initializing device {device}")?;
        let disk = open(device, streams)?;
        let header = Header {
            sector_size: disk.sector_size(),
            timeouts: options.timeouts,
            minor: MINOR,
            uuid: random_uuid()?,
        };
        let fd = disk.descriptor();
        let uuid = uuid_text(&header.uuid);
        writeln!(streams.out, "Creating version 2.{MINOR} header on device {fd} (uuid: {uuid})")?;
        let mut buffer = SectorBuffer::new();
        put(&disk, 0, header.record(), &mut buffer).map_err(report)?;
        writeln!(streams.out, "Initializing {SLOTS} slots on device {fd}")?;
        for slot in 0..SLOTS {
            put(&disk, slot_sector(slot), Record::ZERO, &mut buffer).map_err(report)?;
            put(&disk, mailbox_sector(slot), Record::ZERO, &mut buffer).map_err(report)?;
        }
        writeln!(streams.out, "Device {device} is initialized.")?;
    }
    writeln!(
        streams.out,
        "Did you check sbd service down on all nodes before? \
         If not do so now and restart afterwards."
    )?;
    Ok(())
}

fn list(device: &str, streams: &mut Streams<'_>) -> Result<(), Failed> {
    let Ok(disk) = open(device, streams) else {
        writeln!(streams.err, "== disk {device} unreadable!")?;
        return Err(Failed);
    };
    match list_slots(&disk) {
        Ok(lines) => Ok(streams.out.write_all(lines.as_bytes())?),
        Err(fault) => {
            writeln!(streams.err, "== Slots on disk {device} NOT dumped")?;
            Err(report(fault))
        }
    }
}

fn list_slots(disk: &Disk) -> Result<String, Fault> {
    let mut buffer = SectorBuffer::new();
    Header::parse(read(disk, 0, &mut buffer)?, disk.sector_size()).map_err(Fault::Header)?;
    let mut lines = String::new();
    for index in 0..SLOTS {
        if let Slot::Used(name) = Slot::parse(read(disk, slot_sector(index), &mut buffer)?)? {
            let mailbox = Mailbox::parse(read(disk, mailbox_sector(index), &mut buffer)?)?;
            let command = mailbox.command().map_or("undefined", Command::name);
            lines += &format!("{index}\t{name}\t{command}\t{}\n", mailbox.from);
        }
    }
    Ok(lines)
}

fn dump(device: &str, streams: &mut Streams<'_>) -> Result<(), Failed> {
    writeln!(streams.out, "==Dumping header on disk {device}")?;
    let Ok(disk) = open(device, streams) else {
        writeln!(streams.err, "== disk {device} unreadable!")?;
        writeln!(streams.err, "==Header on disk {device} NOT dumped")?;
        return Err(Failed);
    };
    match dump_header(&disk) {
        Ok(lines) => streams.out.write_all(lines.as_bytes())?,
        Err(fault) => {
            writeln!(streams.err, "==Header on disk {device} NOT dumped")?;
            return Err(report(fault));
        }
    }
    Ok(writeln!(streams.out, "==Header on disk {device} is dumped")?)
}

fn dump_header(disk: &Disk) -> Result<String, Fault> {
    let mut buffer = SectorBuffer::new();
    let sector = read(disk, 0, &mut buffer)?;
    let header = Header::parse(sector, disk.sector_size()).map_err(Fault::Header)?;
    let slots = HeaderView::new_checked(sector).map_err(Fault::Header)?.slots();
    let uuid = match header.minor {
        0 => String::new(),
        _ => format!("UUID               : {}\n", uuid_text(&header.uuid)),
    };
    let Header { sector_size, timeouts, minor, .. } = header;
    Ok(format!(
        "Header version     : 2.{minor}\n{uuid}\
         Number of slots    : {slots}\n\
         Sector size        : {sector_size}\n\
         Timeout (watchdog) : {}\n\
         Timeout (allocate) : {}\n\
         Timeout (loop)     : {}\n\
         Timeout (msgwait)  : {}\n",
        timeouts.watchdog_s, timeouts.allocate_s, timeouts.loop_s, timeouts.msgwait_s
    ))
}

fn allocate(options: &Options, node: &str, streams: &mut Streams<'_>) -> Result<(), Failed> {
    let name = Name::truncated(node);
    if name.is_empty() {
        writeln!(streams.err, "No name specified.")?;
        return Err(Failed);
    }
    for device in &options.devices {
        writeln!(streams.out, "Trying to allocate slot for {node} on device {device}.")?;
        let disk = open(device, streams)?;
        match allocate_on(&disk, &name, streams)? {
            Ok(()) => {
                writeln!(streams.out, "Slot for {node} has been allocated on {device}.")?;
            }
            Err(fault) => {
                if fault == Fault::Full {
                    writeln!(streams.err, "No more free slots.")?;
                }
                return Err(report(fault));
            }
        }
    }
    Ok(())
}

fn allocate_on(
    disk: &Disk,
    name: &Name,
    streams: &mut Streams<'_>,
) -> Result<Result<(), Fault>, Failed> {
    let clock = Clock::start();
    let mut buffer = SectorBuffer::new();
    let mut machine = Allocation::new(name.clone(), disk.sector_size());
    loop {
        match machine.poll_output() {
            Some(allocate::Output::Read { sector }) => {
                let result = disk.read(sector, &mut buffer).map_err(|error| disk_fault(&error));
                machine.handle_input(clock.now(), Answer::Read(result));
            }
            Some(allocate::Output::Write { sector, record }) => {
                let slot = (sector - slot_sector(0)) / 2;
                writeln!(streams.out, "slot {slot} is unused - trying to own")?;
                let result = write(disk, sector, record, &mut buffer);
                machine.handle_input(clock.now(), Answer::Written(result));
            }
            Some(allocate::Output::Done(result)) => return Ok(result.map(|_| ())),
            None => clock.sleep_until(machine.poll_timeout()),
        }
        machine.handle_timeout(clock.now());
    }
}

fn message(
    options: &Options,
    node: &str,
    command: &str,
    streams: &Streams<'_>,
) -> Result<(), Failed> {
    let own = options.own_name.clone().unwrap_or_else(host_name);
    let target = if node == LOCAL { own.clone() } else { Name::truncated(node) };
    let Some(command) = Command::from_name(command) else {
        log::error!("sbd: no such message: {command}");
        return Err(Failed);
    };
    let (sender, results) = mpsc::channel();
    for device in options.devices.clone() {
        let (sender, target, own) = (sender.clone(), target.clone(), own.clone());
        let disk = open(&device, streams);
        thread::spawn(move || {
            let result = disk.is_ok_and(|disk| match deliver(&disk, target, command, own) {
                Ok(()) => true,
                Err(fault) => {
                    log::error!("sbd: {device}: {command} is not delivered: {fault}");
                    false
                }
            });
            if sender.send(result).is_err() {
                log::debug!("sbd: {device} came after the verdict");
            }
        });
    }
    drop(sender);
    let mut tally = Tally::new(options.devices.len());
    for delivered in results {
        tally.record(delivered);
        if tally.verdict().is_some() {
            break;
        }
    }
    if tally.verdict() == Some(true) {
        return Ok(());
    }
    log::error!("sbd: not delivered on more than half of the devices");
    Err(Failed)
}

fn deliver(disk: &Disk, target: Name, command: Command, own: Name) -> Result<(), Fault> {
    let clock = Clock::start();
    let mut buffer = SectorBuffer::new();
    let mut machine = Delivery::new(target, command, own, disk.sector_size());
    loop {
        match machine.poll_output() {
            Some(deliver::Output::Read { sector }) => {
                let result = disk.read(sector, &mut buffer).map_err(|error| disk_fault(&error));
                machine.handle_input(clock.now(), Answer::Read(result));
            }
            Some(deliver::Output::Write { sector, record }) => {
                let result = write(disk, sector, record, &mut buffer);
                machine.handle_input(clock.now(), Answer::Written(result));
            }
            Some(deliver::Output::Done(result)) => return result,
            None => clock.sleep_until(machine.poll_timeout()),
        }
        machine.handle_timeout(clock.now());
    }
}

/// Unlike the real tool's, this look arms nothing.
fn query_watchdog(streams: &mut Streams<'_>) -> Result<(), Failed> {
    let found = discover(Path::new(SYSFS), Path::new("/dev"));
    writeln!(streams.out, "\nDiscovered {} watchdog devices:", found.len())?;
    for (index, watchdog) in found.iter().enumerate() {
        let device = watchdog.device.display();
        let identity = watchdog.identity.as_deref().unwrap_or("unknown");
        let driver = watchdog.driver.as_deref().unwrap_or("<unknown>");
        writeln!(streams.out, "\n[{}] {device}", index + 1)?;
        writeln!(streams.out, "Identity: {identity}\nDriver: {driver}")?;
        if watchdog.is_software() {
            writeln!(streams.out, "CAUTION: Not recommended for use with sbd.")?;
        }
    }
    Ok(())
}

/// This process's monotonic time.
struct Clock(std::time::Instant);

impl Clock {
    fn start() -> Self {
        Self(std::time::Instant::now())
    }

    fn now(&self) -> Instant {
        Instant::from_micros(0).after(self.0.elapsed())
    }

    fn sleep_until(&self, due: Option<Instant>) {
        // Without a deadline the machine has said all it will; the caller's loop then ends.
        thread::sleep(due.map_or(Duration::ZERO, |due| due.since(self.now())));
    }
}

fn read<'a>(disk: &Disk, sector: u64, into: &'a mut SectorBuffer) -> Result<&'a [u8], Fault> {
    disk.read(sector, into).map_err(|error| Fault::Disk(disk_fault(&error)))
}

fn write(
    disk: &Disk,
    sector: u64,
    record: Record,
    buffer: &mut SectorBuffer,
) -> Result<(), crate::sbd::DiskFault> {
    record.fill(buffer.bytes_mut());
    disk.write(sector, buffer).map_err(|error| disk_fault(&error))
}

fn put(disk: &Disk, sector: u64, record: Record, buffer: &mut SectorBuffer) -> Result<(), Fault> {
    write(disk, sector, record, buffer).map_err(Fault::Disk)
}

fn report(fault: Fault) -> Failed {
    log::error!("sbd: {fault}");
    Failed
}

fn random_uuid() -> Result<[u8; 16], Failed> {
    let text = std::fs::read_to_string("/proc/sys/kernel/random/uuid")?;
    let digits: String = text.chars().filter(char::is_ascii_hexdigit).collect();
    let number = u128::from_str_radix(&digits, 16).map_err(|_| Failed)?;
    Ok(number.to_be_bytes())
}

fn uuid_text(uuid: &[u8; 16]) -> String {
    let digits = format!("{:032x}", u128::from_be_bytes(*uuid));
    let parts = [&digits[..8], &digits[8..12], &digits[12..16], &digits[16..20], &digits[20..]];
    parts.join("-")
}

/// The host's name in lower case, as sbd's daemon calls itself.
fn host_name() -> Name {
    let name = std::fs::read_to_string("/proc/sys/kernel/hostname").unwrap_or_default();
    Name::truncated(&name.trim().to_lowercase())
}

#[cfg(test)]
mod tests;
