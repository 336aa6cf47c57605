//! `crm_rule`: whether a rule that depends on time is in effect.

use super::args::{applet, flag, texts, value, words};
use super::exit::Exit;
use super::run::{Failure, Outcome, Run, Tool};
use super::source::document;
use clap::{ArgAction, Command};
use diarch_cib::rules::{Context, Relation, date_relation};
use diarch_cib::time::DateTime;
use diarch_cib::xml::{Document, Element};

/// The tool.
pub(super) const TOOL: Tool = Tool { name: "crm_rule", command, run };

fn command() -> Command {
    applet("crm_rule", "evaluate rules from the Pacemaker configuration")
        .next_help_heading("Modes (mutually exclusive)")
        .arg(flag("check", 'c', "Check whether a rule is in effect"))
        .next_help_heading("Data")
        .arg(value("xml-text", 'X', "XML", "Use argument for XML (or stdin if '-')"))
        .next_help_heading("Additional Options")
        .arg(value("date", 'd', "DATE", "Whether the rule is in effect on a given date"))
        .arg(
            value("rule", 'r', "ID", "The ID of the rule to check (several are possible)")
                .action(ArgAction::Append),
        )
        .arg(words("rest"))
}

fn run(run: &mut Run) -> Outcome {
    if !run.given("check") {
        return Err(Failure::new(Exit::Usage, "No mode operation given"));
    }
    let rules: Vec<String> = texts(&run.matches, "rule").into_iter().map(str::to_owned).collect();
    if rules.is_empty() {
        return Err(Failure::new(Exit::Usage, "--check requires use of --rule="));
    }
    let now = match run.text("date") {
        Some(text) => text.parse::<DateTime>().map_err(|_| {
            Failure::new(Exit::DataErr, format!("Invalid date specified: '{text}'"))
        })?,
        None => DateTime::from_epoch(run.world.now),
    };
    let cib = match run.text("xml-text").as_deref() {
        Some("-") => document(&run.stdin()?)?,
        Some(text) => document(text)?,
        None => run.source()?.query(None)?,
    };
    let mut worst = Exit::Ok;
    for rule in rules {
        let exit = check(run, &cib, &rule, now);
        if exit != Exit::Ok {
            worst = exit;
        }
    }
    Ok(worst)
}

/// Checks one rule and says what came of it.
fn check(run: &mut Run, cib: &Document, name: &str, now: DateTime) -> Exit {
    let rule =
        cib.root().descendants().find(|e| e.name() == "rule" && e.attribute("id") == Some(name));
    let verdict = rule.map_or(Err((Exit::NoSuch, "Rule not found")), |rule| evaluate(rule, now));
    let exit = match verdict {
        Ok(exit) => exit,
        Err((exit, why)) => {
            run.out
                .message(&format!("Could not determine whether rule {name} is in effect: {why}"));
            exit
        }
    };
    if verdict.is_ok() {
        run.out.line(&if exit == Exit::Expired {
            format!("Rule {name} is expired")
        } else if exit == Exit::NotYetInEffect {
            format!("Rule {name} has not yet taken effect")
        } else {
            format!("Rule {name} is still in effect")
        });
    }
    let code = exit.code().to_string();
    run.out.element("rule-check", &[("rule-id", name), ("rc", &code)]);
    exit
}

/// Where `now` is in relation to the rule's one condition on time.
fn evaluate(rule: Element<'_>, now: DateTime) -> Result<Exit, (Exit, &'static str)> {
    let unclear = |why| (Exit::Unimplemented, why);
    let mut dates = rule.children_named("date_expression");
    let Some(expression) = dates.next() else {
        return Err(unclear("Rule does not have a date expression"));
    };
    if dates.next().is_some() {
        return Err(unclear("Rule must have exactly one date expression"));
    }
    if expression.attribute("operation") == Some("date_spec") {
        let spec = expression.child("date_spec");
        return spec.and_then(|spec| of_years(spec, now)).ok_or_else(|| {
            unclear(
                "Rule must either not use date_spec, or use date_spec with years= but not moon=",
            )
        });
    }
    match date_relation(expression, &Context::at(now)) {
        Relation::Within => Ok(Exit::Ok),
        Relation::Before => Ok(Exit::NotYetInEffect),
        Relation::After => Ok(Exit::Expired),
        Relation::Outside | Relation::Undetermined => {
            Err((Exit::Indeterminate, "Could not determine status"))
        }
    }
}

/// A condition on years alone: it comes and goes once.
fn of_years(spec: Element<'_>, now: DateTime) -> Option<Exit> {
    if spec.attribute("moon").is_some() {
        return None;
    }
    let years = spec.attribute("years")?;
    let (first, last) = years.split_once('-').unwrap_or((years, years));
    let year = now.civil().year;
    let number = |text: &str| text.trim().parse::<i64>().ok();
    if number(first).is_some_and(|first| year < first) {
        return Some(Exit::NotYetInEffect);
    }
    if number(last).is_some_and(|last| year > last) {
        return Some(Exit::Expired);
    }
    Some(Exit::Ok)
}
