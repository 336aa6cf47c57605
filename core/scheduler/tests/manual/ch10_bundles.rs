//! Chapter 10, "Collective Resources": bundles.

use crate::world::{Cib, nodes};

fn bundle() -> Cib {
    let mapping = |id: &str, source: &str, target: &str, options: &str| {
        format!("<storage-mapping id='{id}' {source} target-dir='{target}' options='{options}'/>")
    };
    let storage = [
        mapping("syslog", "source-dir='/dev/log'", "/dev/log", "rw"),
        mapping("root", "source-dir='/srv/html'", "/var/www/html", "rw,Z"),
        mapping("logs", "source-dir-root='/var/log/containers'", "/etc/httpd/logs", "rw,Z"),
    ];
    let text = format!(
        "<bundle id='httpd-bundle'><podman image='local:http' replicas='3'/>\
         <network ip-range-start='192.0.2.131' host-netmask='24' host-interface='eth0'>\
         <port-mapping id='port' port='80'/></network><storage>{}</storage>\
         <primitive id='httpd' class='ocf' provider='heartbeat' type='apache'>\
         <instance_attributes id='p'><nvpair id='p-s' name='statusurl' \
         value='http://localhost/server-status'/></instance_attributes></primitive></bundle>",
        storage.concat()
    );
    nodes(&["amber", "birch", "cedar"]).resources(&text)
}

/// *Pacemaker Explained* 10.3, "Bundles": each replica has an address and a container.
#[test]
fn ex_10_12_a_bundle_of_three_has_three_containers_with_an_address_each() {
    let decision = bundle().decide();
    let podman = |number: usize| format!("httpd-bundle-podman-{number}");
    let mut hosts: Vec<String> = (0..3).map(|at| decision.place(&podman(at))).collect();
    for (number, host) in hosts.iter().enumerate() {
        let address = format!("192.0.2.13{}", number + 1);
        let rsc = format!("httpd-bundle-ip-{address}");
        assert_eq!(&decision.place(&rsc), host);
        let (ip, run) =
            (format!("{rsc}_start_0 {host}"), format!("{}_start_0 {host}", podman(number)));
        decision.assert_order(&[&ip, &run]);
        assert_eq!(decision.attribute(&ip, "ip"), Some(address.as_str()));
        assert_eq!(decision.attribute(&ip, "nic"), Some("eth0"));
        assert_eq!(decision.attribute(&ip, "cidr_netmask"), Some("24"));
        let options = decision.attribute(&run, "run_opts").unwrap();
        assert!(options.contains(&format!("-p {address}:80:80")), "{options}");
        for part in [
            "-v /dev/log:/dev/log:rw".to_owned(),
            "-v /srv/html:/var/www/html:rw,Z".to_owned(),
            format!("-v /var/log/containers/httpd-bundle-{number}:/etc/httpd/logs:rw,Z"),
            "PCMK_remote_port=3121".to_owned(),
        ] {
            assert!(options.contains(&part), "{part}: {options}");
        }
        let mounts = decision.attribute(&run, "mount_points").unwrap();
        let own = format!("/var/log/containers/httpd-bundle-{number}");
        assert!(mounts.split(',').any(|mount| mount == own), "{mounts}");
        assert_eq!(decision.attribute(&run, "image"), Some("local:http"));
    }
    hosts.sort();
    assert_eq!(hosts, ["amber", "birch", "cedar"]);
}

/// *Pacemaker Explained* 10.3, "Bundles": what is inside is reached by a remote executor.
#[test]
fn ex_10_12_the_resource_inside_is_started_through_the_containers_executor() {
    let decision = bundle().decide();
    for number in 0..3 {
        let host = decision.place(&format!("httpd-bundle-podman-{number}"));
        let inside = format!("httpd-bundle-{number}");
        assert_eq!(decision.place(&inside), host);
        decision.assert_order(&[
            &format!("httpd-bundle-podman-{number}_start_0 {host}"),
            &format!("{inside}_start_0 {host}"),
            &format!("httpd_start_0 {inside}"),
        ]);
        let start = decision.graph.synapses.iter().find(|at| {
            at.action.operation == "start" && at.action.node.as_deref() == Some(inside.as_str())
        });
        assert_eq!(start.unwrap().action.router.as_deref(), Some(host.as_str()));
    }
    assert_eq!(decision.place("httpd"), "httpd-bundle-0, httpd-bundle-1, httpd-bundle-2");
}
