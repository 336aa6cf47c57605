//! What agents say about themselves, as far as the executor needs it, and the digests that follow.
//!
//! Relies on the OCF resource agent API 1.0 and 1.1: `reloadable` parameters with `reload-agent`,
//! `unique` parameters with the older `reload`.

use super::operation::{AgentName, Operation};
use crate::manager_io::{AgentEnd, AgentResult};
use diarch_cib::Document;
use std::collections::BTreeMap;

/// One parameter that an agent takes.
#[derive(Clone, Debug, Eq, PartialEq)]
struct Parameter {
    name: String,
    /// A change of it needs a restart.
    restarts: bool,
    private: bool,
}

/// One agent's meta-data.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct Metadata {
    parameters: Vec<Parameter>,
    /// Whether a change of some parameters needs no restart.
    reloads: bool,
}

/// What is known about an agent.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Lookup {
    /// Nothing; it was not asked.
    Unknown,
    /// It was asked and has not answered.
    Pending,
    /// It described itself, or cannot.
    Known,
}

/// The meta-data of every agent that was used here.
#[derive(Debug, Default)]
pub struct Library {
    agents: BTreeMap<AgentName, Option<Metadata>>,
}

impl Library {
    /// Whether this agent has to be asked; marks it as asked.
    pub fn wants(&mut self, agent: &AgentName) -> bool {
        let asked = self.agents.contains_key(agent);
        if !asked && agent.class == "ocf" {
            self.agents.insert(agent.clone(), None);
            return true;
        }
        false
    }

    /// An agent's answer; one that does not describe itself has no flags.
    pub fn described(&mut self, agent: AgentName, result: &AgentResult) {
        let metadata = match result.end {
            AgentEnd::Exited(0) => Metadata::parse(&result.stdout).unwrap_or_default(),
            AgentEnd::CouldNotRun => {
                // Nothing was learned: ask again at the next occasion.
                self.agents.remove(&agent);
                return;
            }
            AgentEnd::Exited(_)
            | AgentEnd::Signalled(_)
            | AgentEnd::TimedOut
            | AgentEnd::Cancelled
            | AgentEnd::NotInstalled
            | AgentEnd::NotPermitted => Metadata::default(),
        };
        self.agents.insert(agent, Some(metadata));
    }

    /// What is known about an agent.
    #[must_use]
    pub fn look_up(&self, agent: &AgentName) -> Lookup {
        match self.agents.get(agent) {
            None => Lookup::Unknown,
            Some(None) => Lookup::Pending,
            Some(Some(_)) => Lookup::Known,
        }
    }

    /// The digests of an operation's parameters, as its history row holds them.
    #[must_use]
    pub fn digests(&self, operation: &Operation) -> Vec<(String, String)> {
        let all: Vec<&(String, String)> = operation.attributes.iter().collect();
        let recurring = operation.interval_ms > 0;
        let mut row = vec![("op-digest".to_owned(), digest(&all, recurring))];
        let Some(Some(metadata)) = self.agents.get(&operation.agent) else { return row };
        let select = |wanted: &dyn Fn(&str) -> bool| -> Vec<&(String, String)> {
            operation.attributes.iter().filter(|(name, _)| wanted(name)).collect()
        };
        if metadata.reloads && !recurring {
            let names: Vec<&str> = names(metadata, |parameter| parameter.restarts);
            let kept = select(&|name| names.contains(&name));
            row.push(("op-force-restart".to_owned(), listed(&names)));
            row.push(("op-restart-digest".to_owned(), digest(&kept, recurring)));
        }
        let private: Vec<&str> = names(metadata, |parameter| parameter.private);
        if !private.is_empty() {
            let kept = select(&|name| !private.contains(&name));
            row.push(("op-secure-params".to_owned(), listed(&private)));
            row.push(("op-secure-digest".to_owned(), digest(&kept, recurring)));
        }
        row
    }
}

impl Metadata {
    /// The meta-data in an agent's own description; `None` if it is no XML.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        let document = Document::parse(text).ok()?;
        let root = document.root();
        let actions = || root.child("actions").into_iter().flat_map(|list| list.children());
        let offers = |name| actions().any(|action| action.attribute("name") == Some(name));
        let modern = offers("reload-agent");
        let truth = |value: Option<&str>| {
            value.is_some_and(|value| matches!(value.trim(), "1" | "true" | "yes"))
        };
        let list = root.child("parameters").into_iter();
        let list = list.flat_map(|list| list.children_named("parameter"));
        let parameters = list.filter_map(|parameter| {
            let name = parameter.attribute("name")?.to_owned();
            let restarts = if modern {
                !truth(parameter.attribute("reloadable"))
            } else {
                truth(parameter.attribute("unique"))
            };
            Some(Parameter { name, restarts, private: truth(parameter.attribute("private")) })
        });
        Some(Self { parameters: parameters.collect(), reloads: modern || offers("reload") })
    }
}

fn names(metadata: &Metadata, wanted: impl Fn(&Parameter) -> bool) -> Vec<&str> {
    let found = metadata.parameters.iter().filter(|parameter| wanted(parameter));
    found.map(|parameter| parameter.name.as_str()).collect()
}

fn listed(names: &[&str]) -> String {
    format!(" {} ", names.join(" "))
}

fn digest(parameters: &[&(String, String)], recurring: bool) -> String {
    let pairs = parameters.iter().map(|(name, value)| (name.as_str(), value.as_str()));
    diarch_cib::digest::of_parameters(pairs, recurring)
}
