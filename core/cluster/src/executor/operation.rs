//! One action of one resource on this node, and the environment that its agent sees.

use core::time::Duration;
use diarch_scheduler::graph::GraphAction;

/// Time for an action that names none.
const TIMEOUT_DEFAULT: Duration = Duration::from_secs(20);

/// Which agent.
#[derive(Clone, Debug, Default, Eq, Ord, PartialEq, PartialOrd)]
pub struct AgentName {
    /// `ocf`, `lsb`, `systemd`, `service` or `stonith`.
    pub class: String,
    /// Empty where the class has none.
    pub provider: String,
    /// The agent's type.
    pub kind: String,
}

/// An action as the transition wants it executed.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct Operation {
    /// The resource's id in the history, without the number of an anonymous clone's instance.
    pub resource: String,
    /// Its agent.
    pub agent: AgentName,
    /// `start`, `monitor`, …
    pub name: String,
    /// 0 for an action that is run once.
    pub interval_ms: u64,
    /// `operation_key`.
    pub key: String,
    /// The node that it runs on.
    pub node: String,
    /// Meta (`CRM_meta_…`) and instance parameters as the graph holds them.
    pub attributes: Vec<(String, String)>,
    /// Returned with the result: `ACTION:TRANSITION:EXPECTED:UUID`.
    pub transition_key: String,
}

impl Operation {
    /// The operation that a graph's resource action asks for.
    ///
    /// `None` if it names no resource.
    #[must_use]
    pub fn from_graph(action: &GraphAction, transition_key: String) -> Option<Self> {
        let primitive = action.primitive.as_ref()?;
        let mut operation = Self {
            resource: primitive.id.clone(),
            agent: AgentName {
                class: primitive.class.clone(),
                provider: primitive.provider.clone(),
                kind: primitive.kind.clone(),
            },
            name: action.operation.clone(),
            interval_ms: 0,
            key: action.key.clone(),
            node: action.node.clone().unwrap_or_default(),
            attributes: action.attributes.clone(),
            transition_key,
        };
        operation.interval_ms = operation.meta_number("interval").unwrap_or(0);
        Some(operation)
    }

    /// The value of the meta attribute `CRM_meta_NAME`.
    #[must_use]
    pub fn meta(&self, name: &str) -> Option<&str> {
        self.attributes
            .iter()
            .find(|(key, _)| key.strip_prefix("CRM_meta_") == Some(name))
            .map(|(_, value)| value.as_str())
    }

    /// The meta attribute as a number.
    #[must_use]
    pub fn meta_number(&self, name: &str) -> Option<u64> {
        self.meta(name).and_then(|value| value.parse().ok())
    }

    /// After how long the agent is killed.
    #[must_use]
    pub fn timeout(&self) -> Duration {
        match self.meta_number("timeout") {
            Some(millis) if millis > 0 => Duration::from_millis(millis),
            Some(_) | None => TIMEOUT_DEFAULT,
        }
    }

    /// How long the first run is put off.
    #[must_use]
    pub fn start_delay(&self) -> Duration {
        Duration::from_millis(self.meta_number("start_delay").unwrap_or(0))
    }

    /// The result that the transition expects.
    #[must_use]
    pub fn expected_rc(&self) -> i32 {
        self.transition_key.split(':').nth(2).and_then(|rc| rc.parse().ok()).unwrap_or(0)
    }

    /// Whether it looks for what runs, before anything is known.
    #[must_use]
    pub fn is_probe(&self) -> bool {
        self.name == "monitor" && self.interval_ms == 0
    }

    /// The agent's own part of its environment, in order.
    #[must_use]
    pub fn environment(&self) -> Vec<(String, String)> {
        let mut environment = base_environment(&self.agent, &self.resource, "text");
        for (name, value) in &self.attributes {
            if name == "OCF_CHECK_LEVEL" || name == "CRM_meta_OCF_CHECK_LEVEL" {
                environment.push(("OCF_CHECK_LEVEL".to_owned(), value.clone()));
            } else if let Some(meta) = name.strip_prefix("CRM_meta_") {
                // Only a monitor that recurs has an interval.
                if meta == "interval" && self.interval_ms == 0 {
                    continue;
                }
                let meta = meta.replace('-', "_");
                environment.push((format!("OCF_RESKEY_CRM_meta_{meta}"), value.clone()));
            } else {
                environment.push((format!("OCF_RESKEY_{name}"), value.clone()));
            }
        }
        environment
    }
}

/// What every agent sees, whatever it is asked for.
pub(super) fn base_environment(
    agent: &AgentName,
    instance: &str,
    format: &str,
) -> Vec<(String, String)> {
    let mut environment = vec![
        ("OCF_RA_VERSION_MAJOR", "1"),
        ("OCF_RA_VERSION_MINOR", "1"),
        ("OCF_ROOT", "/usr/lib/ocf"),
        ("OCF_EXIT_REASON_PREFIX", "ocf-exit-reason:"),
        ("OCF_OUTPUT_FORMAT", format),
        ("OCF_RESOURCE_INSTANCE", instance),
        ("OCF_RESOURCE_TYPE", &agent.kind),
    ];
    if !agent.provider.is_empty() {
        environment.push(("OCF_RESOURCE_PROVIDER", &agent.provider));
    }
    environment.into_iter().map(|(name, value)| (name.to_owned(), value.to_owned())).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parameters_are_prefixed_and_the_check_level_is_not() {
        let pair = |name: &str, value: &str| (name.to_owned(), value.to_owned());
        let operation = Operation {
            resource: "s1".to_owned(),
            agent: AgentName {
                class: "ocf".to_owned(),
                provider: "pacemaker".to_owned(),
                kind: "Stateful".to_owned(),
            },
            name: "monitor".to_owned(),
            attributes: vec![
                pair("CRM_meta_interval", "0"),
                pair("CRM_meta_on_node", "node1"),
                pair("CRM_meta_start-delay", "3"),
                pair("OCF_CHECK_LEVEL", "10"),
                pair("crm_feature_set", "3.20.5"),
                pair("state", "/run/st"),
            ],
            ..Operation::default()
        };
        let names: Vec<String> =
            operation.environment().into_iter().skip(8).map(|(name, _)| name).collect();
        let expected = [
            "OCF_RESKEY_CRM_meta_on_node",
            "OCF_RESKEY_CRM_meta_start_delay",
            "OCF_CHECK_LEVEL",
            "OCF_RESKEY_crm_feature_set",
            "OCF_RESKEY_state",
        ];
        assert_eq!(names, expected);
    }
}
