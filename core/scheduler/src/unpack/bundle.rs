//! Bundles: containers with a resource inside each (*Pacemaker Explained*, "Bundles").

use super::clone::bounded;
use super::duration::{is_true, small};
use super::remote::op;
use super::resources::{add, finish};
use crate::model::{
    BundleData, Discovery, NodeIdx, NodeKind, OpConfig, Placed, Replica, RscIdx, Tables, Variant,
    score,
};
use core::net::Ipv4Addr;
use diarch_cib::xml::Element;
use std::borrow::Cow;
use std::collections::BTreeMap;

/// Where the executor inside listens if nothing else is said.
const CONTROL_PORT: &str = "3121";
/// What runs in a container if nothing else is said.
const RUN_COMMAND: &str = "/usr/sbin/pacemaker-remoted";
/// Where the logs of containers go on their hosts.
const LOGS: &str = "/var/log/pacemaker/bundles";
const AUTH_KEY: &str = "/etc/pacemaker/authkey";

/// A directory or file of the host inside the container.
#[derive(Debug)]
struct Mount {
    source: String,
    target: String,
    options: String,
    /// Each replica has its own directory in `source`.
    own: bool,
}

/// A port of the host, and that of the container behind it.
#[derive(Debug)]
struct Port {
    outer: String,
    inner: String,
}

/// What the configuration says of all replicas alike.
#[derive(Debug)]
struct Plan<'c> {
    id: String,
    agent: &'static str,
    image: &'c str,
    options: &'c str,
    command: Option<&'c str>,
    network: Option<&'c str>,
    interface: Option<&'c str>,
    netmask: &'c str,
    control_port: Option<&'c str>,
    mounts: Vec<Mount>,
    ports: Vec<Port>,
    inside: bool,
    hosts: String,
}

/// Reads a bundle.
pub(crate) fn unpack(t: &mut Tables<'_>, rsc: RscIdx) -> Option<()> {
    let element = t.resources[rsc].xml;
    let found = ["docker", "podman", "rkt"]
        .into_iter()
        .find_map(|agent| element.child(agent).map(|at| (agent, at)));
    let Some((agent, container)) = found else {
        let id = t.resources[rsc].id.clone();
        t.error(format!("ignoring bundle '{id}': no supported container technology"));
        return None;
    };
    let number = |name: &str| small(container.attribute(name));
    let promoted_max = number("promoted-max").or_else(|| number("masters")).unwrap_or(0).max(0);
    let default = if promoted_max > 0 { promoted_max } else { 1 };
    let replicas_max = number("replicas").filter(|&n| n > 0).unwrap_or(default);
    let replicas_max = bounded(t, rsc, "replicas", replicas_max);
    let per_host = number("replicas-per-host").filter(|&n| n > 0).unwrap_or(1);
    let network = element.child("network");
    let mut data = BundleData {
        agent,
        image: container.attribute("image").unwrap_or("").to_owned(),
        replicas_max,
        replicas_per_host: per_host,
        promoted_max,
        add_host: network
            .and_then(|at| at.attribute("add-host"))
            .is_none_or(|text| is_true(Some(text))),
        next_address: network
            .and_then(|at| at.attribute("ip-range-start"))
            .unwrap_or("")
            .to_owned(),
        ..BundleData::default()
    };
    t.resources[rsc].unique = per_host > 1;
    let mut plan = plan(&t.resources[rsc].id, agent, element, container);
    let addresses = addresses(&data);
    if data.add_host {
        for (offset, address) in addresses.iter().enumerate() {
            if let Some(address) = address {
                let flag = if agent == "rkt" { "--hosts-entry=" } else { "--add-host=" };
                let (name, id) = (format!("{}-{offset}", plan.id), address);
                plan.hosts.push_str(&if agent == "rkt" {
                    format!(" {flag}{id}={name}")
                } else {
                    format!(" {flag}{name}:{id}")
                });
            }
        }
    }
    for (offset, address) in (0..replicas_max).zip(addresses) {
        let replica = replica(t, rsc, &plan, offset, address)?;
        data.replicas.push(replica);
    }
    if plan.inside {
        inside(t, rsc, &mut data)?;
    }
    t.resources[rsc].variant = Variant::Bundle(Box::new(data));
    Some(())
}

fn plan<'c>(id: &str, agent: &'static str, element: Element<'c>, at: Element<'c>) -> Plan<'c> {
    let inside = element.child("primitive").is_some();
    let network = element.child("network");
    let of_network = |name: &str| network.and_then(|at| at.attribute(name));
    let control_port = of_network("control-port");
    let mut mounts: Vec<Mount> = element
        .child("storage")
        .into_iter()
        .flat_map(|storage| storage.children_named("storage-mapping"))
        .map(|mapping| {
            let text = |name: &str| mapping.attribute(name).unwrap_or("").to_owned();
            let own = mapping.attribute("source-dir").is_none();
            Mount {
                source: text(if own { "source-dir-root" } else { "source-dir" }),
                target: text("target-dir"),
                options: text("options"),
                own,
            }
        })
        .collect();
    let mut ports: Vec<Port> = network
        .into_iter()
        .flat_map(|network| network.children_named("port-mapping"))
        .filter_map(|mapping| {
            let range = mapping.attribute("range");
            let outer = mapping.attribute("port").or(range)?;
            let inner = mapping.attribute("internal-port").unwrap_or(outer);
            Some(Port { outer: outer.to_owned(), inner: inner.to_owned() })
        })
        .collect();
    if inside {
        let plain = |source: &str, target: &str, own| Mount {
            source: source.to_owned(),
            target: target.to_owned(),
            options: String::new(),
            own,
        };
        mounts.push(plain(AUTH_KEY, AUTH_KEY, false));
        mounts.push(plain(LOGS, "/var/log", true));
        let port = control_port.unwrap_or(CONTROL_PORT).to_owned();
        ports.push(Port { outer: port.clone(), inner: port });
    }
    Plan {
        id: id.to_owned(),
        agent,
        image: at.attribute("image").unwrap_or(""),
        options: at.attribute("options").unwrap_or(""),
        command: at.attribute("run-command"),
        network: at.attribute("network"),
        interface: of_network("host-interface"),
        netmask: of_network("host-netmask").unwrap_or("32"),
        control_port,
        mounts,
        ports,
        inside,
        hosts: String::new(),
    }
}

/// Gives each replica an address, from the configured one on.
fn addresses(data: &BundleData) -> Vec<Option<String>> {
    let start = data.next_address.parse::<Ipv4Addr>().ok().map(u32::from);
    (0u32..)
        .zip(0..data.replicas_max)
        .map(|(more, _)| Some(Ipv4Addr::from(start?.checked_add(more)?).to_string()))
        .collect()
}

fn replica<'c>(
    t: &mut Tables<'c>,
    bundle: RscIdx,
    plan: &Plan<'_>,
    offset: i32,
    address: Option<String>,
) -> Option<Replica> {
    let none = BTreeMap::new;
    let mut ip = None;
    if let Some(address) = &address {
        let mut params = vec![("ip", address.clone()), ("cidr_netmask", plan.netmask.to_owned())];
        if let Some(interface) = plan.interface {
            params.push(("nic", interface.to_owned()));
        }
        let id = format!("{}-ip-{address}", plan.id);
        let ops = vec![op("monitor", "60s", None)];
        let agent = ("heartbeat", "IPaddr2");
        ip = Some(part(t, bundle, &id, agent, params, ops, none())?);
    }
    let params = container_params(plan, offset, address.as_deref());
    let id = format!("{}-{}-{offset}", plan.id, plan.agent);
    let ops = vec![op("monitor", "60s", None)];
    let container = part(t, bundle, &id, ("heartbeat", plan.agent), params, ops, none())?;
    t.resources[container].replica_container = true;
    let mut replica =
        Replica { offset, address, ip, container, remote: None, child: None, node: None };
    if plan.inside {
        let mut meta = BTreeMap::new();
        meta.insert(Cow::Borrowed("container"), Cow::Owned(id));
        let addr = replica.address.clone().unwrap_or_else(|| "#uname".to_owned());
        let port = plan.control_port.unwrap_or(CONTROL_PORT).to_owned();
        let name = format!("{}-{offset}", plan.id);
        let ops = vec![op("monitor", "30s", Some("30s"))];
        let params = vec![("addr", addr), ("port", port)];
        let remote = part(t, bundle, &name, ("pacemaker", "remote"), params, ops, meta)?;
        replica.remote = Some(remote);
        replica.node = Some(guest(t, &name, remote, container));
    }
    Some(replica)
}

/// Makes one resource of a replica.
fn part<'c>(
    t: &mut Tables<'c>,
    bundle: RscIdx,
    id: &str,
    (provider, agent): (&'static str, &'static str),
    params: Vec<(&'static str, String)>,
    ops: Vec<OpConfig<'c>>,
    meta: BTreeMap<Cow<'c, str>, Cow<'c, str>>,
) -> Option<RscIdx> {
    let element = t.resources[bundle].xml;
    let rsc = add(t, id, None, element, None, Some(bundle), Variant::Primitive);
    let row = &mut t.resources[rsc];
    row.class = "ocf";
    row.provider = provider;
    row.agent = agent;
    row.implicit = true;
    row.extra_params = params;
    row.ops = ops;
    finish(t, rsc, meta)?;
    t.resources[rsc].unique = t.resources[bundle].unique;
    t.resources[bundle].children.push(rsc);
    Some(rsc)
}

/// Makes the node that a container is; nothing goes there but what is inside.
fn guest(t: &mut Tables<'_>, name: &str, remote: RscIdx, container: RscIdx) -> NodeIdx {
    let name = t.cib.document().derived_name(name);
    t.have_remote = true;
    let node = t
        .node_by_id(name)
        .unwrap_or_else(|| super::nodes::add(t, name, name, NodeKind::Remote, None));
    t.nodes[node].connection = Some(remote);
    t.nodes[node].attributes.insert("#kind", "container");
    t.resources[remote].remote_node = Some(node);
    t.resources[remote].container = Some(container);
    t.resources[container].fillers.push(remote);
    let bundle = t.resources[remote].parent;
    for rsc in t.resources.ids() {
        let row = &mut t.resources[rsc];
        if row.parent != bundle || rsc == remote || row.parent.is_none() {
            row.allowed.remove(node);
        }
    }
    node
}

/// Makes the clone whose instances are inside the containers.
fn inside(t: &mut Tables<'_>, bundle: RscIdx, data: &mut BundleData) -> Option<()> {
    let element = t.resources[bundle].xml;
    let promotable = data.promoted_max > 0;
    let suffix = if promotable { "master" } else { "clone" };
    let id = format!("{}-{suffix}", t.resources[bundle].id);
    let clone =
        add(t, &id, None, element, None, Some(bundle), Variant::Clone(super::clone::blank()));
    t.resources[clone].implicit = true;
    let unique = data.replicas_per_host > 1;
    let mut meta = BTreeMap::new();
    let mut put = |name: &'static str, value: String| {
        meta.insert(Cow::Borrowed(name), Cow::Owned(value));
    };
    put("ordered", "true".to_owned());
    put("clone-max", data.replicas_max.to_string());
    put("clone-node-max", data.replicas_per_host.to_string());
    put("globally-unique", unique.to_string());
    if promotable {
        put("promotable", "true".to_owned());
        put("promoted-max", data.promoted_max.to_string());
    }
    finish(t, clone, meta)?;
    t.resources[bundle].children.push(clone);
    data.child = Some(clone);
    let instances = t.resources[clone].children.clone();
    for (replica, child) in data.replicas.iter_mut().zip(instances) {
        let Some(node) = replica.node else { continue };
        replica.child = Some(child);
        let score = 500;
        let row = &mut t.resources[child];
        if let Some(address) = &replica.address {
            row.extra_params.push(("pcmk_external_ip", address.clone()));
        }
        row.allowed = crate::model::NodeTable::default();
        row.allowed.put(Placed { node, score, count: 0, discovery: Discovery::Exclusive });
        row.exclusive_discovery = true;
        t.resources[clone].allowed.put_score(node, -score::INFINITY);
    }
    Some(())
}

fn container_params(
    plan: &Plan<'_>,
    offset: i32,
    address: Option<&str>,
) -> Vec<(&'static str, String)> {
    let own = |mount: &Mount| format!("{}/{}-{offset}", mount.source, plan.id);
    let points: Vec<_> = plan.mounts.iter().filter(|mount| mount.own).map(own).collect();
    let mut params = vec![
        ("image", plan.image.to_owned()),
        ("allow_pull", "true".to_owned()),
        ("force_kill", "false".to_owned()),
        ("reuse", "false".to_owned()),
        ("run_opts", run_options(plan, offset, address)),
        ("mount_points", points.join(",")),
        ("monitor_cmd", "/bin/true".to_owned()),
    ];
    match plan.command {
        Some(command) => params.push(("run_cmd", command.to_owned())),
        None if plan.inside => params.push(("run_cmd", RUN_COMMAND.to_owned())),
        None => {}
    }
    params
}

/// Writes the options that the container is run with.
fn run_options(plan: &Plan<'_>, offset: i32, address: Option<&str>) -> String {
    let mut out = String::new();
    let rkt = plan.agent == "rkt";
    if plan.agent == "docker" && !plan.options.contains("--restart") {
        out.push_str(" --restart=no");
    }
    if address.is_some() {
        let flag = if rkt { "--hostname=" } else { "-h " };
        out.push_str(&format!(" {flag}{}-{offset}", plan.id));
    }
    let variable = if rkt { "--environment=" } else { "-e " };
    out.push_str(&format!(" {variable}PCMK_stderr=1"));
    if let Some(network) = plan.network {
        out.push_str(&format!(" --net={network}"));
    }
    let port = plan.control_port.unwrap_or(CONTROL_PORT);
    out.push_str(&format!(" {variable}PCMK_remote_port={port}"));
    for (at, mount) in plan.mounts.iter().enumerate() {
        let source = if mount.own {
            format!("{}/{}-{offset}", mount.source, plan.id)
        } else {
            mount.source.clone()
        };
        if rkt {
            let more = if mount.options.is_empty() { "" } else { &format!(",{}", mount.options) };
            out.push_str(&format!(
                " --volume vol{at},kind=host,source={source}{more} \
                 --mount volume=vol{at},target={}",
                mount.target
            ));
        } else {
            out.push_str(&format!(" -v {source}:{}", mount.target));
            if !mount.options.is_empty() {
                out.push_str(&format!(":{}", mount.options));
            }
        }
    }
    for port in &plan.ports {
        let flag = if rkt { "--port=" } else { "-p " };
        match address {
            Some(address) => {
                out.push_str(&format!(" {flag}{address}:{}:{}", port.outer, port.inner));
            }
            None if plan.network != Some("host") => {
                out.push_str(&format!(" {flag}{}:{}", port.outer, port.inner));
            }
            None => {}
        }
    }
    if !plan.options.is_empty() {
        out.push_str(&format!(" {}", plan.options));
    }
    out.push_str(&format!(" {}", plan.hosts));
    out
}
