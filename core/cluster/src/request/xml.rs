//! Requests and replies as the XML documents that travel on the tools' socket.
//!
//! ```xml
//! <request op="cib" operation="modify" section="status" allow-create="true">
//!   <input>…the element, as escaped text…</input>
//! </request>
//! <reply rc="0" message=""><payload>…escaped text…</payload></reply>
//! ```
//!
//! A flag that is absent is false, a value that is absent is none; white space around a text is not
//! kept. Payloads: a `cib` query answers
//! with the element; `attribute-query` with `<attributes><attribute name node value/>…`; `nodes`
//! with `<nodes local leader quorate><node id name member online/>…`; `fence-history` with
//! `<fence_history><fence_event target action state …/>…`; `health` with `<health>…`.

use super::{CibOperation, CibRequest, Lifetime, Reply, Request};
use core::fmt;
use diarch_cib::{Document, Element, NodeId, ParseError};

/// Why a message is none.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum RequestError {
    /// It is no XML.
    Parse(ParseError),
    /// Its root, or its `op`, is unknown.
    Unknown(String),
    /// This attribute is missing or has no such value.
    Attribute(&'static str),
}

impl fmt::Display for RequestError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Parse(error) => write!(f, "{error}"),
            Self::Unknown(name) => write!(f, "unknown request '{name}'"),
            Self::Attribute(name) => write!(f, "'{name}' is missing or wrong"),
        }
    }
}

impl core::error::Error for RequestError {}

impl From<ParseError> for RequestError {
    fn from(error: ParseError) -> Self {
        Self::Parse(error)
    }
}

const OPERATIONS: [(CibOperation, &str); 10] = [
    (CibOperation::Query, "query"),
    (CibOperation::Create, "create"),
    (CibOperation::Modify, "modify"),
    (CibOperation::Replace, "replace"),
    (CibOperation::Delete, "delete"),
    (CibOperation::DeleteAll, "delete-all"),
    (CibOperation::Patch, "patch"),
    (CibOperation::Erase, "erase"),
    (CibOperation::Bump, "bump"),
    (CibOperation::Upgrade, "upgrade"),
];

struct Writer {
    document: Document,
    at: NodeId,
}

impl Writer {
    fn new(root: &str) -> Self {
        let document = Document::new(root);
        let at = document.root().id();
        Self { document, at }
    }

    fn set(&mut self, name: &str, value: &str) -> &mut Self {
        self.document.set_attribute(self.at, name, value);
        self
    }

    fn maybe(&mut self, name: &str, value: Option<&str>) -> &mut Self {
        if let Some(value) = value {
            self.set(name, value);
        }
        self
    }

    fn flag(&mut self, name: &str, value: bool) -> &mut Self {
        if value {
            self.set(name, "true");
        }
        self
    }

    /// Text of any length and with any line ends goes into an element of its own.
    fn text(&mut self, name: &str, text: &str) -> &mut Self {
        let child = self.document.append_new(self.at, name);
        self.document.set_text(child, text);
        self
    }
}

impl Request {
    /// The request as one XML document.
    #[must_use]
    pub fn to_xml(&self) -> String {
        let mut writer = Writer::new("request");
        self.write(&mut writer);
        writer.document.write_compact()
    }

    fn write(&self, writer: &mut Writer) {
        writer.set("op", self.op());
        match self {
            Self::Cib(request) => request.write(writer),
            Self::Transaction(requests) => {
                let root = writer.at;
                for request in requests {
                    writer.at = writer.document.append_new(root, "cib");
                    request.write(writer);
                }
                writer.at = root;
            }
            Self::AttributeUpdate { name, pattern, value, node, dampen_ms, private, set_id } => {
                let dampen = dampen_ms.map(|dampen| dampen.to_string());
                writer.set("name", name).flag("pattern", *pattern).maybe("value", value.as_deref());
                writer.maybe("node", node.as_deref()).maybe("dampen-ms", dampen.as_deref());
                writer.flag("private", *private).maybe("set-id", set_id.as_deref());
            }
            Self::AttributeQuery { name, node } => {
                writer.set("name", name).maybe("node", node.as_deref());
            }
            Self::Forget { resource, node, operation, interval_ms, failed_only } => {
                let interval = interval_ms.map(|interval| interval.to_string());
                writer.maybe("resource", resource.as_deref()).maybe("node", node.as_deref());
                writer.maybe("operation", operation.as_deref());
                writer.maybe("interval-ms", interval.as_deref()).flag("failed-only", *failed_only);
            }
            Self::Fail { resource, node } => {
                writer.set("resource", resource).maybe("node", node.as_deref());
            }
            Self::RemoveNode { name } => {
                writer.set("name", name);
            }
            Self::Fence { target, action, timeout_s, delay_s } => {
                writer.set("target", target).set("action", action);
                writer.set("timeout-s", &timeout_s.to_string());
                writer.set("delay-s", &delay_s.to_string());
            }
            Self::ConfirmOff { target } => {
                writer.set("target", target);
            }
            Self::FenceHistory { target } | Self::ForgetFencing { target } => {
                writer.maybe("target", target.as_deref());
            }
            Self::Nodes | Self::Health | Self::WaitIdle | Self::Shutdown => {}
        }
    }

    const fn op(&self) -> &'static str {
        match self {
            Self::Cib(_) => "cib",
            Self::Transaction(_) => "transaction",
            Self::AttributeUpdate { .. } => "attribute-update",
            Self::AttributeQuery { .. } => "attribute-query",
            Self::Forget { .. } => "forget",
            Self::Fail { .. } => "fail",
            Self::Nodes => "nodes",
            Self::RemoveNode { .. } => "remove-node",
            Self::Fence { .. } => "fence",
            Self::ConfirmOff { .. } => "confirm-off",
            Self::FenceHistory { .. } => "fence-history",
            Self::ForgetFencing { .. } => "forget-fencing",
            Self::Health => "health",
            Self::WaitIdle => "wait-idle",
            Self::Shutdown => "shutdown",
        }
    }

    /// The request that an XML document means.
    ///
    /// # Errors
    /// [`RequestError`] if it means none.
    pub fn from_xml(text: &str) -> Result<Self, RequestError> {
        let document = Document::parse(text)?;
        let root = document.root();
        if root.name() != "request" {
            return Err(RequestError::Unknown(root.name().to_owned()));
        }
        let request = match root.attribute("op").unwrap_or_default() {
            "cib" => Self::Cib(CibRequest::read(root)?),
            "transaction" => Self::Transaction(
                root.children_named("cib").map(CibRequest::read).collect::<Result<_, _>>()?,
            ),
            "attribute-update" => Self::AttributeUpdate {
                name: required(root, "name")?,
                pattern: flag(root, "pattern"),
                value: optional(root, "value"),
                node: optional(root, "node"),
                dampen_ms: number(root, "dampen-ms")?,
                private: flag(root, "private"),
                set_id: optional(root, "set-id"),
            },
            "attribute-query" => {
                Self::AttributeQuery { name: required(root, "name")?, node: optional(root, "node") }
            }
            "forget" => Self::Forget {
                resource: optional(root, "resource"),
                node: optional(root, "node"),
                operation: optional(root, "operation"),
                interval_ms: number(root, "interval-ms")?,
                failed_only: flag(root, "failed-only"),
            },
            "fail" => {
                Self::Fail { resource: required(root, "resource")?, node: optional(root, "node") }
            }
            "nodes" => Self::Nodes,
            "remove-node" => Self::RemoveNode { name: required(root, "name")? },
            "fence" => Self::Fence {
                target: required(root, "target")?,
                action: required(root, "action")?,
                timeout_s: number(root, "timeout-s")?.unwrap_or(120),
                delay_s: number(root, "delay-s")?.unwrap_or(0),
            },
            "confirm-off" => Self::ConfirmOff { target: required(root, "target")? },
            "fence-history" => Self::FenceHistory { target: optional(root, "target") },
            "forget-fencing" => Self::ForgetFencing { target: optional(root, "target") },
            "health" => Self::Health,
            "wait-idle" => Self::WaitIdle,
            "shutdown" => Self::Shutdown,
            other => return Err(RequestError::Unknown(other.to_owned())),
        };
        Ok(request)
    }

    /// Whether nothing changes by it, so that any node can answer.
    #[must_use]
    pub fn is_query(&self) -> bool {
        match self {
            Self::Cib(request) => request.operation == CibOperation::Query,
            Self::AttributeQuery { .. }
            | Self::Nodes
            | Self::FenceHistory { .. }
            | Self::Health
            | Self::WaitIdle => true,
            Self::Transaction(_)
            | Self::AttributeUpdate { .. }
            | Self::Forget { .. }
            | Self::Fail { .. }
            | Self::RemoveNode { .. }
            | Self::Fence { .. }
            | Self::ForgetFencing { .. }
            | Self::ConfirmOff { .. }
            | Self::Shutdown => false,
        }
    }
}

impl CibRequest {
    /// A request with no flags and nothing to work with.
    #[must_use]
    pub const fn new(operation: CibOperation) -> Self {
        Self {
            operation,
            section: None,
            xpath: None,
            input: None,
            allow_create: false,
            score: false,
            no_children: false,
            force: false,
        }
    }

    fn write(&self, writer: &mut Writer) {
        let name = OPERATIONS.iter().find(|(operation, _)| *operation == self.operation);
        writer.set("operation", name.map_or("query", |(_, name)| name));
        writer.maybe("section", self.section.as_deref()).maybe("xpath", self.xpath.as_deref());
        writer.flag("allow-create", self.allow_create).flag("score", self.score);
        writer.flag("no-children", self.no_children).flag("force", self.force);
        if let Some(input) = &self.input {
            writer.text("input", input);
        }
    }

    fn read(element: Element<'_>) -> Result<Self, RequestError> {
        let name = element.attribute("operation").unwrap_or_default();
        let operation = OPERATIONS.iter().find(|(_, known)| *known == name);
        let (operation, _) = operation.ok_or(RequestError::Attribute("operation"))?;
        Ok(Self {
            operation: *operation,
            section: optional(element, "section"),
            xpath: optional(element, "xpath"),
            input: element.child("input").map(|input| input.text().to_owned()),
            allow_create: flag(element, "allow-create"),
            score: flag(element, "score"),
            no_children: flag(element, "no-children"),
            force: flag(element, "force"),
        })
    }
}

impl Lifetime {
    /// The section's name, as `crm_attribute --type` takes it.
    #[must_use]
    pub const fn section(self) -> &'static str {
        match self {
            Self::Reboot => "status",
            Self::Forever => "nodes",
        }
    }
}

impl Reply {
    /// An answer that worked.
    #[must_use]
    pub const fn done(payload: String) -> Self {
        Self { rc: 0, message: String::new(), payload }
    }

    /// An answer that did not.
    #[must_use]
    pub fn failed(rc: i32, message: impl Into<String>) -> Self {
        Self { rc, message: message.into(), payload: String::new() }
    }

    /// The reply as one XML document.
    #[must_use]
    pub fn to_xml(&self) -> String {
        let mut writer = Writer::new("reply");
        writer.set("rc", &self.rc.to_string());
        if !self.message.is_empty() {
            writer.text("message", &self.message);
        }
        if !self.payload.is_empty() {
            writer.text("payload", &self.payload);
        }
        writer.document.write_compact()
    }

    /// The reply that an XML document means.
    ///
    /// # Errors
    /// [`RequestError`] if it means none.
    pub fn from_xml(text: &str) -> Result<Self, RequestError> {
        let document = Document::parse(text)?;
        let root = document.root();
        if root.name() != "reply" {
            return Err(RequestError::Unknown(root.name().to_owned()));
        }
        let rc = root.attribute("rc").and_then(|rc| rc.parse().ok());
        let text = |name| root.child(name).map(|child| child.text().to_owned()).unwrap_or_default();
        Ok(Self {
            rc: rc.ok_or(RequestError::Attribute("rc"))?,
            message: text("message"),
            payload: text("payload"),
        })
    }
}

fn optional(element: Element<'_>, name: &str) -> Option<String> {
    element.attribute(name).map(str::to_owned)
}

fn required(element: Element<'_>, name: &'static str) -> Result<String, RequestError> {
    optional(element, name).ok_or(RequestError::Attribute(name))
}

fn flag(element: Element<'_>, name: &str) -> bool {
    element.attribute(name) == Some("true")
}

fn number<N: core::str::FromStr>(
    element: Element<'_>,
    name: &'static str,
) -> Result<Option<N>, RequestError> {
    let parse = |text: &str| text.parse().map_err(|_| RequestError::Attribute(name));
    element.attribute(name).map(parse).transpose()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_request_comes_back_as_it_went() {
        let some = |text: &str| Some(text.to_owned());
        let cib = CibRequest {
            section: some("status"),
            xpath: some("//a[@b='c']"),
            input: some("<a b=\"1 &lt; 2\">\n  text\t\"x\" &amp; y</a>"),
            allow_create: true,
            score: true,
            ..CibRequest::new(CibOperation::Modify)
        };
        let requests = [
            Request::Cib(cib.clone()),
            Request::Transaction(vec![cib, CibRequest::new(CibOperation::Bump)]),
            Request::AttributeUpdate {
                name: "x".to_owned(),
                pattern: false,
                value: some("a<b>&\"c'"),
                node: None,
                dampen_ms: Some(5000),
                private: true,
                set_id: None,
            },
            Request::AttributeQuery { name: "x".to_owned(), node: some("n") },
            Request::Forget {
                resource: some("r"),
                node: None,
                operation: some("monitor"),
                interval_ms: Some(10),
                failed_only: true,
            },
            Request::Fail { resource: "r".to_owned(), node: None },
            Request::Nodes,
            Request::RemoveNode { name: "n".to_owned() },
            Request::Fence {
                target: "n".to_owned(),
                action: "off".to_owned(),
                timeout_s: 5,
                delay_s: -1,
            },
            Request::ConfirmOff { target: "n".to_owned() },
            Request::FenceHistory { target: None },
            Request::ForgetFencing { target: Some("head-a".to_owned()) },
            Request::Health,
            Request::WaitIdle,
            Request::Shutdown,
        ];
        for request in requests {
            assert_eq!(Request::from_xml(&request.to_xml()), Ok(request));
        }
    }

    #[test]
    fn a_reply_comes_back_as_it_went() {
        let reply = Reply {
            rc: 105,
            message: "no such device & more".to_owned(),
            payload: "<a>\n <b c=\"d\"/>\n</a>".to_owned(),
        };
        assert_eq!(Reply::from_xml(&reply.to_xml()), Ok(reply));
        assert_eq!(Reply::from_xml(&Reply::default().to_xml()), Ok(Reply::default()));
    }

    #[test]
    fn nonsense_is_refused() {
        for text in ["", "<request/>", "<reply/>", "<request op=\"cib\" operation=\"x\"/>", "<a"] {
            assert!(Request::from_xml(text).is_err(), "{text}");
        }
        assert!(Reply::from_xml("<request/>").is_err());
    }
}
