//! The `sbd` command line: options may stand before and behind the command.

use crate::sbd::{
    DISKS_MAX,
    header::Timeouts,
    name::{NAME_MAX, Name},
};

/// What `sbd -h` prints, and every refusal of a command line.
pub const USAGE: &str = "\
Shared storage fencing tool.
Syntax:
\tsbd <options> <command> <cmdarguments>
Options:
-d <devname>\tBlock device; may be given up to 3 times (or SBD_DEVICE=a;b;c)
-h\t\tPrint this text
-n <node>\tName of the own node; the host's name if not given

-1 <N>\t\tWatchdog timeout in seconds (create)
-2 <N>\t\tSlot allocation timeout in seconds (create)
-3 <N>\t\tLoop timeout in seconds (create)
-4 <N>\t\tMsgwait timeout in seconds (create)

Options of the watcher (-R -W -w -T -S -p -v -5 -C -I -s -t -F -P -Z -r) are accepted and have
no effect: the guardian watches the disks.
Commands:
create\t\tPrepare <dev> for SBD - OVERWRITES IT
list\t\tPrint the slots in use and their messages
dump\t\tPrint the header
allocate <node>\tTake a slot for a node
message <node> (test|reset|off|crashdump|clear|exit)
\t\tPut a message into a node's mailbox and wait until it must have acted
query-watchdog\tPrint the watchdogs of this machine; none is armed
";

const COMMANDS: [&str; 6] = ["create", "list", "dump", "allocate", "message", "query-watchdog"];
const WITH_VALUE: &str = "dn12345CIstFwSpr";
const WITHOUT_VALUE: &str = "RWTvPZc";

/// A command line that was understood.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Options {
    /// The disks, each once, in order.
    pub devices: Vec<String>,
    /// The own node's name, if given.
    pub own_name: Option<Name>,
    /// The timeouts for `create`.
    pub timeouts: Timeouts,
    /// The command and its arguments.
    pub words: Vec<String>,
}

/// Why a command line was not understood.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum Refusal {
    /// Help was asked for.
    Help,
    /// These lines say why; the usage follows.
    Usage(String),
    /// These lines say why; the usage does not help.
    Failed(String),
}

/// Reads the arguments that follow the program's name; `environment` is `SBD_DEVICE`.
///
/// # Errors
///
/// An unknown option, a value that is none, no command, more than three disks.
pub fn parse(arguments: &[String], environment: Option<&str>) -> Result<Options, Refusal> {
    let mut options = Options {
        devices: Vec::new(),
        own_name: None,
        timeouts: Timeouts::DEFAULT,
        words: Vec::new(),
    };
    let mut arguments = arguments.iter();
    while let Some(argument) = arguments.next() {
        let Some(letters) = argument.strip_prefix('-').filter(|letters| !letters.is_empty()) else {
            options.words.push(argument.clone());
            continue;
        };
        let mut letters = letters.chars();
        while let Some(letter) = letters.next() {
            if letter == 'h' {
                return Err(Refusal::Help);
            } else if WITH_VALUE.contains(letter) {
                let attached = letters.as_str();
                let value = if attached.is_empty() {
                    arguments.next().map(String::as_str)
                } else {
                    Some(attached)
                };
                let missing =
                    || Refusal::Usage(format!("sbd: option requires an argument -- '{letter}'\n"));
                set(&mut options, letter, value.ok_or_else(missing)?)?;
                break;
            } else if !WITHOUT_VALUE.contains(letter) {
                return Err(Refusal::Usage(format!("sbd: invalid option -- '{letter}'\n")));
            }
        }
    }
    match options.words.first() {
        None => return Err(Refusal::Usage("Not enough arguments.\n".into())),
        Some(command) if COMMANDS.contains(&command.as_str()) => {}
        Some(_) => return Err(Refusal::Usage(String::new())),
    }
    if options.devices.is_empty() {
        for device in environment.unwrap_or_default().split(';').map(str::trim) {
            add_device(&mut options, device)?;
        }
    }
    Ok(options)
}

fn set(options: &mut Options, letter: char, value: &str) -> Result<(), Refusal> {
    let invalid = || Refusal::Usage(format!("Invalid value \"{value}\" for option -{letter}\n"));
    let seconds = || value.parse::<u32>().map_err(|_| invalid());
    match letter {
        'd' => return add_device(options, value),
        'n' if value.is_empty() => return Err(invalid()),
        'n' => {
            options.own_name = Some(Name::new(value).map_err(|_| {
                Refusal::Failed(format!(
                    "Node name mustn't be longer than {NAME_MAX} chars.\n\
                     If uname is longer define a name to be used by sbd.\n"
                ))
            })?);
        }
        '1' => options.timeouts.watchdog_s = seconds()?,
        '2' => options.timeouts.allocate_s = seconds()?,
        '3' => options.timeouts.loop_s = seconds()?,
        '4' => options.timeouts.msgwait_s = seconds()?,
        _ => {}
    }
    Ok(())
}

fn add_device(options: &mut Options, device: &str) -> Result<(), Refusal> {
    if device.is_empty() || options.devices.iter().any(|known| known == device) {
        return Ok(());
    }
    if options.devices.len() == DISKS_MAX {
        let line = format!("You can specify up to {DISKS_MAX} devices via the -d option.\n");
        return Err(Refusal::Failed(line));
    }
    options.devices.push(device.to_owned());
    Ok(())
}
