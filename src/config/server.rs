//! Where to listen, and who is believed to be whom.

use std::net::{IpAddr, Ipv4Addr, SocketAddr};

use conductor_core::authority::IdentityMode;
use conductor_http::live::DEFAULT_READERS;
use conductor_http::server::DEFAULT_CONNECTIONS;
use ipnet::IpNet;

use super::environment::Environment;
use super::findings::{At, Findings};
use super::section::Section;

/// Where it listens unless told otherwise.
const DEFAULT_BIND: SocketAddr = SocketAddr::new(IpAddr::V4(Ipv4Addr::LOCALHOST), 8080);

/// More than systems give a process: a slip of the pen.
const MOST_CONNECTIONS: u32 = 1_000_000;

/// Where to listen, and who is believed there.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Server {
    pub(super) bind: SocketAddr,
    pub(super) connections: usize,
    pub(super) live_readers: usize,
    pub(super) identity: IdentityMode,
    pub(super) trusted_networks: Vec<IpNet>,
}

/// Bind address, identity and trusted networks, which hang together: **what listens beyond loopback never believes everybody.**
pub(super) fn read(root: &Section<'_>, environment: &Environment, findings: &Findings) -> Server {
    let bind = bind(root, environment, findings);
    let connections = root.count("connections", MOST_CONNECTIONS);
    let connections = connections.map_or(DEFAULT_CONNECTIONS, |found| found.value as usize);
    let live_readers = live_readers(root, connections, findings);
    let trusted_networks = networks(root, environment, findings);
    let in_file = root.field("identity");
    let chosen: Option<At<IdentityMode>> = environment.field("CONDUCTOR_IDENTITY", findings).or(in_file);
    let Some(At { value: identity, place }) = chosen else {
        let identity = if bind.ip().is_loopback() { IdentityMode::Open } else { IdentityMode::Token };
        return Server { bind, connections, live_readers, identity, trusted_networks };
    };
    match identity {
        IdentityMode::Open if !bind.ip().is_loopback() => findings.mistake(
            &place,
            format!("identity \"open\" believes everybody, and {bind} is beyond loopback: leave it out (tokens are the default there), or bind to 127.0.0.1"),
        ),
        IdentityMode::TrustedNetwork if trusted_networks.is_empty() => findings.mistake(
            &place,
            "identity \"trusted-network\" believes peers of trusted_networks, and there are none: name them, such as trusted_networks = [\"10.0.0.0/8\"]",
        ),
        IdentityMode::Open | IdentityMode::TrustedNetwork | IdentityMode::Token => {}
    }
    Server { bind, connections, live_readers, identity, trusted_networks }
}

/// `CONDUCTOR_BIND`, else `bind` in the file.
pub(super) fn bind(root: &Section<'_>, environment: &Environment, findings: &Findings) -> SocketAddr {
    let in_file = root.parsed("bind", address);
    let bind = environment.parsed("CONDUCTOR_BIND", findings, address).or(in_file);
    bind.map_or(DEFAULT_BIND, |found| found.value)
}

/// How many may read the live feed at once. Each keeps its connection, and the other callers need some as well.
fn live_readers(root: &Section<'_>, connections: usize, findings: &Findings) -> usize {
    let Some(At { value, place }) = root.count("live_readers", MOST_CONNECTIONS) else {
        return most_readers(DEFAULT_READERS, connections);
    };
    let wanted = value as usize;
    if most_readers(wanted, connections) < wanted {
        findings.mistake(
            &place,
            format!(
                "live_readers must be at most half of connections ({connections}): each keeps one, and others need some"
            ),
        );
    }
    wanted
}

/// As many of them as leave half of the connections to the other callers.
#[must_use]
pub fn most_readers(wanted: usize, connections: usize) -> usize {
    wanted.min((connections / 2).max(1))
}

fn address(text: &str) -> Result<SocketAddr, String> {
    text.parse().map_err(|_| "must be an address and a port such as 127.0.0.1:8080".to_owned())
}

/// `CONDUCTOR_TRUSTED_NETWORKS`, with commas between them, or `trusted_networks` in the file.
fn networks(root: &Section<'_>, environment: &Environment, findings: &Findings) -> Vec<IpNet> {
    let in_file = root.fields::<String>("trusted_networks");
    let in_environment = environment.parsed("CONDUCTOR_TRUSTED_NETWORKS", findings, |text| {
        text.split(',').map(|part| network(part.trim())).collect::<Result<Vec<_>, _>>()
    });
    if let Some(found) = in_environment {
        return found.value;
    }
    let read = in_file.into_iter().filter_map(|At { value, place }| match network(&value) {
        Ok(network) => Some(network),
        Err(problem) => {
            findings.mistake(&place, format!("trusted_networks {problem}, not \"{}\"", value.escape_debug()));
            None
        }
    });
    read.collect()
}

/// A network, or one address.
fn network(text: &str) -> Result<IpNet, String> {
    let network = text.parse::<IpNet>().ok().or_else(|| text.parse::<IpAddr>().ok().map(IpNet::from));
    let network = network.ok_or("must be a network such as 10.0.0.0/8, or an address")?;
    if network.prefix_len() == 0 {
        return Err("must not be the whole world".to_owned());
    }
    Ok(network)
}

#[cfg(test)]
mod tests {
    use super::super::tests::{load, refused, sound};
    use super::*;

    #[test]
    fn loopback_of_either_family_is_open_by_default() {
        for bind in ["127.0.0.1:0", "127.0.0.2:80", "[::1]:8080"] {
            let settings = load("", &[("CONDUCTOR_BIND", bind)]).unwrap();
            assert_eq!((settings.bind.to_string().as_str(), settings.identity), (bind, IdentityMode::Open));
        }
    }

    #[test]
    fn beyond_loopback_tokens_are_the_default_and_open_is_refused() {
        for bind in ["0.0.0.0:8080", "192.168.1.2:80", "[::]:80", "[::ffff:127.0.0.1]:80"] {
            assert_eq!(load("", &[("CONDUCTOR_BIND", bind)]).unwrap().identity, IdentityMode::Token);
            let open = [("CONDUCTOR_BIND", bind), ("CONDUCTOR_IDENTITY", "open")];
            refused("", &open, "CONDUCTOR_IDENTITY", "beyond loopback");
        }
        refused("bind = \"0.0.0.0:1\"\nidentity = \"open\"", &[], "rig.toml:2", "beyond loopback");
    }

    #[test]
    fn trusted_network_is_chosen_explicitly_and_names_its_networks() {
        let file = "bind = \"0.0.0.0:1\"\ntrusted_networks = [\"10.0.0.0/8\", \"fd00::/8\", \"192.168.1.7\"]\n";
        assert_eq!(sound(file).identity, IdentityMode::Token, "networks alone choose nothing");
        let chosen = load(file, &[("CONDUCTOR_IDENTITY", "trusted-network")]).unwrap();
        assert_eq!(chosen.identity, IdentityMode::TrustedNetwork);
        let networks: Vec<String> = chosen.trusted_networks.iter().map(ToString::to_string).collect();
        assert_eq!(networks, ["10.0.0.0/8", "fd00::/8", "192.168.1.7/32"]);
        refused("identity = \"trusted-network\"", &[], "rig.toml:1", "there are none");
    }

    #[test]
    fn networks_of_the_environment_go_before_those_of_the_file() {
        let variables = [("CONDUCTOR_TRUSTED_NETWORKS", "10.1.0.0/16, 10.2.0.0/16")];
        assert_eq!(load("trusted_networks = [\"172.16.0.0/12\"]", &variables).unwrap().trusted_networks.len(), 2);
    }

    #[test]
    fn what_is_no_network_or_the_whole_world_is_refused() {
        refused("trusted_networks = [\n\"10.0.0.0/8\",\n\"10.0.0.0/33\"]", &[], "rig.toml:3", "such as 10.0.0.0/8");
        refused("trusted_networks = [\"0.0.0.0/0\"]", &[], "rig.toml:1", "the whole world");
        let variables = [("CONDUCTOR_TRUSTED_NETWORKS", "cluster")];
        refused("", &variables, "CONDUCTOR_TRUSTED_NETWORKS", "such as 10.0.0.0/8, or an address, not \"cluster\"");
    }

    #[test]
    fn connections_are_bounded() {
        assert_eq!(sound("").connections, DEFAULT_CONNECTIONS);
        assert_eq!(sound("connections = 50").connections, 50);
        refused("connections = 0", &[], "rig.toml:1", "from 1 to 1000000, not 0");
    }

    #[test]
    fn readers_of_the_live_feed_leave_half_of_the_connections_to_others() {
        assert_eq!(sound("").live_readers, DEFAULT_READERS);
        assert_eq!((sound("connections = 50").live_readers, sound("connections = 1").live_readers), (25, 1));
        assert_eq!(sound("connections = 50\nlive_readers = 7").live_readers, 7);
        refused("connections = 50\nlive_readers = 26", &[], "rig.toml:2", "at most half of connections (50)");
    }

    #[test]
    fn what_is_no_address_is_shown() {
        refused("", &[("CONDUCTOR_BIND", "localhost")], "CONDUCTOR_BIND", "such as 127.0.0.1:8080, not \"localhost\"");
        refused("identity = \"opne\"", &[], "rig.toml:1", "one of open, trusted-network, token");
    }
}
