//! What follows when an operation fails (*Pacemaker Explained*, "Operation Properties").

use crate::model::{Attributes, NodeIdx, OnFail, Role, RscIdx, Tables};
use crate::unpack::duration::ms_or;
use crate::unpack::nvpairs::{self, Pairs};
use crate::unpack::rule::Context;
use diarch_cib::time::DateTime;
use diarch_cib::xml::Element;

/// Finds the configuration of an operation.
pub(crate) fn config(
    t: &Tables<'_>,
    rsc: RscIdx,
    task: &str,
    interval_ms: u32,
    disabled_too: bool,
) -> Option<usize> {
    let ops = &t.resources[rsc].ops;
    let exact = ops.iter().position(|op| {
        op.name == task && op.interval_ms == interval_ms && (disabled_too || op.enabled)
    });
    exact.or_else(|| {
        let general = match task {
            "migrate_to" | "migrate_from" => "migrate",
            "notified" => "notify",
            _ => return None,
        };
        ops.iter().position(|op| op.name == general)
    })
}

/// Finds the configuration of an operation in a resource.
pub(crate) fn config_of(
    rsc: &crate::model::Resource<'_>,
    task: &str,
    interval_ms: u32,
) -> Option<usize> {
    rsc.ops.iter().position(|op| op.name == task && op.interval_ms == interval_ms)
}

/// Gives an operation's own instance attributes.
pub(crate) fn extra<'c>(
    t: &Tables<'c>,
    rsc: RscIdx,
    node: Option<NodeIdx>,
    task: &str,
    interval_ms: u32,
) -> Attributes<'c> {
    let row = &t.resources[rsc];
    let config = config(t, rsc, task, interval_ms, true);
    let mut out = Attributes::default();
    if let Some(element) = config.and_then(|at| row.ops[at].element) {
        add(t, element, "instance_attributes", &Context::of_node(t, node), &mut out);
    }
    out
}

/// Adds the pairs of one element's sets that are not there yet.
fn add<'c>(
    t: &Tables<'c>,
    from: Element<'c>,
    set: &str,
    context: &Context<'_>,
    out: &mut Attributes<'c>,
) {
    let mut found = Pairs::new();
    nvpairs::collect(t, &[from], set, None, context, &mut found);
    for (name, value) in found {
        out.insert_new(name, value);
    }
}

/// Gives an operation's meta-attributes as the graph shows them.
pub(crate) fn meta<'c>(
    t: &Tables<'c>,
    rsc: RscIdx,
    node: Option<NodeIdx>,
    task: &str,
    interval_ms: u32,
) -> Attributes<'c> {
    let row = &t.resources[rsc];
    let config = config(t, rsc, task, interval_ms, true);
    let mut out = Attributes::default();
    let probe = task == "monitor" && interval_ms == 0;
    if let Some(at) = config {
        let op = &row.ops[at];
        if let Some(element) = op.element {
            add(t, element, "meta_attributes", &Context::of_node(t, node), &mut out);
        }
        for (name, value) in &op.attributes {
            if !matches!(*name, "id" | "description") {
                out.insert(*name, *value);
            }
        }
    }
    let defaults = t.cib.child("configuration").and_then(|at| at.child("op_defaults"));
    if let Some(defaults) = defaults {
        let context = Context {
            agent: Some((row.class, row.provider, row.agent)),
            op: Some((task, interval_ms)),
            ..Context::of_node(t, node)
        };
        add(t, defaults, "meta_attributes", &context, &mut out);
    }
    if probe
        && (config.is_none() || !out.contains_key("timeout"))
        && let Some(timeout) = first_monitor_timeout(t, rsc)
    {
        out.insert("timeout", timeout);
    }
    let parameter = device_timeout(t, rsc, node, task);
    let timeout = ms_or(parameter.as_deref().or_else(|| out.get("timeout")), 20_000);
    let timeout = if timeout == 0 { 20_000 } else { timeout };
    out.insert("timeout", timeout.to_string());
    if interval_ms > 0 {
        out.insert("interval", interval_ms.to_string());
    } else {
        out.remove("interval");
    }
    start_delay(&mut out);
    // A failed stop cannot be answered by a stop.
    if task == "stop" && out.get("on-fail").is_some_and(|value| value == "stop") {
        out.remove("on-fail");
    }
    if let Some(origin) = out.get("interval-origin").and_then(|text| text.parse::<DateTime>().ok())
        && interval_ms > 0
    {
        let interval = i64::from(interval_ms / 1000).max(1);
        let delay = (origin.epoch() - t.now).rem_euclid(interval) * 1000;
        out.insert("start-delay", delay.to_string());
    }
    out
}

/// Gives one of an operation's meta-attributes, wherever it is done.
fn meta_one<'c>(
    t: &Tables<'c>,
    rsc: RscIdx,
    task: &str,
    interval_ms: u32,
    name: &str,
) -> Option<&'c str> {
    let row = &t.resources[rsc];
    let op = config(t, rsc, task, interval_ms, true).map(|at| &row.ops[at]);
    let own = op.and_then(|op| op.attributes.iter().rev().find(|(other, _)| *other == name));
    if let Some((_, value)) = own {
        return Some(value);
    }
    let mut found = Attributes::default();
    if let Some(element) = op.and_then(|op| op.element) {
        add(t, element, "meta_attributes", &Context::default(), &mut found);
    }
    let defaults = t.cib.child("configuration").and_then(|at| at.child("op_defaults"));
    if let Some(defaults) = defaults {
        let agent = Some((row.class, row.provider, row.agent));
        let context = Context { agent, op: Some((task, interval_ms)), ..Context::default() };
        add(t, defaults, "meta_attributes", &context, &mut found);
    }
    found.borrowed(name)
}

fn start_delay(out: &mut Attributes<'_>) {
    if let Some(delay) = out.get("start-delay") {
        let delay = ms_or(Some(delay), 0);
        out.insert("start-delay", delay.to_string());
    }
}

/// A probe without operation of its own takes the most frequent monitor's timeout.
fn first_monitor_timeout<'c>(t: &Tables<'c>, rsc: RscIdx) -> Option<&'c str> {
    let monitors = t.resources[rsc].ops.iter();
    let first = monitors
        .filter(|op| op.name == "monitor" && op.enabled && op.interval_ms > 0)
        .min_by_key(|op| op.interval_ms)?;
    first.attributes.iter().find(|(name, _)| *name == "timeout").map(|(_, value)| *value)
}

/// Fencing devices have operation timeouts among their parameters.
fn device_timeout(
    t: &Tables<'_>,
    rsc: RscIdx,
    node: Option<NodeIdx>,
    task: &str,
) -> Option<String> {
    if !t.resources[rsc].fence_device || task != "monitor" {
        return None;
    }
    let parameters = crate::unpack::resources::parameters(t, rsc, node);
    parameters.get("pcmk_monitor_timeout").map(|value| value.clone().into_owned())
}

/// Gives what follows when an operation fails, and the role that is left.
pub(crate) fn on_fail(t: &Tables<'_>, rsc: RscIdx, task: &str, interval_ms: u32) -> (OnFail, Role) {
    let wanted = meta_one(t, rsc, task, interval_ms, "on-fail");
    let on_fail = effect(t, rsc, task, interval_ms, wanted);
    let role = match on_fail {
        OnFail::Stop => Role::Stopped,
        OnFail::ResetRemote if t.resources[rsc].reconnect_interval_ms > 0 => Role::Stopped,
        OnFail::Ignore
        | OnFail::Demote
        | OnFail::Restart
        | OnFail::RestartContainer
        | OnFail::ResetRemote
        | OnFail::Ban
        | OnFail::Block
        | OnFail::Standby
        | OnFail::Fence => {
            if task == "promote" {
                Role::Unpromoted
            } else {
                Role::Started
            }
        }
    };
    (on_fail, role)
}

fn effect(
    t: &Tables<'_>,
    rsc: RscIdx,
    task: &str,
    interval_ms: u32,
    wanted: Option<&str>,
) -> OnFail {
    let row = &t.resources[rsc];
    let promoted_op = || {
        config(t, rsc, task, interval_ms, true).is_some_and(|at| row.ops[at].role == Role::Promoted)
    };
    let explicit = match wanted {
        Some("block") => Some(OnFail::Block),
        Some("fence") if t.options.fencing_enabled => Some(OnFail::Fence),
        Some("fence") => Some(OnFail::Stop),
        Some("standby") => Some(OnFail::Standby),
        Some("ignore" | "nothing") => Some(OnFail::Ignore),
        Some("migrate") => Some(OnFail::Ban),
        Some("stop") if task != "stop" => Some(OnFail::Stop),
        Some("restart") => Some(OnFail::Restart),
        Some("restart-container") if row.container.is_some() => Some(OnFail::RestartContainer),
        Some("demote")
            if task == "promote" || task == "monitor" && interval_ms > 0 && promoted_op() =>
        {
            Some(OnFail::Demote)
        }
        _ => None,
    };
    if let Some(explicit) = explicit {
        return explicit;
    }
    if row.container.is_some() {
        return OnFail::RestartContainer;
    }
    let probe = task == "monitor" && interval_ms == 0;
    if row.remote_connection && !probe && task != "start" {
        return if row.managed { OnFail::ResetRemote } else { OnFail::Stop };
    }
    match task {
        "stop" if t.options.fencing_enabled => OnFail::Fence,
        "stop" => OnFail::Block,
        _ => OnFail::Restart,
    }
}
