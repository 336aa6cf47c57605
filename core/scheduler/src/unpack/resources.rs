//! Resources: templates, variants, meta-attributes with their defaults, operations.

use super::duration::{boolean, interval_ms, is_true, ms_or, small};
use super::nvpairs::{self, Pairs};
use super::rule::{Context, enabled};
use crate::model::{
    CloneData, Discovery, GroupData, MultiplyActive, NoQuorum, NodeTable, OpConfig, Placed,
    Requires, Resource, Role, RscIdx, Tables, Variant, score,
};
use diarch_cib::xml::Element;
use std::borrow::Cow;
use std::collections::BTreeMap;

/// Reads the `resources` section.
pub(crate) fn unpack<'c>(t: &mut Tables<'c>, section: Option<Element<'c>>) {
    let Some(section) = section else { return };
    for element in section.children() {
        if element.name() == "template" {
            continue;
        }
        if let Some(rsc) = unpack_one(t, element, None, None) {
            t.top.push(rsc);
        }
    }
    // The connections of guests come after all that is configured.
    for element in section.children_named("primitive") {
        super::remote::guests(t, element, None);
    }
    super::remote::link(t);
    if t.options.fencing_enabled && !t.have_fencing && !t.options.maintenance {
        t.error(
            "Resource start-up disabled since no fencing resources have been defined. Either \
             configure some or disable fencing with the fencing-enabled option. NOTE: Clusters \
             with shared data need fencing to ensure data integrity."
                .to_owned(),
        );
    }
}

/// Reads one resource and all inside it; `instance` is its number within a clone.
pub(crate) fn unpack_one<'c>(
    t: &mut Tables<'c>,
    element: Element<'c>,
    parent: Option<RscIdx>,
    instance: Option<i32>,
) -> Option<RscIdx> {
    let Some(id) = element.attribute("id") else {
        t.error(format!("ignoring <{}> configuration without id", element.name()));
        return None;
    };
    let template = match element.attribute("template") {
        None => None,
        Some(name) => match t.ids.get(name).copied() {
            Some(template) if template.name() == "template" => Some(template),
            _ => {
                t.error(format!("{id}: no template '{name}'"));
                return None;
            }
        },
    };
    let variant = match element.name() {
        "primitive" => Variant::Primitive,
        "group" => Variant::Group(GroupData { ordered: true, colocated: true }),
        "clone" | "master" => Variant::Clone(super::clone::blank()),
        "bundle" => Variant::Bundle(Box::default()),
        other => {
            t.error(format!("ignoring resource '{id}' of unknown type '{other}'"));
            return None;
        }
    };
    let rsc = add(t, id, instance, element, template, parent, variant);
    let meta = own_meta(t, rsc);
    let meta = meta.into_iter().map(|(k, v)| (Cow::Borrowed(k), Cow::Borrowed(v))).collect();
    finish(t, rsc, meta)?;
    Some(rsc)
}

/// Adds a resource's row with nothing but its definition.
#[expect(clippy::too_many_lines, reason = "one line for each field")]
pub(crate) fn add<'c>(
    t: &mut Tables<'c>,
    id: &str,
    instance: Option<i32>,
    element: Element<'c>,
    template: Option<Element<'c>>,
    parent: Option<RscIdx>,
    variant: Variant,
) -> RscIdx {
    let attribute =
        |name| element.attribute(name).or_else(|| template.and_then(|at| at.attribute(name)));
    let primitive = matches!(variant, Variant::Primitive);
    let agent = |name| if primitive { attribute(name).unwrap_or("") } else { "" };
    let row = Resource {
        id: instance.map_or_else(|| id.to_owned(), |number| format!("{id}:{number}")),
        base_id: id.to_owned(),
        history_id: None,
        xml: element,
        template,
        parent,
        variant,
        children: Vec::new(),
        class: agent("class"),
        provider: agent("provider"),
        agent: agent("type"),
        meta: BTreeMap::new(),
        extra_params: Vec::new(),
        ops: Vec::new(),
        implicit: false,
        utilization: BTreeMap::new(),
        removed: false,
        removed_filler: false,
        managed: true,
        blocked: false,
        failed: false,
        failure_ignored: false,
        maintenance: false,
        unique: false,
        notify: false,
        promotable: false,
        fence_device: false,
        unfence_device: false,
        allow_migrate: false,
        critical: true,
        remote_connection: false,
        exclusive_discovery: false,
        start_pending: false,
        unassigned: true,
        assigning: false,
        restarting: false,
        stop_unexpected: false,
        promoted_by_location: false,
        reload: false,
        merged_promotion_weights: false,
        added_to_scores: false,
        allow_remote_members: true,
        replica_container: false,
        surplus: false,
        shutdown_locked: false,
        role: Role::Stopped,
        next_role: Role::Unknown,
        priority: 0,
        stickiness: 0,
        requires: Requires::Nothing,
        multiply_active: MultiplyActive::StopStart,
        failure_timeout_ms: 0,
        migration_threshold: score::INFINITY,
        reconnect_interval_ms: 0,
        promotion_priority: 0,
        sort_index: -1,
        allowed: NodeTable::default(),
        known_on: Vec::new(),
        active_on: Vec::new(),
        partial_source: None,
        partial_target: None,
        dangling_sources: Vec::new(),
        assigned_to: None,
        lock: None,
        pending: None,
        container: None,
        fillers: Vec::new(),
        remote_node: None,
        actions: Vec::new(),
        this_with: Vec::new(),
        with_this: Vec::new(),
        locations: Vec::new(),
        tickets: Vec::new(),
    };
    t.resources.push(row)
}

/// Gives what a resource's sets are read from: itself, then its template.
pub(crate) fn sources<'c>(t: &Tables<'c>, rsc: RscIdx) -> Vec<Element<'c>> {
    let row = &t.resources[rsc];
    if row.implicit {
        return Vec::new();
    }
    core::iter::once(row.xml).chain(row.template).collect()
}

fn agent_context<'a>(t: &'a Tables<'_>, rsc: RscIdx) -> Context<'a> {
    let row = &t.resources[rsc];
    let agent = row.is_primitive().then_some((row.class, row.provider, row.agent));
    Context { agent, ..Context::default() }
}

fn own_meta<'c>(t: &Tables<'c>, rsc: RscIdx) -> Pairs<'c> {
    let mut found = Pairs::new();
    let context = agent_context(t, rsc);
    let from = sources(t, rsc);
    nvpairs::collect(t, &from, "meta_attributes", None, &context, &mut found);
    found
}

/// Completes the meta-attributes with the parent's and the defaults, then reads what they say.
pub(crate) fn finish<'c>(
    t: &mut Tables<'c>,
    rsc: RscIdx,
    own: BTreeMap<Cow<'c, str>, Cow<'c, str>>,
) -> Option<()> {
    let mut meta = own;
    if let Some(parent) = t.resources[rsc].parent {
        for (name, value) in &t.resources[parent].meta {
            meta.entry(name.clone()).or_insert_with(|| value.clone());
        }
    }
    let defaults = t.cib.child("configuration").and_then(|at| at.child("rsc_defaults"));
    if let Some(defaults) = defaults {
        let mut found = Pairs::new();
        let context = agent_context(t, rsc);
        nvpairs::collect(t, &[defaults], "meta_attributes", None, &context, &mut found);
        for (name, value) in found {
            meta.entry(Cow::Borrowed(name)).or_insert(Cow::Borrowed(value));
        }
    }
    t.resources[rsc].meta = meta;
    read_meta(t, rsc);
    read_reconnect(t, rsc);
    read_operations(t, rsc);
    read_utilization(t, rsc);
    if t.options.symmetric {
        for node in t.nodes.ids() {
            if t.is_bundle_node(node) {
                continue;
            }
            let score = t.nodes[node].base_score;
            let placed = Placed { node, score, count: 0, discovery: Discovery::Always };
            t.resources[rsc].allowed.put(placed);
        }
    }
    let row = &t.resources[rsc];
    if !t.options.symmetric && row.remote_connection && row.meta("container").is_some() {
        // A guest's connection may be wherever its container is.
        for node in t.nodes.ids() {
            if !t.is_bundle_node(node) {
                t.resources[rsc].allowed.put_score(node, 0);
            }
        }
    }
    match t.resources[rsc].variant {
        Variant::Primitive => Some(()),
        Variant::Group(_) => group(t, rsc),
        Variant::Clone(_) => super::clone::unpack(t, rsc),
        Variant::Bundle(_) => super::bundle::unpack(t, rsc),
    }
}

fn read_meta(t: &mut Tables<'_>, rsc: RscIdx) {
    let options = &t.options;
    let row = &mut t.resources[rsc];
    let meta = |name: &str| row.meta.get(name).map(AsRef::<str>::as_ref);
    let flag = |name: &str, default: bool| meta(name).and_then(boolean).unwrap_or(default);
    let ocf_remote = row.class == "ocf" && row.provider == "pacemaker" && row.agent == "remote";
    let notify = flag("notify", false);
    let critical = flag("critical", true);
    let maintenance = flag("maintenance", false) || options.maintenance;
    let managed = flag("is-managed", true) && !maintenance;
    let migrate = row.is_primitive() && flag("allow-migrate", ocf_remote);
    let priority = meta("priority").and_then(score::parse).unwrap_or(0);
    let stickiness = meta("resource-stickiness").and_then(score::parse).unwrap_or(0);
    let threshold = meta("migration-threshold").and_then(score::parse);
    let multiply = match meta("multiple-active") {
        Some("block") => MultiplyActive::Block,
        Some("stop_only") => MultiplyActive::StopOnly,
        Some("stop_unexpected") => MultiplyActive::StopUnexpected,
        _ => MultiplyActive::StopStart,
    };
    let failure_timeout = ms_or(meta("failure-timeout"), 0);
    let fence_device = row.class == "stonith";
    let unfences = fence_device && meta("provides") == Some("unfencing");
    let unique = flag("globally-unique", false);
    row.notify = notify;
    row.critical = critical;
    row.maintenance = maintenance;
    row.managed = managed;
    row.allow_migrate = migrate;
    row.priority = priority;
    row.stickiness = stickiness;
    row.migration_threshold = threshold.filter(|&value| value > 0).unwrap_or(score::INFINITY);
    row.multiply_active = multiply;
    row.failure_timeout_ms = failure_timeout;
    row.fence_device = fence_device;
    row.unfence_device = unfences;
    row.remote_connection = ocf_remote;
    row.unique = row.is_clone() && unique || row.parent.is_some() && !row.is_clone() && unique;
    t.have_fencing |= fence_device;
    t.have_unfencing |= unfences;
    let requires = requires(t, rsc);
    t.resources[rsc].requires = requires;
}

/// A connection that was lost may be tried again after a while: so long its failure counts.
fn read_reconnect(t: &mut Tables<'_>, rsc: RscIdx) {
    if !t.resources[rsc].remote_connection {
        return;
    }
    let found = parameters(t, rsc, None);
    let interval = found.get("reconnect_interval").map(AsRef::as_ref);
    let interval_ms = ms_or(interval, 0);
    if interval_ms > 0 {
        t.resources[rsc].reconnect_interval_ms = interval_ms;
        t.resources[rsc].failure_timeout_ms = interval_ms;
    }
}

fn requires(t: &Tables<'_>, rsc: RscIdx) -> Requires {
    let row = &t.resources[rsc];
    let fencing = t.options.fencing_enabled;
    match row.meta("requires") {
        Some("nothing") => Requires::Nothing,
        Some("quorum") => Requires::Quorum,
        Some("fencing") => Requires::Fencing,
        Some("unfencing") if row.fence_device || !fencing => Requires::Quorum,
        Some("unfencing") => Requires::Unfencing,
        _ if row.fence_device || row.remote_connection => Requires::Quorum,
        _ if t.have_unfencing => Requires::Unfencing,
        _ if fencing => Requires::Fencing,
        _ if t.options.no_quorum == NoQuorum::Ignore => Requires::Nothing,
        _ => Requires::Quorum,
    }
}

fn read_operations(t: &mut Tables<'_>, rsc: RscIdx) {
    if !t.resources[rsc].is_primitive() || t.resources[rsc].implicit {
        return;
    }
    let mut ops: Vec<OpConfig<'_>> = Vec::new();
    for (at, source) in sources(t, rsc).into_iter().enumerate() {
        let own = ops.len();
        for list in source.children_named("operations") {
            for element in nvpairs::resolve(t, list).children_named("op") {
                let op = operation(nvpairs::resolve(t, element));
                let same = |other: &OpConfig<'_>| other.name == op.name && (other.role == op.role);
                if at == 0 || !ops[..own].iter().any(same) {
                    ops.push(op);
                }
            }
        }
    }
    t.resources[rsc].ops = ops;
}

fn operation(element: Element<'_>) -> OpConfig<'_> {
    let interval = element.attribute("interval");
    OpConfig {
        id: element.attribute("id").unwrap_or(""),
        name: element.attribute("name").unwrap_or(""),
        interval_ms: interval_ms(interval),
        interval: interval.unwrap_or("0"),
        role: element.attribute("role").and_then(Role::parse).unwrap_or(Role::Unknown),
        enabled: enabled(element),
        attributes: element.attributes().collect(),
        element: Some(element),
    }
}

fn read_utilization(t: &mut Tables<'_>, rsc: RscIdx) {
    let mut found = Pairs::new();
    let from = sources(t, rsc);
    nvpairs::collect(t, &from, "utilization", None, &Context::default(), &mut found);
    for (name, value) in found {
        let value = i64::from(small(Some(value)).unwrap_or(0));
        t.resources[rsc].utilization.insert(Cow::Borrowed(name), value);
    }
}

fn group(t: &mut Tables<'_>, rsc: RscIdx) -> Option<()> {
    let row = &t.resources[rsc];
    let flag = |name: &str| row.meta(name).is_none_or(|text| is_true(Some(text)));
    let data = GroupData { ordered: flag("ordered"), colocated: flag("collocated") };
    let element = row.xml;
    let number = row.id.rsplit_once(':').and_then(|(_, number)| number.parse().ok());
    let instance = if row.parent.is_some() { number } else { None };
    t.resources[rsc].variant = Variant::Group(data);
    for child in element.children_named("primitive") {
        if let Some(child) = unpack_one(t, child, Some(rsc), instance) {
            t.resources[rsc].children.push(child);
        }
    }
    if instance.is_none() {
        for child in element.children_named("primitive") {
            super::remote::guests(t, child, Some(rsc));
        }
    }
    if t.resources[rsc].children.is_empty() {
        t.warn(format!(
            "Group {} will be ignored because it does not have any members",
            t.resources[rsc].id
        ));
    }
    Some(())
}

/// Gives the parameters that an agent gets on a node: its own, then its parents'.
pub(crate) fn parameters<'c>(
    t: &Tables<'c>,
    rsc: RscIdx,
    node: Option<crate::model::NodeIdx>,
) -> BTreeMap<Cow<'c, str>, Cow<'c, str>> {
    let mut found: BTreeMap<Cow<'c, str>, Cow<'c, str>> = BTreeMap::new();
    for (name, value) in &t.resources[rsc].extra_params {
        found.insert(Cow::Borrowed(name), Cow::Owned(value.clone()));
    }
    let mut at = Some(rsc);
    while let Some(rsc) = at {
        let mut pairs = Pairs::new();
        let context = Context { ..Context::of_node(t, node) };
        nvpairs::collect(t, &sources(t, rsc), "instance_attributes", None, &context, &mut pairs);
        for (name, value) in pairs {
            found.entry(Cow::Borrowed(name)).or_insert(Cow::Borrowed(value));
        }
        at = t.resources[rsc].parent;
    }
    found
}

/// Counts the options of a clone that are numbers.
pub(crate) fn clone_number(t: &Tables<'_>, rsc: RscIdx, names: &[&str]) -> Option<i32> {
    names.iter().find_map(|name| small(t.resources[rsc].meta(name)))
}

/// Gives a clone's row of data to change.
pub(crate) fn clone_data_mut<'t>(t: &'t mut Tables<'_>, rsc: RscIdx) -> Option<&'t mut CloneData> {
    match &mut t.resources[rsc].variant {
        Variant::Clone(data) => Some(data),
        Variant::Primitive | Variant::Group(_) | Variant::Bundle(_) => None,
    }
}
