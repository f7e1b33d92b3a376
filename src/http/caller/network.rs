//! Where a request comes from, as far as that can be known.

use std::net::IpAddr;

use actix_web::HttpRequest;
use actix_web::http::header::{self, HeaderMap};
use ipnet::IpNet;

/// Headers by which a proxy or tunnel says that it only passes on. Whoever is behind it may be anybody, wherever the
/// connection itself comes from.
const FORWARDING: &[&str] = &[
    "forwarded",
    "via",
    "x-real-ip",
    "x-client-ip",
    "x-cluster-client-ip",
    "true-client-ip",
    "x-envoy-external-address",
];
/// And those that begin so: `X-Forwarded-For`, `X-Original-Forwarded-For`, `CF-Connecting-IP`, `Fly-Client-IP` …
const FORWARDING_FAMILIES: &[&str] = &["x-forwarded", "x-original-forwarded", "cf-", "fly-", "ngrok-", "tailscale-"];

/// How near a caller is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Nearness {
    /// A program of this machine that means this machine.
    pub(super) loopback: bool,
    /// A peer in one of the trusted networks.
    pub(super) trusted: bool,
}

impl Nearness {
    /// Of a request; nobody is near who was passed on.
    #[must_use]
    pub fn of(request: &HttpRequest, trusted_networks: &[IpNet]) -> Self {
        let Some(peer) = peer(request).filter(|_| !is_forwarded(request.headers())) else { return Self::default() };
        Self {
            loopback: peer.is_loopback() && means_loopback(request.headers()),
            trusted: trusted_networks.iter().any(|network| network.contains(&peer)),
        }
    }
}

/// The other end of the connection; an IPv4 address that came by an IPv6 socket is the IPv4 address.
#[must_use]
pub fn peer(request: &HttpRequest) -> Option<IpAddr> {
    request.peer_addr().map(|address| address.ip().to_canonical())
}

fn is_forwarded(headers: &HeaderMap) -> bool {
    headers.keys().any(|name| {
        let name = name.as_str();
        FORWARDING.contains(&name) || FORWARDING_FAMILIES.iter().any(|family| name.starts_with(family))
    })
}

/// Whether the request was addressed to this machine by one of its own names. A web page can make a name of its own resolve
/// to loopback and talk to us as "its" server (DNS rebinding); then the `Host` is that name.
fn means_loopback(headers: &HeaderMap) -> bool {
    let Some(host) = headers.get(header::HOST) else { return true };
    let Ok(host) = host.to_str() else { return false };
    let without_port = match host.strip_prefix('[') {
        Some(rest) => rest.split(']').next().unwrap_or_default(),
        None => host.split(':').next().unwrap_or_default(),
    };
    let name = without_port.to_ascii_lowercase();
    name == "localhost" || name.ends_with(".localhost") || name.parse().is_ok_and(|ip: IpAddr| ip.is_loopback())
}

#[cfg(test)]
mod tests {
    use super::*;
    use actix_web::test::TestRequest;

    fn near(peer: &str, headers: &[(&'static str, &'static str)]) -> (bool, bool) {
        let request = TestRequest::default().peer_addr(format!("{peer}:4711").parse().unwrap());
        let request = headers.iter().fold(request, |request, header| request.insert_header(*header));
        let networks = ["10.0.0.0/8", "fd00::/8"].map(|network| network.parse().unwrap());
        let nearness = Nearness::of(&request.to_http_request(), &networks);
        (nearness.loopback, nearness.trusted)
    }

    #[test]
    fn peers_are_near_by_their_address_alone() {
        for (peer, expected) in [
            ("127.0.0.1", (true, false)),
            ("[::1]", (true, false)),
            ("[::ffff:127.0.0.1]", (true, false)),
            ("10.1.2.3", (false, true)),
            ("[::ffff:10.1.2.3]", (false, true)),
            ("[fd00::7]", (false, true)),
            ("11.0.0.1", (false, false)),
            ("[2001:db8::1]", (false, false)),
        ] {
            assert_eq!(near(peer, &[]), expected, "{peer}");
        }
        assert_eq!(Nearness::of(&TestRequest::default().to_http_request(), &[]), Nearness::default());
    }

    #[test]
    fn whoever_was_passed_on_is_not_near() {
        for header in [
            "Forwarded",
            "X-Forwarded-For",
            "X-Forwarded-Host",
            "X-Forwarded-Proto",
            "X-Real-IP",
            "Via",
            "CF-Connecting-IP",
            "True-Client-IP",
            "X-Original-Forwarded-For",
        ] {
            for value in ["127.0.0.1", ""] {
                assert_eq!(near("127.0.0.1", &[(header, value)]), (false, false), "{header}: {value}");
                assert_eq!(near("10.1.2.3", &[(header, value)]), (false, false), "{header}: {value}");
            }
        }
    }

    #[test]
    fn a_name_of_somebody_elses_that_leads_to_loopback_is_not_this_machine() {
        for host in ["127.0.0.1:8080", "localhost", "LOCALHOST:1", "[::1]:8080", "rig.localhost:80"] {
            assert_eq!(near("127.0.0.1", &[("Host", host)]), (true, false), "{host}");
        }
        for host in ["evil.example", "127.0.0.1.evil.example:8080", "localhost.evil.example", "10.0.0.1", ""] {
            assert_eq!(near("127.0.0.1", &[("Host", host)]), (false, false), "{host}");
        }
        assert_eq!(near("10.1.2.3", &[("Host", "conductor.rig.svc")]), (false, true));
    }
}
