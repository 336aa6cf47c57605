//! A resource's parameters, meta-attributes and utilization: `-g`, `-p`, `-d`, `--restart`, `-D`.

use super::super::exit::Exit;
use super::super::nvpairs::{clean_id, quoted};
use super::super::run::{Failure, Outcome, Run};
use super::super::source::{Source, change};
use super::{answered, find, wait};
use diarch_cib::xml::{Document, Element};
use diarch_cluster::request::CibOperation;

/// Which kind of set the options mean.
fn set_type(run: &Run) -> &'static str {
    if run.given("meta") {
        "meta_attributes"
    } else if run.given("utilization") {
        "utilization"
    } else {
        "instance_attributes"
    }
}

/// `--get-parameter`.
pub(super) fn get(run: &mut Run, name: &str) -> Outcome {
    let parameter = run.text("get-parameter").unwrap_or_default();
    let cib = run.source()?.query(None)?;
    let resource = find::resource(&cib, name)?;
    let found = if run.given("element") {
        resource.attribute(&parameter)
    } else {
        value(&cib, resource, set_type(run), &parameter)
    };
    match found {
        Some(value) => {
            run.out.line(value);
            run.out.open("list", &[("name", "attributes"), ("count", "1")]);
            run.out.element_with_text("item", &[("name", &parameter)], value);
            run.out.close();
        }
        None => run.out.message(&format!("Attribute '{parameter}' not found for '{name}'")),
    }
    Ok(Exit::Ok)
}

/// A parameter's value: the resource's own, or its template's; a meta-attribute also that of what
/// contains the resource, and of the defaults.
fn value<'d>(
    cib: &'d Document,
    resource: Element<'d>,
    set_type: &str,
    parameter: &str,
) -> Option<&'d str> {
    let configuration = cib.root().child("configuration")?;
    let mut here = Some(resource);
    while let Some(element) = here.filter(|element| find::is_resource(*element)) {
        if let Some(value) = find::pair(element, set_type, parameter) {
            return Some(value);
        }
        let template = element.attribute("template").and_then(|name| {
            configuration
                .child("resources")?
                .children_named("template")
                .find(|template| template.attribute("id") == Some(name))
        });
        if let Some(value) = template.and_then(|t| find::pair(t, set_type, parameter)) {
            return Some(value);
        }
        here = element.parent();
        if set_type != "meta_attributes" {
            return None;
        }
    }
    let defaults = configuration.child("rsc_defaults")?;
    find::pair(defaults, set_type, parameter)
}

/// A pair that a resource has, with its id and its set's.
struct Pair {
    id: String,
    set: String,
}

/// The pairs with this name in a resource's own sets.
fn pairs(run: &Run, resource: Element<'_>, parameter: &str) -> Vec<Pair> {
    let set_name = run.text("set-name");
    let nvpair = run.text("nvpair");
    let mut found = Vec::new();
    let sets = resource.children().filter(|set| set.name() == set_type(run));
    for set in sets {
        let set_id = find::id(set);
        if set_name.as_deref().is_some_and(|wanted| wanted != set_id) {
            continue;
        }
        for pair in set.children_named("nvpair") {
            let id = find::id(pair);
            if pair.attribute("name") == Some(parameter)
                && nvpair.as_deref().is_none_or(|wanted| wanted == id)
            {
                found.push(Pair { id: id.to_owned(), set: set_id.to_owned() });
            }
        }
    }
    found
}

/// The resource that a change is for: a clone stands for what is in it, unless forced.
fn target<'d>(run: &mut Run, resource: Element<'d>, verb: &str, parameter: &str) -> Element<'d> {
    let own = !pairs(run, resource, parameter).is_empty();
    let parent = resource.parent().filter(|parent| find::is_clone(*parent));
    match parent {
        Some(parent) if run.given("meta") && !run.given("force") && !own => {
            run.out.line(&format!(
                "Performing {verb} of '{parameter}' on '{}', the parent of '{}'",
                find::id(parent),
                find::id(resource)
            ));
            parent
        }
        _ => resource,
    }
}

/// `--set-parameter`.
pub(super) fn set(run: &mut Run, name: &str) -> Outcome {
    let parameter = run.text("set-parameter").unwrap_or_default();
    let Some(value) = run.text("parameter-value") else {
        return Err(Failure::new(Exit::Usage, "You need to supply a value with the -v option"));
    };
    let source = run.source()?;
    let cib = source.query(None)?;
    let resource = find::resource(&cib, name)?;
    if run.given("element") {
        return set_element(run, &source, resource, &parameter, &value);
    }
    let resource = target(run, resource, "update", &parameter);
    let found = pairs(run, resource, &parameter);
    if found.len() > 1 {
        let mut text = format!("Multiple attributes match name={parameter}");
        for pair in &found {
            text.push_str(&format!("\n  Set: {} \t(id={})", pair.set, pair.id));
        }
        return Err(Failure::new(Exit::Multiple, text));
    }
    write_pair(run, &source, resource, found.first(), &parameter, &value)
}

/// Writes a pair, old or new, and says so.
fn write_pair(
    run: &mut Run,
    source: &Source,
    resource: Element<'_>,
    found: Option<&Pair>,
    parameter: &str,
    value: &str,
) -> Outcome {
    let kind = set_type(run);
    let owner = find::id(resource);
    let set = match found {
        Some(pair) => pair.set.clone(),
        None => run.text("set-name").unwrap_or_else(|| format!("{owner}-{kind}")),
    };
    let id = match found {
        Some(pair) => pair.id.clone(),
        None => run.text("nvpair").unwrap_or_else(|| clean_id(&format!("{set}-{parameter}"))),
    };
    let mut input = Document::new(resource.name());
    let root = input.root().id();
    input.set_attribute(root, "id", owner);
    let set_node = input.append_new(root, kind);
    input.set_attribute(set_node, "id", &set);
    let pair = input.append_new(set_node, "nvpair");
    for (name, value) in [("id", id.as_str()), ("name", parameter), ("value", value)] {
        input.set_attribute(pair, name, value);
    }
    modify(source, input.write_compact())?;
    let in_set = if found.is_some() { String::new() } else { format!(" set={set}") };
    if !run.given("quiet") {
        run.out
            .line(&format!("Set '{owner}' option: id={id}{in_set} name={parameter} value={value}"));
    }
    Ok(Exit::Ok)
}

/// The set that a resource has already, if it has one of this kind that no rule limits.
fn first_set(resource: Element<'_>, kind: &str) -> Option<String> {
    resource
        .children()
        .filter(|set| set.name() == kind && set.child("rule").is_none())
        .find_map(|set| set.attribute("id"))
        .map(str::to_owned)
}

/// `--element`: an attribute of the resource's element itself.
fn set_element(
    run: &mut Run,
    source: &Source,
    resource: Element<'_>,
    parameter: &str,
    value: &str,
) -> Outcome {
    let mut input = Document::new(resource.name());
    let root = input.root().id();
    input.set_attribute(root, "id", find::id(resource));
    input.set_attribute(root, parameter, value);
    modify(source, input.write_compact())?;
    if !run.given("quiet") {
        run.out.line(&format!("Set attribute: name={parameter} value={value}"));
    }
    Ok(Exit::Ok)
}

fn modify(source: &Source, input: String) -> Outcome {
    let mut request = change(CibOperation::Modify);
    request.section = Some("resources".to_owned());
    request.input = Some(input);
    let reply = source.cib(&request)?;
    answered(reply.rc, &reply.message)
}

/// `--delete-parameter`.
pub(super) fn delete(run: &mut Run, name: &str) -> Outcome {
    let parameter = run.text("delete-parameter").unwrap_or_default();
    let source = run.source()?;
    let cib = source.query(None)?;
    let resource = find::resource(&cib, name)?;
    let resource = target(run, resource, "delete", &parameter);
    for pair in pairs(run, resource, &parameter) {
        let mut request = change(CibOperation::Delete);
        request.xpath = Some(format!("//nvpair[@id={}]", quoted(&pair.id)));
        let reply = source.cib(&request)?;
        answered(reply.rc, &reply.message)?;
        if !run.given("quiet") {
            run.out.line(&format!(
                "Deleted '{}' option: id={} name={parameter}",
                find::id(resource),
                pair.id
            ));
        }
    }
    Ok(Exit::Ok)
}

/// `--delete`: the resource itself.
pub(super) fn delete_resource(run: &Run, name: &str) -> Outcome {
    let Some(kind) = run.text("resource-type") else {
        return Err(Failure::new(
            Exit::NoSuch,
            "You need to specify a resource type with -t\n\
             Error performing operation: No such object",
        ));
    };
    let mut input = Document::new(&kind);
    let root = input.root().id();
    input.set_attribute(root, "id", name);
    let mut request = change(CibOperation::Delete);
    request.section = Some("resources".to_owned());
    request.input = Some(input.write_compact());
    let reply = run.source()?.cib(&request)?;
    answered(reply.rc, &reply.message)
}

/// `--restart`: stopped by its target role, and then as it was before.
pub(super) fn restart(run: &Run, name: &str) -> Outcome {
    let source = run.source()?;
    let cib = source.query(None)?;
    let resource = find::collective(find::resource(&cib, name)?);
    if super::place::places(&cib, resource).is_empty() {
        return Err(Failure::new(
            Exit::NotRunning,
            format!("{name} is not running and so cannot be restarted"),
        ));
    }
    let before = find::meta(resource, "target-role").map(str::to_owned);
    set_role(&source, resource, Some("Stopped"))?;
    let stopped = wait(run);
    set_role(&source, resource, before.as_deref())?;
    stopped?;
    wait(run)
}

/// Sets a resource's target role, or removes it.
fn set_role(source: &Source, resource: Element<'_>, role: Option<&str>) -> Outcome {
    let owner = find::id(resource);
    let existing = resource
        .children_named("meta_attributes")
        .flat_map(|set| set.children_named("nvpair").map(move |pair| (set, pair)))
        .find(|(_, pair)| pair.attribute("name") == Some("target-role"));
    let set = match existing {
        Some((set, _)) => find::id(set).to_owned(),
        None => first_set(resource, "meta_attributes")
            .unwrap_or_else(|| format!("{owner}-meta_attributes")),
    };
    let id = existing.map_or_else(
        || clean_id(&format!("{set}-target-role")),
        |(_, pair)| find::id(pair).to_owned(),
    );
    let Some(role) = role else {
        let mut request = change(CibOperation::Delete);
        request.xpath = Some(format!("//nvpair[@id={}]", quoted(&id)));
        let reply = source.cib(&request)?;
        return answered(reply.rc, &reply.message);
    };
    let mut input = Document::new(resource.name());
    let root = input.root().id();
    input.set_attribute(root, "id", owner);
    let set_node = input.append_new(root, "meta_attributes");
    input.set_attribute(set_node, "id", &set);
    let pair = input.append_new(set_node, "nvpair");
    for (name, value) in [("id", id.as_str()), ("name", "target-role"), ("value", role)] {
        input.set_attribute(pair, name, value);
    }
    modify(source, input.write_compact())
}
