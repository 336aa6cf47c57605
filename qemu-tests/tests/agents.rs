//! The agents in the image find all that they call: each is run by hand on a machine without a
//! cluster, as the storage service uses it.

use diarch_qemu_tests::pair::Pair;
use diarch_qemu_tests::scenario::{self, say};
use diarch_qemu_tests::story::expect;
use diarch_qemu_tests::trouble::Trouble;
use std::time::{Duration, Instant};

/// OCF: success, and "is not running".
const SUCCESS: i32 = 0;
const NOT_RUNNING: i32 = 7;

/// Provider, type, and parameters.
const AGENTS: &[(&str, &str, &str)] = &[
    (
        "heartbeat",
        "Filesystem",
        "OCF_RESKEY_device=/dev/vda OCF_RESKEY_directory=/srv/data OCF_RESKEY_fstype=ext4 \
         OCF_RESKEY_options=noatime OCF_RESKEY_force_unmount=safe",
    ),
    (
        "heartbeat",
        "IPaddr2",
        "OCF_RESKEY_ip=192.168.77.10 OCF_RESKEY_cidr_netmask=24 OCF_RESKEY_nic=eth0",
    ),
    (
        "heartbeat",
        "anything",
        "OCF_RESKEY_binfile=/usr/bin/busybox OCF_RESKEY_pidfile=/run/web.pid \
         OCF_RESKEY_cmdline_options='httpd -f -p 80 -h /srv/data'",
    ),
    ("pacemaker", "Dummy", ""),
];

#[test]
fn the_storage_services_agents_run_in_the_image() {
    scenario::run_bare("agents", |pair| {
        pair.machines[0].power_on()?;
        pair.wait_booted(0, 0)?;
        for agent in AGENTS {
            act(pair, agent, "monitor", NOT_RUNNING)?;
            act(pair, agent, "start", SUCCESS)?;
            act(pair, agent, "monitor", SUCCESS)?;
        }
        pair.client.set_writing(true);
        pair.client.wait_acknowledged(Instant::now(), Duration::from_secs(20))?;
        pair.must(0, "ping -c 3 -W 5 192.168.77.254")?;
        pair.client.set_writing(false);
        for agent in AGENTS.iter().rev() {
            act(pair, agent, "stop", SUCCESS)?;
            act(pair, agent, "monitor", NOT_RUNNING)?;
        }
        Ok(())
    });
}

fn act(
    pair: &mut Pair,
    (provider, kind, parameters): &(&str, &str, &str),
    action: &str,
    wanted: i32,
) -> Result<(), Trouble> {
    let begun = Instant::now();
    let outcome = pair.run(
        0,
        &format!(
            "export OCF_ROOT=/usr/lib/ocf OCF_RESOURCE_INSTANCE={kind} OCF_RESOURCE_TYPE={kind} \
             OCF_RESOURCE_PROVIDER={provider} OCF_RESKEY_CRM_meta_timeout=20000 LC_ALL=C \
             OCF_RA_VERSION_MAJOR=1 OCF_RA_VERSION_MINOR=1 __OCF_ACTION={action} {parameters}; \
             /usr/lib/ocf/resource.d/{provider}/{kind} {action}"
        ),
    )?;
    let took = begun.elapsed().as_secs_f64();
    say(&format!("ocf:{provider}:{kind} {action}: {} in {took:.3} s", outcome.status));
    expect(
        outcome.status == wanted,
        &format!("ocf:{provider}:{kind} {action} ends with {wanted}: {}", outcome.output),
    )
}
