//! The options that every applet has, and the way all of them are read.
//!
//! Option spellings, abbreviations and messages follow Pacemaker's tools: an option may be given
//! several times (the last one wins), an option's value may begin with a dash, and whatever cannot
//! be understood ends with exit status 64 and one sentence.

use clap::error::{ContextKind, ContextValue, ErrorKind};
use clap::{Arg, ArgAction, ArgMatches, Command};

/// A command with the options that all applets share.
pub(super) fn applet(name: &'static str, about: &'static str) -> Command {
    Command::new(name)
        .about(about)
        .disable_help_flag(true)
        .disable_version_flag(true)
        .disable_help_subcommand(true)
        .args_override_self(true)
        .arg(flag("help", 'h', "Show help options"))
        .arg(long_flag("help-all", "Show all help options"))
        .arg(flag("version", '$', "Display software version and exit"))
        .arg(Arg::new("features").short('!').action(ArgAction::SetTrue).hide(true))
        .arg(
            flag("verbose", 'V', "Increase debug output (may be specified multiple times)")
                .action(ArgAction::Count),
        )
        .arg(
            long_value(
                "output-as",
                "FORMAT",
                "Specify output format as one of: text (default), xml, none",
            )
            .help_heading("Output Options"),
        )
        .arg(
            long_value("output-to", "DEST", "Specify file name for output (or \"-\" for stdout)")
                .help_heading("Output Options"),
        )
        .arg(long_flag("text-fancy", "").hide(true))
}

/// An option without a value, with a short and a long name.
pub(super) fn flag(name: &'static str, short: char, help: &'static str) -> Arg {
    long_flag(name, help).short(short)
}

/// An option without a value and without a short name.
pub(super) fn long_flag(name: &'static str, help: &'static str) -> Arg {
    Arg::new(name).long(name).action(ArgAction::SetTrue).help(help)
}

/// An option with a value, with a short and a long name.
pub(super) fn value(
    name: &'static str,
    short: char,
    placeholder: &'static str,
    help: &'static str,
) -> Arg {
    long_value(name, placeholder, help).short(short)
}

/// An option with a value and without a short name.
pub(super) fn long_value(name: &'static str, placeholder: &'static str, help: &'static str) -> Arg {
    Arg::new(name)
        .long(name)
        .value_name(placeholder)
        .action(ArgAction::Set)
        .allow_hyphen_values(true)
        .help(help)
}

/// An option whose value may be left out.
pub(super) fn optional(
    name: &'static str,
    short: Option<char>,
    placeholder: &'static str,
    help: &'static str,
) -> Arg {
    let arg = Arg::new(name)
        .long(name)
        .value_name(placeholder)
        .action(ArgAction::Set)
        .num_args(0..=1)
        .default_missing_value("")
        .help(help);
    match short {
        Some(short) => arg.short(short),
        None => arg,
    }
}

/// Words that are no options.
pub(super) fn words(name: &'static str) -> Arg {
    Arg::new(name).num_args(0..).action(ArgAction::Append).hide(true)
}

/// An option's value; an option that takes none has none.
pub(super) fn text<'m>(matches: &'m ArgMatches, name: &str) -> Option<&'m str> {
    matches.try_get_one::<String>(name).ok().flatten().map(String::as_str)
}

/// All values of an option, in the order given.
pub(super) fn texts<'m>(matches: &'m ArgMatches, name: &str) -> Vec<&'m str> {
    matches
        .try_get_many::<String>(name)
        .ok()
        .flatten()
        .map(|values| values.map(String::as_str).collect())
        .unwrap_or_default()
}

/// Whether an option without a value was given.
pub(super) fn given(matches: &ArgMatches, name: &str) -> bool {
    matches.value_source(name) == Some(clap::parser::ValueSource::CommandLine)
}

/// Which of these options was given last, as Pacemaker's tools choose among commands.
pub(super) fn last_of<'n>(matches: &ArgMatches, names: &[&'n str]) -> Option<&'n str> {
    names
        .iter()
        .filter(|name| given(matches, name))
        .max_by_key(|name| matches.indices_of(name).and_then(Iterator::max))
        .copied()
}

/// What is wrong with a command line, in Pacemaker's words.
#[expect(
    clippy::wildcard_enum_match_arm,
    reason = "clap has more kinds than these options can cause"
)]
pub(super) fn complaint(error: &clap::Error, arguments: &[String]) -> String {
    let context = |kind| match error.get(kind) {
        Some(ContextValue::String(text)) => text.clone(),
        Some(ContextValue::Strings(texts)) => texts.join(" "),
        _ => String::new(),
    };
    let name = context(ContextKind::InvalidArg);
    let option = name.split([' ', '=', '<', '[']).next().unwrap_or_default();
    let as_given = arguments
        .iter()
        .find(|argument| !option.is_empty() && argument.starts_with(option))
        .map_or(option, String::as_str);
    match error.kind() {
        ErrorKind::UnknownArgument if option.starts_with('-') => {
            format!("Unknown option {as_given}")
        }
        ErrorKind::UnknownArgument => {
            format!("non-option ARGV-elements:\n[0 of 1] {option}")
        }
        ErrorKind::InvalidValue | ErrorKind::WrongNumberOfValues | ErrorKind::TooFewValues => {
            format!("Missing argument for {}", arguments.last().map_or(option, String::as_str))
        }
        _ => error.to_string().trim_end().to_owned(),
    }
}
