//! The table of what may stand where (*Pacemaker Explained*, every chapter's "properties").

/// A dialect: the two numbers of `pacemaker-X.Y`.
#[derive(Clone, Copy, Debug, Eq, Ord, PartialEq, PartialOrd)]
pub struct Dialect(pub(crate) u32, pub(crate) u32);

impl Dialect {
    /// The newest that is validated.
    pub const NEWEST: Self = Self(4, 0);

    /// Reads the value of `validate-with`; nothing if it names no dialect that is known.
    #[must_use]
    pub fn parse(name: &str) -> Option<Self> {
        let (major, minor) = name.strip_prefix("pacemaker-")?.split_once('.')?;
        let dialect = Self(major.parse().ok()?, minor.parse().ok()?);
        (Self(1, 0)..=Self::NEWEST).contains(&dialect).then_some(dialect)
    }

    /// Whether what is known until some dialect exists in this one.
    pub(super) fn knows(self, until: Option<Self>) -> bool {
        until.is_none_or(|last| self <= last)
    }

    /// Its name, as `validate-with` has it.
    #[must_use]
    pub fn text(self) -> String {
        format!("pacemaker-{}.{}", self.0, self.1)
    }
}

/// What an attribute's value may be.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Value {
    Any,
    Id,
    Number,
    Score,
    Boolean,
    OneOf(&'static [&'static str]),
}

/// An attribute.
#[derive(Clone, Copy, Debug)]
pub(super) struct Attribute {
    pub(super) name: &'static str,
    pub(super) value: Value,
    pub(super) required: bool,
    /// The last dialect that has it, or takes such a value.
    pub(super) until: Option<Dialect>,
}

/// An element: its attributes and what may stand in it.
#[derive(Debug)]
pub(super) struct Rule {
    pub(super) name: &'static str,
    pub(super) attributes: &'static [Attribute],
    pub(super) children: &'static [&'static Self],
    /// The last dialect that has it.
    pub(super) until: Option<Dialect>,
    /// Any attribute is accepted beside those that are named.
    pub(super) any_attribute: bool,
    /// Nothing about it or below it is checked.
    pub(super) open: bool,
}

impl Rule {
    /// The rule of a child element; recursive ones (a rule in a rule) are their own child.
    pub(super) fn child(&'static self, name: &str) -> Option<&'static Self> {
        let own = (self.name == name && name == "rule").then_some(self);
        own.or_else(|| self.children.iter().find(|rule| rule.name == name).copied())
    }

    /// What may stand in it, for people.
    pub(super) fn children_text(&self) -> String {
        if self.children.is_empty() {
            return "nothing may".to_owned();
        }
        let names: Vec<String> =
            self.children.iter().map(|rule| format!("<{}>", rule.name)).collect();
        format!("{} may", names.join(", "))
    }
}

const fn need(name: &'static str, value: Value) -> Attribute {
    Attribute { name, value, required: true, until: None }
}

const fn may(name: &'static str, value: Value) -> Attribute {
    Attribute { name, value, required: false, until: None }
}

const fn may_until(name: &'static str, value: Value, last: Dialect) -> Attribute {
    Attribute { name, value, required: false, until: Some(last) }
}

const fn rule(
    name: &'static str,
    attributes: &'static [Attribute],
    children: &'static [&'static Rule],
) -> Rule {
    Rule { name, attributes, children, until: None, any_attribute: false, open: false }
}

const fn open(name: &'static str) -> Rule {
    Rule { name, attributes: &[], children: &[], until: None, any_attribute: true, open: true }
}

/// Attributes that every element may have.
pub(super) const COMMON: &[Attribute] =
    &[may("description", Value::Any), may("__crm_diff_marker__", Value::Any)];

const ID: Attribute = need("id", Value::Id);
const ROLES: Value =
    Value::OneOf(&["Started", "Stopped", "Master", "Slave", "Promoted", "Unpromoted"]);
const ACTIONS: Value = Value::OneOf(&["start", "promote", "demote", "stop"]);
const KINDS: Value = Value::OneOf(&["Optional", "Mandatory", "Serialize"]);
const RULE_OPERATIONS: Value =
    Value::OneOf(&["lt", "gt", "lte", "gte", "eq", "ne", "defined", "not_defined"]);
const DISCOVERY: Value = Value::OneOf(&["always", "never", "exclusive"]);

static DATE_PARTS: &[Attribute] = &[
    may("id", Value::Any),
    may("seconds", Value::Any),
    may("minutes", Value::Any),
    may("hours", Value::Any),
    may("monthdays", Value::Any),
    may("weekdays", Value::Any),
    may("yearsdays", Value::Any),
    may("yeardays", Value::Any),
    may("days", Value::Any),
    may("months", Value::Any),
    may("weeks", Value::Any),
    may("years", Value::Any),
    may("weekyears", Value::Any),
    may_until("moon", Value::Any, Dialect(3, 10)),
];
static DURATION: Rule = rule("duration", DATE_PARTS, &[]);
static DATE_SPEC: Rule = rule("date_spec", DATE_PARTS, &[]);
static DATE_EXPRESSION: Rule = rule(
    "date_expression",
    &[
        ID,
        may("operation", Value::OneOf(&["in_range", "gt", "lt", "date_spec", "eq", "neq"])),
        may("start", Value::Any),
        may("end", Value::Any),
    ],
    &[&DURATION, &DATE_SPEC],
);
static EXPRESSION: Rule = rule(
    "expression",
    &[
        ID,
        need("attribute", Value::Any),
        need("operation", RULE_OPERATIONS),
        may("value", Value::Any),
        may("type", Value::OneOf(&["string", "integer", "number", "version"])),
        may("value-source", Value::OneOf(&["literal", "param", "meta"])),
    ],
    &[],
);
static RSC_EXPRESSION: Rule = rule(
    "rsc_expression",
    &[ID, may("class", Value::Any), may("provider", Value::Any), may("type", Value::Any)],
    &[],
);
static OP_EXPRESSION: Rule =
    rule("op_expression", &[ID, need("name", Value::Any), may("interval", Value::Any)], &[]);
static RULE: Rule = rule(
    "rule",
    &[
        ID,
        may("id-ref", Value::Id),
        may("score", Value::Score),
        may("score-attribute", Value::Any),
        may("boolean-op", Value::OneOf(&["or", "and"])),
        may("role", ROLES),
    ],
    &[&EXPRESSION, &DATE_EXPRESSION, &RSC_EXPRESSION, &OP_EXPRESSION],
);
static NVPAIR: Rule = rule(
    "nvpair",
    &[ID, may("id-ref", Value::Id), may("name", Value::Any), may("value", Value::Any)],
    &[],
);
static SET_ATTRIBUTES: &[Attribute] = &[ID, may("id-ref", Value::Id), may("score", Value::Score)];
static INSTANCE_ATTRIBUTES: Rule = rule("instance_attributes", SET_ATTRIBUTES, &[&RULE, &NVPAIR]);
static META_ATTRIBUTES: Rule = rule("meta_attributes", SET_ATTRIBUTES, &[&RULE, &NVPAIR]);
static UTILIZATION: Rule = rule("utilization", SET_ATTRIBUTES, &[&RULE, &NVPAIR]);
static PROPERTY_SET: Rule = rule("cluster_property_set", SET_ATTRIBUTES, &[&RULE, &NVPAIR]);

static OP: Rule = rule(
    "op",
    &[
        ID,
        need("name", Value::Any),
        need("interval", Value::Any),
        may("timeout", Value::Any),
        may("start-delay", Value::Any),
        may("interval-origin", Value::Any),
        may("enabled", Value::Any),
        may("record-pending", Value::Any),
        may("role", ROLES),
        may("requires", Value::OneOf(&["nothing", "quorum", "fencing", "unfencing"])),
        may(
            "on-fail",
            Value::OneOf(&[
                "ignore",
                "block",
                "demote",
                "stop",
                "restart",
                "standby",
                "fence",
                "restart-container",
            ]),
        ),
    ],
    &[&META_ATTRIBUTES, &INSTANCE_ATTRIBUTES],
);
static OPERATIONS: Rule =
    rule("operations", &[may("id", Value::Id), may("id-ref", Value::Id)], &[&OP]);
static AGENT_PARTS: &[&Rule] = &[&META_ATTRIBUTES, &INSTANCE_ATTRIBUTES, &UTILIZATION, &OPERATIONS];
static TEMPLATE: Rule = rule(
    "template",
    &[ID, need("class", Value::Any), may("provider", Value::Any), need("type", Value::Any)],
    AGENT_PARTS,
);
static PRIMITIVE: Rule = rule(
    "primitive",
    &[
        ID,
        may("class", Value::Any),
        may("provider", Value::Any),
        may("type", Value::Any),
        may("template", Value::Id),
    ],
    AGENT_PARTS,
);
static GROUP: Rule = rule("group", &[ID], &[&META_ATTRIBUTES, &INSTANCE_ATTRIBUTES, &PRIMITIVE]);
static CLONE_PARTS: &[&Rule] = &[&META_ATTRIBUTES, &INSTANCE_ATTRIBUTES, &PRIMITIVE, &GROUP];
static CLONE: Rule = rule("clone", &[ID], CLONE_PARTS);
static MASTER: Rule = Rule {
    name: "master",
    attributes: &[ID],
    children: CLONE_PARTS,
    until: Some(Dialect(3, 10)),
    any_attribute: false,
    open: false,
};
static CONTAINER: &[Attribute] = &[
    need("image", Value::Any),
    may("replicas", Value::Number),
    may("replicas-per-host", Value::Number),
    may("masters", Value::Number),
    may("promoted-max", Value::Number),
    may("run-command", Value::Any),
    may("network", Value::Any),
    may("options", Value::Any),
];
static DOCKER: Rule = rule("docker", CONTAINER, &[]);
static PODMAN: Rule = rule("podman", CONTAINER, &[]);
static RKT: Rule = Rule {
    name: "rkt",
    attributes: CONTAINER,
    children: &[],
    until: Some(Dialect(3, 10)),
    any_attribute: false,
    open: false,
};
static PORT_MAPPING: Rule = rule(
    "port-mapping",
    &[ID, may("port", Value::Any), may("internal-port", Value::Any), may("range", Value::Any)],
    &[],
);
static NETWORK: Rule = rule(
    "network",
    &[
        may("ip-range-start", Value::Any),
        may("control-port", Value::Any),
        may("host-interface", Value::Any),
        may("host-netmask", Value::Any),
        may("add-host", Value::Boolean),
    ],
    &[&PORT_MAPPING],
);
static STORAGE_MAPPING: Rule = rule(
    "storage-mapping",
    &[
        ID,
        may("source-dir", Value::Any),
        may("source-dir-root", Value::Any),
        need("target-dir", Value::Any),
        may("options", Value::Any),
    ],
    &[],
);
static STORAGE: Rule = rule("storage", &[], &[&STORAGE_MAPPING]);
static BUNDLE: Rule = rule(
    "bundle",
    &[ID],
    &[
        &META_ATTRIBUTES,
        &INSTANCE_ATTRIBUTES,
        &DOCKER,
        &PODMAN,
        &RKT,
        &NETWORK,
        &STORAGE,
        &PRIMITIVE,
    ],
);
static RESOURCES: Rule =
    rule("resources", &[], &[&TEMPLATE, &PRIMITIVE, &GROUP, &CLONE, &MASTER, &BUNDLE]);

static NODE: Rule = rule(
    "node",
    &[
        need("id", Value::Any),
        need("uname", Value::Any),
        may_until("type", Value::OneOf(&["normal", "member", "ping", "remote"]), Dialect(2, 10)),
        may("type", Value::OneOf(&["member", "ping", "remote"])),
        may("score", Value::Score),
    ],
    &[&INSTANCE_ATTRIBUTES, &UTILIZATION],
);
static NODES: Rule = rule("nodes", &[], &[&NODE]);
static CRM_CONFIG: Rule = rule("crm_config", &[], &[&PROPERTY_SET]);

static RESOURCE_REF: Rule = rule("resource_ref", &[need("id", Value::Id)], &[]);
static RESOURCE_SET: Rule = rule(
    "resource_set",
    &[
        ID,
        may("id-ref", Value::Id),
        may("sequential", Value::Boolean),
        may("require-all", Value::Boolean),
        may("ordering", Value::OneOf(&["group", "listed"])),
        may("action", ACTIONS),
        may("role", ROLES),
        may("score", Value::Score),
        may("kind", KINDS),
    ],
    &[&RESOURCE_REF],
);
static LIFETIME: Rule = Rule {
    name: "lifetime",
    attributes: &[],
    children: &[&RULE],
    until: Some(Dialect(3, 10)),
    any_attribute: false,
    open: false,
};
static LOCATION: Rule = rule(
    "rsc_location",
    &[
        ID,
        may("rsc", Value::Any),
        may("rsc-pattern", Value::Any),
        may("role", ROLES),
        may("node", Value::Any),
        may("score", Value::Score),
        may("resource-discovery", DISCOVERY),
    ],
    &[&RULE, &RESOURCE_SET, &LIFETIME],
);
static COLOCATION: Rule = rule(
    "rsc_colocation",
    &[
        ID,
        may("rsc", Value::Id),
        may("with-rsc", Value::Id),
        may("rsc-role", ROLES),
        may("with-rsc-role", ROLES),
        may("rsc-instance", Value::Any),
        may("with-rsc-instance", Value::Any),
        may("node-attribute", Value::Any),
        may("influence", Value::Boolean),
        may("score", Value::Score),
        may("score-attribute", Value::Any),
        may("score-attribute-mangle", Value::Any),
    ],
    &[&RESOURCE_SET, &LIFETIME],
);
static ORDER: Rule = rule(
    "rsc_order",
    &[
        ID,
        may("first", Value::Id),
        may("then", Value::Id),
        may("first-action", ACTIONS),
        may("then-action", ACTIONS),
        may("first-instance", Value::Any),
        may("then-instance", Value::Any),
        may("score", Value::Score),
        may("kind", KINDS),
        may("symmetrical", Value::Boolean),
        may("require-all", Value::Boolean),
    ],
    &[&RESOURCE_SET, &LIFETIME],
);
static TICKET: Rule = rule(
    "rsc_ticket",
    &[
        ID,
        may("rsc", Value::Id),
        may("rsc-role", ROLES),
        need("ticket", Value::Any),
        may("loss-policy", Value::OneOf(&["stop", "demote", "fence", "freeze"])),
    ],
    &[&RESOURCE_SET],
);
static CONSTRAINTS: Rule = rule("constraints", &[], &[&LOCATION, &COLOCATION, &ORDER, &TICKET]);

static LEVEL: Rule = rule(
    "fencing-level",
    &[
        ID,
        may("target", Value::Any),
        may("target-pattern", Value::Any),
        may("target-attribute", Value::Any),
        may("target-value", Value::Any),
        need("index", Value::Number),
        need("devices", Value::Any),
    ],
    &[],
);
static TOPOLOGY: Rule = rule("fencing-topology", &[], &[&LEVEL]);
static OBJ_REF: Rule = rule("obj_ref", &[need("id", Value::Id)], &[]);
static TAG: Rule = rule("tag", &[ID], &[&OBJ_REF]);
static TAGS: Rule = rule("tags", &[], &[&TAG]);
static RSC_DEFAULTS: Rule = rule("rsc_defaults", &[], &[&META_ATTRIBUTES]);
static OP_DEFAULTS: Rule = rule("op_defaults", &[], &[&META_ATTRIBUTES]);

static RECIPIENT: Rule =
    rule("recipient", &[ID, need("value", Value::Any)], &[&META_ATTRIBUTES, &INSTANCE_ATTRIBUTES]);
static SELECT: Rule = open("select");
static ALERT: Rule = rule(
    "alert",
    &[ID, need("path", Value::Any)],
    &[&META_ATTRIBUTES, &INSTANCE_ATTRIBUTES, &SELECT, &RECIPIENT],
);
static ALERTS: Rule = rule("alerts", &[], &[&ALERT]);
static ACLS: Rule = open("acls");
static CONFIGURATION: Rule = rule(
    "configuration",
    &[],
    &[
        &CRM_CONFIG,
        &RSC_DEFAULTS,
        &OP_DEFAULTS,
        &NODES,
        &RESOURCES,
        &CONSTRAINTS,
        &ACLS,
        &TOPOLOGY,
        &TAGS,
        &ALERTS,
    ],
);
static STATUS: Rule = open("status");

/// The root of the table.
pub(super) static CIB: Rule = Rule {
    name: "cib",
    attributes: &[
        need("validate-with", Value::Any),
        need("admin_epoch", Value::Number),
        need("epoch", Value::Number),
        need("num_updates", Value::Number),
    ],
    children: &[&CONFIGURATION, &STATUS],
    until: None,
    any_attribute: true,
    open: false,
};
