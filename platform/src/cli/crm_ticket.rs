//! `crm_ticket`: tickets of a multi-site cluster; what booth calls.
//!
//! A ticket's state is one element of the status. Several attributes given in one call are set
//! together or not at all.

use super::args::{applet, flag, last_of, texts, value, words};
use super::clock;
use super::exit::Exit;
use super::nvpairs::quoted;
use super::run::{Failure, Outcome, Run, Tool};
use super::source::{Source, change};
use clap::{ArgAction, Command};
use diarch_cib::xml::{Document, Element};
use diarch_cluster::request::CibOperation;

/// The tool.
pub(super) const TOOL: Tool = Tool { name: "crm_ticket", command, run };

const COMMANDS: &[&str] =
    &["info", "details", "raw", "query-xml", "constraints", "get-attr", "cleanup"];
const CHANGES: &[&str] = &["grant", "revoke", "standby", "activate", "set-attr", "delete-attr"];

fn command() -> Command {
    applet("crm_ticket", "Perform tasks related to cluster tickets")
        .next_help_heading("Queries")
        .arg(flag("info", 'l', "Display the information of ticket(s)"))
        .arg(flag("details", 'L', "Display the details of ticket(s)"))
        .arg(flag("raw", 'w', "Display the IDs of ticket(s)"))
        .arg(flag("query-xml", 'q', "Query the XML of ticket(s)"))
        .arg(flag("constraints", 'c', "Display the rsc_ticket constraints of ticket(s)"))
        .next_help_heading("Commands")
        .arg(flag("grant", 'g', "Grant a ticket to this cluster site"))
        .arg(flag("revoke", 'r', "Revoke a ticket from this cluster site"))
        .arg(flag("standby", 's', "Tell this cluster site this ticket is standby"))
        .arg(flag("activate", 'a', "Tell this cluster site this ticket is active"))
        .next_help_heading("Advanced Options")
        .arg(value("get-attr", 'G', "ATTRIBUTE", "Display the named attribute for a ticket"))
        .arg(
            value("set-attr", 'S', "ATTRIBUTE", "Set the named attribute for a ticket")
                .action(ArgAction::Append),
        )
        .arg(
            value("delete-attr", 'D', "ATTRIBUTE", "Delete the named attribute for a ticket")
                .action(ArgAction::Append),
        )
        .arg(flag("cleanup", 'C', "Delete all state of a ticket at this cluster site"))
        .next_help_heading("Additional Options")
        .arg(
            value("attr-value", 'v', "VALUE", "Attribute value to use with -S")
                .action(ArgAction::Append),
        )
        .arg(value("default", 'd', "VALUE", "(Advanced) Default attribute value (with -G)"))
        .arg(flag("force", 'f', "(Advanced) Force the action to be performed"))
        .arg(value("ticket", 't', "ID", "Ticket ID"))
        .arg(value("set-name", 'n', "ID", "").hide(true))
        .arg(value("nvpair", 'i', "ID", "").hide(true))
        .arg(flag("quiet", 'Q', "Print only the value on stdout"))
        .arg(words("rest"))
}

fn run(run: &mut Run) -> Outcome {
    let all: Vec<&str> = COMMANDS.iter().chain(CHANGES).copied().collect();
    let Some(chosen) = last_of(&run.matches, &all) else {
        return Err(Failure::new(Exit::Usage, "Must supply a command"));
    };
    let ticket = run.text("ticket");
    let needs_ticket = CHANGES.contains(&chosen) || matches!(chosen, "get-attr" | "cleanup");
    let source = run.source()?;
    let tickets = source.select("/cib/status/tickets")?;
    let states: Vec<Element<'_>> = tickets
        .as_ref()
        .map(|tickets| tickets.root().children_named("ticket_state").collect())
        .unwrap_or_default();
    let states: Vec<Element<'_>> = states
        .into_iter()
        .filter(|state| ticket.is_none() || state.attribute("id") == ticket.as_deref())
        .collect();
    match (chosen, &ticket) {
        (_, None) if needs_ticket => {
            Err(Failure::new(Exit::Usage, "Must supply ticket ID with -t"))
        }
        ("info" | "details" | "raw", _) => list(run, chosen, ticket.as_deref(), &states),
        ("query-xml", _) => query_xml(run, tickets.as_ref(), ticket.as_deref(), &states),
        ("constraints", _) => constraints(run, &source, ticket.as_deref()),
        ("get-attr", _) => get_attribute(run, states.first().copied()),
        ("cleanup", Some(ticket)) => cleanup(run, &source, ticket, states.first().copied()),
        (_, Some(ticket)) => modify(run, &source, ticket, states.first().copied()),
        (_, None) => Err(Failure::new(Exit::Usage, "Must supply ticket ID with -t")),
    }
}

fn is_granted(state: Element<'_>) -> bool {
    state.attribute("granted") == Some("true")
}

/// An attribute as people read it: times since 1970 as dates.
fn readable(name: &str, value: &str) -> String {
    match value.parse::<i64>() {
        Ok(seconds) if matches!(name, "last-granted" | "expires") => {
            format!("'{}'", clock::local_text(seconds))
        }
        _ => value.to_owned(),
    }
}

/// `--info`, `--details` and `--raw`.
fn list(run: &mut Run, chosen: &str, ticket: Option<&str>, states: &[Element<'_>]) -> Outcome {
    if let (Some(ticket), []) = (ticket, states) {
        return Err(Failure::new(Exit::NoSuch, format!("No such ticket '{ticket}'")));
    }
    run.out.open("tickets", &[]);
    for state in states {
        let id = state.attribute("id").unwrap_or_default();
        let status = if is_granted(*state) { "granted" } else { "revoked" };
        let is_standby = state.attribute("standby") == Some("true");
        let standby = if is_standby { "[standby]" } else { "         " };
        let rest = if chosen == "details" {
            let pairs: Vec<String> = state
                .attributes()
                .filter(|(name, _)| *name != "id")
                .map(|(name, value)| format!("{name}={}", readable(name, value)))
                .collect();
            format!(" ({})", pairs.join(", "))
        } else {
            state.attribute("last-granted").map_or_else(String::new, |when| {
                format!(" last-granted={}", readable("last-granted", when))
            })
        };
        run.out.line(&if chosen == "raw" {
            id.to_owned()
        } else {
            format!("{id}\t{status} {standby}{rest}")
        });
        let standby = if is_standby { "true" } else { "false" };
        let mut attributes = vec![("id", id), ("status", status), ("standby", standby)];
        let when = state.attribute("last-granted").and_then(|when| when.parse().ok());
        let when = when.map(clock::local_text);
        if let Some(when) = &when {
            attributes.push(("last-granted", when));
        }
        run.out.element("ticket", &attributes);
    }
    run.out.close();
    Ok(Exit::Ok)
}

/// `--query-xml`.
fn query_xml(
    run: &mut Run,
    tickets: Option<&Document>,
    ticket: Option<&str>,
    states: &[Element<'_>],
) -> Outcome {
    let found = match (ticket, states) {
        (Some(_), [state, ..]) => Some(*state),
        (Some(_), []) => None,
        (None, _) => tickets.map(Document::root),
    };
    let Some(found) = found else {
        return Err(Failure::new(
            Exit::NoSuch,
            "Could not query ticket XML: No such device or address",
        ));
    };
    run.out.line("State XML:\n");
    run.out.xml(found);
    Ok(Exit::Ok)
}

/// `--constraints`.
fn constraints(run: &mut Run, source: &Source, ticket: Option<&str>) -> Outcome {
    let filter = ticket.map(|ticket| format!("[@ticket={}]", quoted(ticket)));
    let path = format!("//rsc_ticket{}", filter.unwrap_or_default());
    let Some(found) = source.select(&path)? else {
        return Err(Failure::new(
            Exit::NoSuch,
            "Could not show ticket constraints: No such device or address",
        ));
    };
    run.out.line("Constraints XML:\n");
    run.out.xml(found.root());
    Ok(Exit::Ok)
}

/// `--get-attr`.
fn get_attribute(run: &mut Run, state: Option<Element<'_>>) -> Outcome {
    let name = run.text("get-attr").unwrap_or_default();
    let found = state
        .and_then(|state| state.attribute(&name))
        .map(|value| readable(&name, value).trim_matches('\'').to_owned())
        .or_else(|| run.text("default"));
    let Some(value) = found else {
        return Err(Failure::silent(Exit::NoSuch));
    };
    run.out.line(&value);
    let ticket = run.text("ticket").unwrap_or_default();
    run.out.open("tickets", &[]);
    run.out.open("ticket", &[("id", &ticket)]);
    run.out.element("attribute", &[("name", &name), ("value", &value)]);
    run.out.close();
    run.out.close();
    Ok(Exit::Ok)
}

/// `--cleanup`: nothing of the ticket is left here.
fn cleanup(run: &mut Run, source: &Source, ticket: &str, state: Option<Element<'_>>) -> Outcome {
    let Some(state) = state else {
        return Ok(Exit::Ok);
    };
    if is_granted(state) && !run.given("force") {
        return Err(Failure::new(Exit::InsufficientPriv, revoke_warning(ticket)));
    }
    let mut request = change(CibOperation::Delete);
    request.xpath = Some(format!("/cib/status/tickets/ticket_state[@id={}]", quoted(ticket)));
    let reply = source.cib(&request)?;
    if reply.rc != 0 {
        return Err(Failure::new(Exit::of(reply.rc), reply.message));
    }
    run.out.line(&format!("Cleaned up {ticket}"));
    Ok(Exit::Ok)
}

/// The attributes that the options set, in the order given.
fn wanted(run: &Run) -> Result<Vec<(String, String)>, Failure> {
    let mut pairs = Vec::new();
    for (option, name, value) in [
        ("grant", "granted", "true"),
        ("revoke", "granted", "false"),
        ("standby", "standby", "true"),
        ("activate", "standby", "false"),
    ] {
        if run.given(option) {
            pairs.push((name.to_owned(), value.to_owned()));
        }
    }
    let names = texts(&run.matches, "set-attr");
    let values = texts(&run.matches, "attr-value");
    if names.len() != values.len() {
        return Err(Failure::new(Exit::Usage, "Must supply attribute value with -v for each -S"));
    }
    pairs.extend(names.into_iter().zip(values).map(|(n, v)| (n.to_owned(), v.to_owned())));
    Ok(pairs)
}

/// Changes a ticket's attributes, all at once.
fn modify(run: &Run, source: &Source, ticket: &str, state: Option<Element<'_>>) -> Outcome {
    let mut pairs = wanted(run)?;
    let removed = texts(&run.matches, "delete-attr");
    let was_granted = state.is_some_and(is_granted);
    let granted = pairs.iter().rev().find(|(name, _)| name == "granted");
    let grants = granted.is_some_and(|(_, value)| value == "true");
    if !run.given("force") {
        if grants && !was_granted {
            return Err(Failure::new(Exit::InsufficientPriv, grant_warning(ticket)));
        }
        let revokes = granted.is_some() && !grants || removed.contains(&"granted");
        if revokes && was_granted {
            return Err(Failure::new(Exit::InsufficientPriv, revoke_warning(ticket)));
        }
    }
    if grants && !was_granted {
        pairs.push(("last-granted".to_owned(), run.world.now.to_string()));
    }
    let mut new = Document::new("status");
    let root = new.root().id();
    let tickets = new.append_new(root, "tickets");
    let target = match state {
        Some(state) => new.append_copy(tickets, state),
        None => new.append_new(tickets, "ticket_state"),
    };
    new.set_attribute(target, "id", ticket);
    for name in &removed {
        new.remove_attribute(target, name);
    }
    for (name, value) in &pairs {
        new.set_attribute(target, name, value);
    }
    let mut requests = Vec::new();
    if state.is_some() && !removed.is_empty() {
        let mut delete = change(CibOperation::Delete);
        delete.xpath = Some(format!("/cib/status/tickets/ticket_state[@id={}]", quoted(ticket)));
        requests.push(delete);
    }
    let mut put = change(CibOperation::Modify);
    put.section = Some("status".to_owned());
    put.input = Some(new.write_compact());
    put.allow_create = true;
    requests.push(put);
    let reply = source.transaction(requests)?;
    if reply.rc == 0 {
        return Ok(Exit::Ok);
    }
    Err(Failure::new(
        Exit::of(reply.rc),
        format!("Could not modify ticket '{ticket}': {}", reply.message),
    ))
}

fn grant_warning(ticket: &str) -> String {
    format!(
        "Ticket modification not allowed\n\
         This command cannot help you verify whether '{ticket}' has been already granted \
         elsewhere.\n\
         If you really want to grant '{ticket}' to this site now, and you know what you are \
         doing,\nplease specify --force."
    )
}

fn revoke_warning(ticket: &str) -> String {
    format!(
        "Ticket modification not allowed\n\
         Revoking '{ticket}' can trigger the specified 'loss-policy'(s) relating to \
         '{ticket}'.\n\n\
         You can check that with:\ncrm_ticket --ticket {ticket} --constraints\n\n\
         Otherwise before revoking '{ticket}', you may want to make '{ticket}' standby with:\n\
         crm_ticket --ticket {ticket} --standby\n\n\
         If you really want to revoke '{ticket}' from this site now, and you know what you are \
         doing,\nplease specify --force."
    )
}
