//! `crm_error`: what a number means.

use super::args::{applet, flag, texts, words};
use super::exit::{Exit, TABLE};
use super::return_codes::RETURN_CODES;
use super::run::{Outcome, Run, Tool};
use clap::Command;

/// The tool.
pub(super) const TOOL: Tool = Tool { name: "crm_error", command, run };

fn command() -> Command {
    applet("crm_error", "display name or description of a Pacemaker error code")
        .next_help_heading("Application Options")
        .arg(flag("name", 'n', "Show error's name with its description"))
        .arg(flag("list", 'l', "Show all known errors (enabled by default if no rc is specified)"))
        .arg(flag("exit", 'X', "Interpret as exit code rather than return value"))
        .arg(flag("rc", 'r', "Interpret as return code rather than return value"))
        .arg(words("codes"))
}

/// Which kind of number is meant.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
enum Kind {
    Exit,
    Return,
    Legacy,
}

fn run(run: &mut Run) -> Outcome {
    let kind = if run.given("exit") {
        Kind::Exit
    } else if run.given("rc") {
        Kind::Return
    } else {
        Kind::Legacy
    };
    let with_name = run.given("name");
    let codes: Vec<String> = texts(&run.matches, "codes").into_iter().map(str::to_owned).collect();
    if codes.is_empty() || run.given("list") {
        list(run, kind, with_name);
        return Ok(Exit::Ok);
    }
    for code in codes {
        let number = code.parse().unwrap_or(i32::MIN);
        show(run, kind, with_name, number);
    }
    Ok(Exit::Ok)
}

fn show(run: &mut Run, kind: Kind, with_name: bool, number: i32) {
    let (name, text) = meaning(kind, number);
    let unknown = match kind {
        Kind::Exit => "Unknown exit status".to_owned(),
        Kind::Return | Kind::Legacy => format!("Unknown error {number}"),
    };
    let text = text.unwrap_or(&unknown);
    run.out.line(&match name {
        Some(name) if with_name => format!("{name} - {text}"),
        _ if with_name => format!("Unknown - {text}"),
        _ => text.to_owned(),
    });
    let code = number.to_string();
    element(run, with_name, &code, name, text);
}

fn element(run: &mut Run, with_name: bool, code: &str, name: Option<&str>, text: &str) {
    match name {
        Some(name) if with_name => {
            run.out
                .element("result-code", &[("code", code), ("name", name), ("description", text)]);
        }
        _ => run.out.element("result-code", &[("code", code), ("description", text)]),
    }
}

fn meaning(kind: Kind, number: i32) -> (Option<&'static str>, Option<&'static str>) {
    let found = match kind {
        Kind::Exit => TABLE
            .iter()
            .find(|(exit, _, _)| i32::from(exit.code()) == number)
            .map(|(_, name, text)| (*name, *text)),
        Kind::Return => in_table(number),
        Kind::Legacy => in_table(number.saturating_abs()),
    };
    (found.map(|(name, _)| name), found.map(|(_, text)| text))
}

fn in_table(number: i32) -> Option<(&'static str, &'static str)> {
    RETURN_CODES.iter().find(|(code, _, _)| *code == number).map(|(_, name, text)| (*name, *text))
}

fn list(run: &mut Run, kind: Kind, with_name: bool) {
    let rows: Vec<(i32, &str, &str)> = match kind {
        Kind::Exit => {
            TABLE.iter().map(|(exit, name, text)| (i32::from(exit.code()), *name, *text)).collect()
        }
        Kind::Return => RETURN_CODES.to_vec(),
        Kind::Legacy => RETURN_CODES.iter().filter(|(code, _, _)| *code >= 0).copied().collect(),
    };
    for (code, name, text) in rows {
        run.out.line(&if with_name {
            format!("{code:5}: {name:<26}  {text}")
        } else {
            format!("{code:5}: {text}")
        });
        element(run, with_name, &code.to_string(), Some(name), text);
    }
}
