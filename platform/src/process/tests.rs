//! Real processes: a shell stands for an agent of class `lsb`-like simplicity.

use super::*;

fn play(script: &str, timeout: Duration) -> AgentResult {
    let folder = std::env::temp_dir().join(format!("diarch-agent-{}", std::process::id()));
    std::fs::create_dir_all(&folder).unwrap();
    let call = AgentCall {
        class: "ocf".into(),
        provider: "test".into(),
        kind: "agent".into(),
        action: script.into(),
        environment: vec![("OCF_RESKEY_x".into(), "1".into())],
        timeout,
    };
    smol::block_on(async {
        let (_keep, stop) = smol::channel::bounded(1);
        run_program(Path::new("/bin/sh"), &call, stop).await
    })
}

/// Runs `sh -c ACTION` in the agent's place.
async fn run_program(shell: &Path, call: &AgentCall, stop: Receiver<()>) -> AgentResult {
    let file = std::env::temp_dir().join(format!(
        "diarch-agent-{}/{:016x}",
        std::process::id(),
        std::ptr::from_ref(call) as usize
    ));
    std::fs::write(&file, format!("#!{}\n{}\n", shell.display(), call.action)).unwrap();
    let made = std::process::Command::new("chmod").arg("755").arg(&file).status().unwrap();
    assert!(made.success());
    let child = start(&file, call).unwrap();
    follow(child, call, stop).await
}

#[test]
fn an_agent_ends_with_its_status_and_its_words() {
    let result = play("echo out; echo ocf-exit-reason:why >&2; exit 7", Duration::from_secs(10));
    assert_eq!(result.end, AgentEnd::Exited(7));
    assert_eq!(result.stdout, "out\n");
    assert_eq!(result.stderr, "ocf-exit-reason:why\n");
}

#[test]
fn an_agent_that_hangs_is_killed_with_its_children() {
    let result = play("sleep 1000 & sleep 1000", Duration::from_millis(100));
    assert_eq!(result.end, AgentEnd::TimedOut);
}

#[test]
fn a_daemon_left_behind_does_not_hold_the_result_up() {
    let result = play("sleep 3 & echo started", Duration::from_secs(60));
    assert_eq!(result.end, AgentEnd::Exited(0));
    assert_eq!(result.stdout, "started\n");
    assert!(result.run < Duration::from_secs(3), "{:?}", result.run);
}

#[test]
fn only_the_end_of_much_output_is_kept() {
    let result = play("seq 1 100000", Duration::from_secs(60));
    assert!(result.stdout.len() <= OUTPUT_MAX && result.stdout.ends_with("\n100000\n"));
}

#[test]
fn the_environment_is_the_agents_own() {
    let result = play("echo $OCF_ROOT $OCF_RESKEY_x $HOME", Duration::from_secs(10));
    assert_eq!(result.stdout, "/usr/lib/ocf 1\n");
}

#[test]
fn no_name_leads_out_of_the_agents_folder() {
    for (class, provider, kind) in
        [("ocf", "..", "x"), ("ocf", "p", "../../x"), ("lsb", "", "/bin/sh"), ("none", "", "x")]
    {
        let call = AgentCall {
            class: class.into(),
            provider: provider.into(),
            kind: kind.into(),
            action: "start".into(),
            environment: Vec::new(),
            timeout: Duration::from_secs(1),
        };
        assert_eq!(program(&call), None, "{class}:{provider}:{kind}");
    }
}
