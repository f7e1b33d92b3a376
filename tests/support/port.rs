//! A port that a server can take, give back and take again.

use std::collections::hash_map::RandomState;
use std::hash::BuildHasher;
use std::net::{Ipv4Addr, TcpListener};

/// Below the range from which the kernel takes ports for outgoing connections (32768 on Linux): while a server is down,
/// no connection of the test itself can sit on its port.
const RANGE: std::ops::Range<u16> = 15_000..32_000;

/// A port of loopback that is free right now. Callers try another where a neighbour was faster.
#[must_use]
pub fn free_port() -> u16 {
    let seeds = RandomState::new();
    (0_u32..1_000)
        .map(|attempt| {
            let offset = seeds.hash_one(attempt) % u64::from(RANGE.end - RANGE.start);
            RANGE.start + u16::try_from(offset).expect("the offset is below the length of the range")
        })
        .find(|port| TcpListener::bind((Ipv4Addr::LOCALHOST, *port)).is_ok())
        .expect("one of a thousand ports is free")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_taken_port_is_never_offered() {
        let taken: Vec<_> = (0..20).map(|_| TcpListener::bind((Ipv4Addr::LOCALHOST, free_port())).unwrap()).collect();
        assert!(taken.iter().all(|listener| RANGE.contains(&listener.local_addr().unwrap().port())));
    }
}
