//! One call of a tool: its options, its surroundings, its output.
//!
//! Tools take everything from a [`Run`] and print through it, so that a test can call them with a
//! made-up environment and compare what they print.

use super::args;
use super::exit::Exit;
use super::output::{Console, Format, Printed};
use super::source::Source;
use clap::{ArgMatches, Command};
use std::collections::BTreeMap;
use std::io::Read as _;
use std::io::Write as _;

/// The version of Pacemaker that the tools stand for.
pub(super) const PACEMAKER_VERSION: &str = "3.0.2";
/// The feature set of the CIB.
pub(super) const FEATURE_SET: &str = "3.20.5";

/// Why a tool ends without success.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(super) struct Failure {
    /// The exit status.
    pub(super) code: Exit,
    /// What to say; nothing where it has been said.
    pub(super) message: String,
}

impl Failure {
    /// A failure with a sentence.
    pub(super) fn new(code: Exit, message: impl Into<String>) -> Self {
        Self { code, message: message.into() }
    }

    /// A failure of which everything has been said.
    pub(super) const fn silent(code: Exit) -> Self {
        Self { code, message: String::new() }
    }
}

/// The result of an tool.
pub(super) type Outcome = Result<Exit, Failure>;

/// A tool: a name, options and what it does.
#[derive(Clone, Copy, Debug)]
pub(super) struct Tool {
    /// Its name.
    pub(super) name: &'static str,
    /// Its options.
    pub(super) command: fn() -> Command,
    /// What it does.
    pub(super) run: fn(&mut Run) -> Outcome,
}

/// What surrounds a process.
#[derive(Debug, Default)]
pub(super) struct World {
    /// The environment.
    pub(super) variables: BTreeMap<String, String>,
    /// Standard input, where it does not come from the process.
    pub(super) input: Option<String>,
    /// Seconds since 1970, for what depends on time.
    pub(super) now: i64,
}

impl World {
    /// The surroundings of this process.
    pub(super) fn of_process() -> Self {
        let now = std::time::SystemTime::now()
            .duration_since(std::time::UNIX_EPOCH)
            .map(|since| i64::try_from(since.as_secs()).unwrap_or(i64::MAX))
            .unwrap_or_default();
        Self {
            variables: std::env::vars_os()
                .filter_map(|(name, value)| {
                    Some((name.into_string().ok()?, value.into_string().ok()?))
                })
                .collect(),
            input: None,
            now,
        }
    }

    /// A variable that is set and not empty.
    pub(super) fn variable(&self, name: &str) -> Option<&str> {
        self.variables.get(name).map(String::as_str).filter(|value| !value.is_empty())
    }
}

/// One call of an tool.
#[derive(Debug)]
pub(super) struct Run {
    /// Its options.
    pub(super) matches: ArgMatches,
    /// What surrounds it.
    pub(super) world: World,
    /// What it prints.
    pub(super) out: Console,
}

impl Run {
    /// An option's value.
    pub(super) fn text(&self, name: &str) -> Option<String> {
        args::text(&self.matches, name).map(str::to_owned)
    }

    /// Whether an option was given.
    pub(super) fn given(&self, name: &str) -> bool {
        args::given(&self.matches, name)
    }

    /// Where the CIB is: on a live manager, or in a file.
    pub(super) fn source(&self) -> Result<Source, Failure> {
        Source::of(&self.world)
    }

    /// All of standard input.
    pub(super) fn stdin(&mut self) -> Result<String, Failure> {
        if let Some(text) = self.world.input.take() {
            return Ok(text);
        }
        let mut text = String::new();
        std::io::stdin()
            .read_to_string(&mut text)
            .map_err(|error| Failure::new(Exit::NoInput, error.to_string()))?;
        Ok(text)
    }
}

/// Runs a tool in this process and prints its output.
pub(super) fn main(tool: &Tool, arguments: &[String]) -> Exit {
    let (code, printed, target) = perform(tool, arguments, World::of_process());
    let written = match target.as_deref() {
        None | Some("-") => std::io::stdout().write_all(printed.stdout.as_bytes()),
        Some(file) => std::fs::write(file, printed.stdout.as_bytes()),
    };
    // Nobody is left to tell when standard error is gone.
    drop(std::io::stderr().write_all(printed.stderr.as_bytes()));
    match written {
        Ok(()) => code,
        Err(error) if error.kind() == std::io::ErrorKind::BrokenPipe => code,
        Err(_) => Exit::CantCreate,
    }
}

/// Runs a tool; gives its exit status, what it printed, and `--output-to`.
pub(super) fn perform(
    tool: &Tool,
    arguments: &[String],
    world: World,
) -> (Exit, Printed, Option<String>) {
    let words = core::iter::once(tool.name).chain(arguments.iter().map(String::as_str));
    let matches = match (tool.command)().try_get_matches_from(words) {
        Ok(matches) => matches,
        Err(error) => {
            let mut out = Console::new(tool.name, guess_format(arguments), arguments);
            out.complain(&args::complaint(&error, arguments));
            return (Exit::Usage, out.finish(Exit::Usage), None);
        }
    };
    let target = args::text(&matches, "output-to").map(str::to_owned);
    let format = match args::text(&matches, "output-as") {
        None | Some("text" | "console") => Ok(Format::Text),
        Some("xml") => Ok(Format::Xml),
        Some("none") => Ok(Format::None),
        Some(other) => Err(format!("Invalid output format specified: {other}")),
    };
    let (format, wrong) = match format {
        Ok(format) => (format, None),
        Err(wrong) => (Format::Text, Some(wrong)),
    };
    let mut run = Run { matches, world, out: Console::new(tool.name, format, arguments) };
    let outcome = match wrong {
        Some(wrong) => Err(Failure::new(Exit::Error, wrong)),
        None => general(tool, &mut run).map_or_else(|| (tool.run)(&mut run), Ok),
    };
    let code = match outcome {
        Ok(code) => code,
        Err(failure) => {
            if !failure.message.is_empty() {
                run.out.complain(&failure.message);
            }
            failure.code
        }
    };
    (code, run.out.finish(code), target)
}

/// `--help` and `--version`, which every tool has.
fn general(tool: &Tool, run: &mut Run) -> Option<Exit> {
    if run.given("help") || run.given("help-all") {
        let help = (tool.command)().render_long_help().to_string();
        run.out.raw(&help);
        return Some(Exit::Ok);
    }
    if run.given("version") {
        if run.out.is_xml() {
            run.out.element(
                "version",
                &[
                    ("program", "Pacemaker"),
                    ("version", PACEMAKER_VERSION),
                    ("author", "Andrew Beekhof and the Pacemaker project contributors"),
                ],
            );
        } else {
            version_text(run);
        }
        return Some(Exit::Ok);
    }
    if run.given("features") {
        let line = format!("Pacemaker {PACEMAKER_VERSION} (Build: diarch): agent-manpages");
        run.out.line(&line);
        return Some(Exit::Ok);
    }
    None
}

/// `Pacemaker X.Y.Z`, whose first line agents parse, and whose program this is.
fn version_text(run: &mut Run) {
    run.out.line(&format!("Pacemaker {PACEMAKER_VERSION}"));
    run.out.line(concat!(
        "Provided by diarch ",
        env!("CARGO_PKG_VERSION"),
        ", which speaks Pacemaker's language"
    ));
}

/// The format of a call whose options could not be read.
fn guess_format(arguments: &[String]) -> Format {
    let follows = arguments.windows(2).any(|pair| pair[0] == "--output-as" && pair[1] == "xml");
    if follows || arguments.iter().any(|word| word == "--output-as=xml") {
        Format::Xml
    } else {
        Format::Text
    }
}
