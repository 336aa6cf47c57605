//! Where resources are, and how they are configured.

use super::super::args::given;
use super::super::exit::Exit;
use super::super::run::{Outcome, Run};
use super::find;
use super::history::{self, Role};
use diarch_cib::xml::{Document, Element};

/// `--locate`: the nodes on which a resource is active.
pub(super) fn locate(run: &mut Run, name: &str) -> Outcome {
    let cib = run.source()?.query(None)?;
    let resource = find::resource(&cib, name)?;
    let places = places(&cib, resource);
    let quiet = given(&run.matches, "quiet");
    run.out.open("nodes", &[("resource", name)]);
    for (node, role) in &places {
        let promoted = *role == Role::Promoted;
        if quiet {
            run.out.line(node);
        } else {
            let suffix = if promoted { " Promoted" } else { "" };
            run.out.line(&format!("resource {name} is running on: {node}{suffix}"));
        }
        let attributes: &[(&str, &str)] = if promoted { &[("state", "promoted")] } else { &[] };
        run.out.element_with_text("node", attributes, node);
    }
    run.out.close();
    if places.is_empty() && !quiet {
        run.out.line(&format!("resource {name} is NOT running"));
    }
    Ok(Exit::Ok)
}

/// Where a resource is active: a group where any of its members is.
pub(super) fn places<'d>(cib: &'d Document, resource: Element<'d>) -> Vec<(&'d str, Role)> {
    let mut found: Vec<(&str, Role)> = Vec::new();
    for primitive in find::primitives(resource) {
        for (node, role) in history::active_on(cib, find::id(primitive)) {
            if !found.iter().any(|(known, _)| *known == node) {
                found.push((node, role));
            }
        }
    }
    found
}

/// `--list-raw`: the names of all primitives, with a number for each instance of a clone.
pub(super) fn list_raw(run: &mut Run) -> Outcome {
    let cib = run.source()?.query(None)?;
    let mut names = Vec::new();
    for resource in find::top(&cib) {
        for primitive in find::primitives(resource) {
            let id = find::id(primitive);
            match find::clone_of(primitive) {
                None => names.push(id.to_owned()),
                Some(clone) => {
                    let instances = find::meta(clone, "clone-max")
                        .and_then(|max| max.parse().ok())
                        .unwrap_or_else(|| find::nodes(&cib).len());
                    names.extend((0..instances).map(|number| format!("{id}:{number}")));
                }
            }
        }
    }
    let count = names.len().to_string();
    run.out.open("list", &[("name", "resource names"), ("count", &count)]);
    for name in &names {
        run.out.line(name);
        run.out.element_with_text("item", &[("name", "resource")], name);
    }
    run.out.close();
    Ok(Exit::Ok)
}

/// `--query-xml`: a resource's configuration.
pub(super) fn query_xml(run: &mut Run, name: &str) -> Outcome {
    let cib = run.source()?.query(None)?;
    let resource = find::resource(&cib, name)?;
    if resource.name() == "primitive" {
        for (line, _) in lines(&cib, resource, 0, true) {
            run.out.line(&line);
        }
    }
    run.out.line("Resource XML:");
    let text = Document::from_element(resource).write();
    run.out.raw(&text);
    run.out.open("resource_config", &[]);
    if resource.name() == "primitive" {
        element(run, &cib, resource);
    }
    run.out.element_with_text("xml", &[], &text);
    run.out.close();
    Ok(Exit::Ok)
}

/// `--list`: all resources with where they are.
pub(super) fn list(run: &mut Run) -> Outcome {
    let cib = run.source()?.query(None)?;
    let top = find::top(&cib);
    if top.is_empty() {
        run.out.line("NO resources configured");
        return Ok(Exit::Ok);
    }
    run.out.line("Full List of Resources:");
    run.out.open("resources", &[]);
    for resource in top {
        for (line, depth) in lines(&cib, resource, 1, false) {
            run.out.line(&format!("{}* {line}", "  ".repeat(depth)));
        }
    }
    for resource in find::all(&cib) {
        if resource.name() == "primitive" {
            element(run, &cib, resource);
        }
    }
    run.out.close();
    Ok(Exit::Ok)
}

/// A primitive's element in the result document.
fn element(run: &mut Run, cib: &Document, resource: Element<'_>) {
    let places = places(cib, resource);
    let role = match places.first() {
        None => "Stopped",
        Some((_, Role::Promoted)) => "Promoted",
        Some(_) => "Started",
    };
    let count = places.len().to_string();
    let agent = find::agent_name(resource);
    let active = if places.is_empty() { "false" } else { "true" };
    let unmanaged = find::meta(resource, "is-managed").is_some_and(|value| !find::is_true(value));
    run.out.open(
        "resource",
        &[
            ("id", find::id(resource)),
            ("resource_agent", &agent),
            ("role", role),
            ("active", active),
            ("orphaned", "false"),
            ("blocked", "false"),
            ("managed", if unmanaged { "false" } else { "true" }),
            ("failed", "false"),
            ("failure_ignored", "false"),
            ("nodes_running_on", &count),
        ],
    );
    for (node, _) in places {
        let id = node_id(cib, node);
        run.out.element("node", &[("name", node), ("id", id), ("cached", "true")]);
    }
    run.out.close();
}

/// The id of a configured node.
fn node_id<'d>(cib: &'d Document, name: &str) -> &'d str {
    cib.root()
        .descendants()
        .find(|e| e.name() == "node" && e.attribute("uname") == Some(name))
        .and_then(|node| node.attribute("id"))
        .unwrap_or_default()
}

/// The lines for a resource and what it contains, each with how far it stands to the right.
fn lines(
    cib: &Document,
    resource: Element<'_>,
    depth: usize,
    with_node: bool,
) -> Vec<(String, usize)> {
    let id = find::id(resource);
    let children = || resource.children().filter(|child| find::is_resource(*child));
    if resource.name() == "primitive" {
        let role = match history::active_on(cib, id).first() {
            None => "Stopped",
            Some((_, Role::Promoted)) => "Promoted",
            Some(_) => "Started",
        };
        let at: Vec<&str> = places(cib, resource).iter().map(|(node, _)| *node).collect();
        let place =
            if at.is_empty() || !with_node { String::new() } else { format!(" {}", at.join(" ")) };
        let agent = find::agent_name(resource);
        return vec![(format!("{id}\t({agent}):\t {role}{place}"), depth)];
    }
    if find::is_clone(resource) {
        let inner = children().next().map_or("", find::id);
        let kind = if find::is_promotable(resource) { " (promotable)" } else { "" };
        let mut lines = vec![(format!("Clone Set: {id} [{inner}]{kind}:"), depth)];
        lines.extend(instances(cib, resource, depth + 1));
        return lines;
    }
    let mut lines = vec![(format!("Resource Group: {id}:"), depth)];
    for child in children() {
        lines.extend(self::lines(cib, child, depth + 1, with_node));
    }
    lines
}

/// The nodes of a clone's instances, by role.
fn instances(cib: &Document, clone: Element<'_>, depth: usize) -> Vec<(String, usize)> {
    let places = places(cib, clone);
    let promotable = find::is_promotable(clone);
    let with = |role: Role| -> Vec<&str> {
        let mut nodes: Vec<&str> =
            places.iter().filter(|(_, r)| *r == role).map(|(node, _)| *node).collect();
        nodes.sort_unstable();
        nodes
    };
    let mut stopped: Vec<&str> = find::nodes(cib)
        .into_iter()
        .filter(|node| !places.iter().any(|(known, _)| known == node))
        .collect();
    stopped.sort_unstable();
    let started = if promotable { "Unpromoted" } else { "Started" };
    [("Promoted", with(Role::Promoted)), (started, with(Role::Started)), ("Stopped", stopped)]
        .into_iter()
        .filter(|(_, nodes)| !nodes.is_empty())
        .map(|(role, nodes)| (format!("{role}: [ {} ]", nodes.join(" ")), depth))
        .collect()
}
