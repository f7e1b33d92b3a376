//! Where to listen, and who is believed to be whom.

use std::net::{Ipv4Addr, SocketAddr};

use super::environment::Environment;
use super::findings::{At, Findings};
use super::section::Section;

/// Where it listens unless told otherwise.
const DEFAULT_BIND: SocketAddr = SocketAddr::new(std::net::IpAddr::V4(Ipv4Addr::LOCALHOST), 8080);

conductor_core::words! {
    /// How callers are told apart.
    pub enum Identity {
        /// Everybody is believed; on loopback alone.
        Open = "open",
        /// Legacy agents of a trusted network are believed.
        TrustedNetwork = "trusted-network",
        /// By token.
        Token = "token",
    }
}

/// `CONDUCTOR_BIND`, or `bind` in the file. Loopback alone: this version can't tell callers apart, so it must not be reachable.
pub(super) fn bind(root: &Section<'_>, environment: &Environment, findings: &Findings) -> SocketAddr {
    let in_file = root.parsed("bind", address);
    let found = environment.parsed("CONDUCTOR_BIND", findings, address).or(in_file);
    let Some(At { value: bind, place }) = found else { return DEFAULT_BIND };
    if !bind.ip().is_loopback() {
        let problem = format!(
            "{bind} is beyond loopback, where callers must show a token; this version has no tokens yet: bind to 127.0.0.1"
        );
        findings.mistake(&place, problem);
    }
    bind
}

fn address(text: &str) -> Result<SocketAddr, String> {
    text.parse().map_err(|_| "must be an address and a port such as 127.0.0.1:8080".to_owned())
}

/// `CONDUCTOR_IDENTITY`, or `identity` in the file.
pub(super) fn identity(root: &Section<'_>, environment: &Environment, findings: &Findings) -> Identity {
    let in_file = root.field("identity");
    let Some(found) = environment.field("CONDUCTOR_IDENTITY", findings).or(in_file) else { return Identity::Open };
    match found.value {
        Identity::Open => {}
        Identity::TrustedNetwork | Identity::Token => {
            findings.mistake(
                &found.place,
                format!("identity \"{}\" is not available in this version yet: \"open\" is", found.value),
            );
        }
    }
    found.value
}

#[cfg(test)]
mod tests {
    use super::super::tests::{load, refused};

    #[test]
    fn loopback_of_either_family_is_taken() {
        for bind in ["127.0.0.1:0", "127.0.0.2:80", "[::1]:8080"] {
            assert_eq!(load("", &[("CONDUCTOR_BIND", bind)]).unwrap().bind.to_string(), bind);
        }
    }

    #[test]
    fn beyond_loopback_is_refused_from_both_sources() {
        for bind in ["0.0.0.0:8080", "192.168.1.2:80", "[::]:80", "[::ffff:127.0.0.1]:80"] {
            refused("", &[("CONDUCTOR_BIND", bind)], "CONDUCTOR_BIND", "beyond loopback");
        }
        refused("bind = \"0.0.0.0:1\"", &[], "rig.toml:1", "beyond loopback");
    }

    #[test]
    fn what_is_no_address_is_shown() {
        refused("", &[("CONDUCTOR_BIND", "localhost")], "CONDUCTOR_BIND", "such as 127.0.0.1:8080, not \"localhost\"");
    }

    #[test]
    fn an_identity_that_is_not_there_yet_is_refused_and_not_weakened() {
        for identity in ["token", "trusted-network"] {
            refused("", &[("CONDUCTOR_IDENTITY", identity)], "CONDUCTOR_IDENTITY", "not available in this version yet");
        }
        refused("identity = \"opne\"", &[], "rig.toml:1", "one of open, trusted-network, token");
    }
}
