//! `--move`, `--ban` and `--clear`: location constraints with names of their own.
//!
//! Their ids are an interface: `cli-prefer-R`, `cli-ban-R-on-N`.

use super::super::exit::Exit;
use super::super::nvpairs::quoted;
use super::super::run::{Failure, Outcome, Run};
use super::super::source::{Source, change};
use super::find;
use super::history::Role;
use super::{answered, place};
use diarch_cib::time::{DateTime, Duration};
use diarch_cib::xml::{Document, Element};
use diarch_cluster::request::CibOperation;

/// `--move`: to a node, or away from where the resource is.
pub(super) fn move_away(run: &mut Run, name: &str) -> Outcome {
    let source = run.source()?;
    let cib = source.query(None)?;
    let resource = find::resource(&cib, name)?;
    let Some(node) = run.text("node") else {
        return ban_current(run, &source, &cib, resource, name);
    };
    find::check_node(&cib, &node)?;
    let promoted = wants_promoted(run, resource);
    let places = place::places(&cib, resource);
    let here: Vec<&str> = places
        .iter()
        .filter(|(_, role)| !promoted || *role == Role::Promoted)
        .map(|(node, _)| *node)
        .collect();
    if here.len() > 1 && !run.given("force") {
        return Err(Failure::new(
            Exit::Multiple,
            format!("{name} is active on more than one node"),
        ));
    }
    let already = here.contains(&node.as_str());
    if already && !run.given("force") {
        return Err(Failure::new(
            Exit::Exists,
            "Error performing operation: Requested item already exists",
        ));
    }
    remove(&source, &cib, name, None, promoted, false)?;
    let end = lifetime(run)?;
    let prefer = prefer(name, &node, promoted, end.as_deref());
    put(&source, &prefer)?;
    if run.given("force")
        && let [current] = here.as_slice()
        && !already
    {
        let current = (*current).to_owned();
        return put_ban(run, &source, name, &current, promoted, end.as_deref());
    }
    Ok(Exit::Ok)
}

/// `--ban`: not on this node any more.
pub(super) fn ban(run: &mut Run, name: &str) -> Outcome {
    let source = run.source()?;
    let cib = source.query(None)?;
    let resource = find::resource(&cib, name)?;
    if find::without_instance(name) != name && find::clone_of(resource).is_some() {
        return Err(Failure::new(
            Exit::InvalidParam,
            format!(
                "Cannot operate on clone resource instance '{name}'\n\
                 Error performing operation: Invalid parameter"
            ),
        ));
    }
    let Some(node) = run.text("node") else {
        return ban_current(run, &source, &cib, resource, name);
    };
    find::check_node(&cib, &node)?;
    let promoted = wants_promoted(run, resource);
    let end = lifetime(run)?;
    put_ban(run, &source, name, &node, promoted, end.as_deref())
}

/// Bans a resource from the one node on which it is.
fn ban_current(
    run: &mut Run,
    source: &Source,
    cib: &Document,
    resource: Element<'_>,
    name: &str,
) -> Outcome {
    let places = place::places(cib, resource);
    let promoted: Vec<&str> =
        places.iter().filter(|(_, role)| *role == Role::Promoted).map(|(node, _)| *node).collect();
    let end = lifetime(run)?;
    let wants_promoted = wants_promoted(run, resource);
    let node = match (places.as_slice(), promoted.as_slice()) {
        ([(node, _)], _) => *node,
        (_, [node]) if find::is_promotable(resource) => *node,
        _ => {
            let text = format!(
                "Resource '{name}' not moved: active in {} locations.\n\
                 To prevent '{name}' from running on a specific location, specify a node.",
                places.len()
            );
            return Err(Failure::new(Exit::Usage, text));
        }
    };
    put_ban(run, source, name, node, wants_promoted, end.as_deref())
}

/// Whether `--promoted` applies.
fn wants_promoted(run: &mut Run, resource: Element<'_>) -> bool {
    if !run.given("promoted") {
        return false;
    }
    let promotable = find::is_promotable(resource);
    if !promotable {
        let id = find::id(resource);
        run.out.message(&format!("Ignoring --promoted option: {id} is not promotable"));
    }
    promotable
}

/// When constraints end, if they do.
fn lifetime(run: &mut Run) -> Result<Option<String>, Failure> {
    let Some(text) = run.text("lifetime") else {
        return Ok(None);
    };
    let Ok(duration) = text.parse::<Duration>() else {
        return Err(Failure::new(
            Exit::InvalidParam,
            format!(
                "Invalid duration specified: {text}\n\
                 Please refer to https://en.wikipedia.org/wiki/ISO_8601#Durations for examples \
                 of valid durations"
            ),
        ));
    };
    let end = DateTime::from_epoch(run.world.now).plus(duration).to_string();
    run.out.line(&format!("Migration will take effect until: {end}"));
    Ok(Some(end))
}

/// The constraint of `--move`.
fn prefer(name: &str, node: &str, promoted: bool, end: Option<&str>) -> String {
    let ids = [
        format!("cli-prefer-{name}"),
        format!("cli-prefer-rule-{name}"),
        format!("cli-prefer-expr-{name}"),
        format!("cli-prefer-lifetime-end-{name}"),
    ];
    location(name, node, "INFINITY", promoted, &ids, end)
}

/// Adds the constraint of `--ban` and says so.
fn put_ban(
    run: &mut Run,
    source: &Source,
    name: &str,
    node: &str,
    promoted: bool,
    end: Option<&str>,
) -> Outcome {
    let id = format!("cli-ban-{name}-on-{node}");
    let what = if promoted { "being promoted" } else { "running" };
    if !run.given("quiet") {
        for line in [
            format!(
                "WARNING: Creating rsc_location constraint '{id}' with a score of -INFINITY for \
                 resource {name} on {node}."
            ),
            format!(
                "\tThis will prevent {name} from {what} on {node} until the constraint is \
                 removed using the clear option or by editing the CIB with an appropriate tool"
            ),
            format!("\tThis will be the case even if {node} is the last node in the cluster"),
        ] {
            run.out.line(&line);
        }
    }
    let ids = [id.clone(), format!("{id}-rule"), format!("{id}-expr"), format!("{id}-lifetime")];
    let text = location(name, node, "-INFINITY", promoted, &ids, end);
    put(source, &text)
}

/// A location constraint: of a node, or of a rule that ends at some time.
fn location(
    name: &str,
    node: &str,
    score: &str,
    promoted: bool,
    ids: &[String; 4],
    end: Option<&str>,
) -> String {
    let mut document = Document::new("rsc_location");
    let root = document.root().id();
    document.set_attribute(root, "id", &ids[0]);
    document.set_attribute(root, "rsc", name);
    let role = if promoted { "Promoted" } else { "Started" };
    document.set_attribute(root, "role", role);
    let Some(end) = end else {
        document.set_attribute(root, "node", node);
        document.set_attribute(root, "score", score);
        return document.write_compact();
    };
    let mut add = |parent, element: &str, attributes: &[(&str, &str)]| {
        let id = document.append_new(parent, element);
        for (name, value) in attributes {
            document.set_attribute(id, name, value);
        }
        id
    };
    let rule = add(root, "rule", &[("id", &ids[1]), ("score", score), ("boolean-op", "and")]);
    add(
        rule,
        "expression",
        &[
            ("id", &ids[2]),
            ("attribute", "#uname"),
            ("operation", "eq"),
            ("value", node),
            ("type", "string"),
        ],
    );
    add(rule, "date_expression", &[("id", &ids[3]), ("operation", "lt"), ("end", end)]);
    document.write_compact()
}

/// Puts a constraint into the configuration, in the place of one with its name.
fn put(source: &Source, constraint: &str) -> Outcome {
    let mut request = change(CibOperation::Modify);
    request.section = Some("constraints".to_owned());
    request.input = Some(constraint.to_owned());
    request.allow_create = true;
    let reply = source.cib(&request)?;
    answered(reply.rc, &reply.message)
}

/// `--clear`: removes what `--move` and `--ban` made.
pub(super) fn clear(run: &mut Run, name: &str) -> Outcome {
    let source = run.source()?;
    let cib = source.query(None)?;
    let resource = find::resource(&cib, name)?;
    let node = run.text("node");
    if let Some(node) = &node {
        find::check_node(&cib, node)?;
    }
    let promoted = wants_promoted(run, resource);
    let force = run.given("force");
    let names = if run.given("expired") {
        let names = expired(&cib, name, node.as_deref(), run.world.now);
        delete(&source, &names)?;
        names
    } else {
        remove(&source, &cib, name, node.as_deref(), promoted, force)?
    };
    if !run.given("quiet") {
        for name in names {
            run.out.line(&format!("Removing constraint: {name}"));
        }
    }
    Ok(Exit::Ok)
}

/// The constraints that these commands made for a resource.
fn made_by_tools<'d>(cib: &'d Document, name: &str) -> Vec<Element<'d>> {
    let ban = format!("cli-ban-{name}-on-");
    let prefer = format!("cli-prefer-{name}");
    cib.root()
        .child("configuration")
        .and_then(|configuration| configuration.child("constraints"))
        .into_iter()
        .flat_map(|constraints| constraints.children_named("rsc_location"))
        .filter(|constraint| {
            let id = find::id(*constraint);
            id == prefer || id.starts_with(&ban) && constraint.attribute("rsc") == Some(name)
        })
        .collect()
}

/// The node that a constraint is about: its own, or its rule's.
fn node_of<'d>(constraint: Element<'d>) -> Option<&'d str> {
    constraint.attribute("node").or_else(|| {
        constraint
            .descendants()
            .find(|e| e.name() == "expression" && e.attribute("attribute") == Some("#uname"))
            .and_then(|expression| expression.attribute("value"))
    })
}

/// Removes constraints that these commands made; gives their names.
fn remove(
    source: &Source,
    cib: &Document,
    name: &str,
    node: Option<&str>,
    promoted: bool,
    any_prefer: bool,
) -> Result<Vec<String>, Failure> {
    let names: Vec<String> = made_by_tools(cib, name)
        .into_iter()
        .filter(|constraint| {
            let is_prefer = find::id(*constraint).starts_with("cli-prefer-");
            let role_fits = !promoted || constraint.attribute("role") == Some("Promoted");
            role_fits && (node.is_none() || node_of(*constraint) == node || is_prefer && any_prefer)
        })
        .map(|constraint| find::id(constraint).to_owned())
        .collect();
    delete(source, &names)?;
    Ok(names)
}

/// The constraints whose time is over.
fn expired(cib: &Document, name: &str, node: Option<&str>, now: i64) -> Vec<String> {
    made_by_tools(cib, name)
        .into_iter()
        .filter(|constraint| node.is_none() || node_of(*constraint) == node)
        .filter(|constraint| {
            constraint
                .descendants()
                .filter(|e| e.name() == "date_expression")
                .filter_map(|e| e.attribute("end"))
                .filter_map(|end| end.parse::<DateTime>().ok())
                .any(|end| end.epoch() < now)
        })
        .map(|constraint| find::id(constraint).to_owned())
        .collect()
}

fn delete(source: &Source, names: &[String]) -> Result<(), Failure> {
    for name in names {
        let mut request = change(CibOperation::Delete);
        request.xpath = Some(format!("//rsc_location[@id={}]", quoted(name)));
        let reply = source.cib(&request)?;
        answered(reply.rc, &reply.message)?;
    }
    Ok(())
}
