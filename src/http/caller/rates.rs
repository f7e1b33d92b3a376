//! How much one caller may ask: 429 beyond it.
//!
//! Heartbeats have a bucket of their own: an agent whose other requests are refused must not lose its lease for it.

use std::net::{IpAddr, Ipv6Addr};
use std::num::NonZeroU32;
use std::sync::atomic::{AtomicU32, Ordering};

use conductor_core::token::TokenId;
use governor::clock::{Clock, DefaultClock};
use governor::{DefaultKeyedRateLimiter, Quota, RateLimiter};

use crate::error::ApiError;

/// Callers that are kept in mind before those who have been quiet are dropped; twice the agents that are foreseen.
const MANY: usize = 20_000;
/// From one look at how many there are to the next, in requests.
const LOOK_EVERY: u32 = 4_096;

/// Who pays for a request.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum Payer {
    /// A token, wherever it is shown.
    Token(TokenId),
    /// An address; of IPv6 the /64, since one caller has that many. `None` where there is no connection to tell it.
    Address(Option<IpAddr>),
}

impl Payer {
    /// Of a peer's address.
    #[must_use]
    pub fn of_address(peer: Option<IpAddr>) -> Self {
        Self::Address(peer.map(|peer| match peer {
            IpAddr::V4(_) => peer,
            IpAddr::V6(address) => IpAddr::V6(Ipv6Addr::from_bits(address.to_bits() >> 64 << 64)),
        }))
    }
}

/// What is asked.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Traffic {
    /// HEARTBEAT reports.
    Heartbeat,
    /// All else that is counted.
    Request,
}

/// So many per second on average, so many at once.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Rate {
    /// On average.
    pub per_second: NonZeroU32,
    /// At once, after a pause.
    pub burst: NonZeroU32,
}

/// The rates of one caller.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RateSettings {
    /// Of requests other than heartbeats.
    pub requests: Rate,
    /// Of heartbeats.
    pub heartbeats: Rate,
}

impl Default for RateSettings {
    /// An agent asks about once a second, so a thousand is a fault of its program. An address may stand for a whole network
    /// behind one router, all of whose agents may beat at once.
    fn default() -> Self {
        const PER_SECOND: NonZeroU32 = NonZeroU32::new(1_000).expect("1,000 is not 0");
        const BURST: NonZeroU32 = NonZeroU32::new(5_000).expect("5,000 is not 0");
        const BEATS: NonZeroU32 = NonZeroU32::new(10_000).expect("10,000 is not 0");
        Self {
            requests: Rate { per_second: PER_SECOND, burst: BURST },
            heartbeats: Rate { per_second: PER_SECOND, burst: BEATS },
        }
    }
}

/// The buckets.
pub struct Rates {
    buckets: Option<Buckets>,
    clock: DefaultClock,
}

struct Buckets {
    requests: DefaultKeyedRateLimiter<Payer>,
    heartbeats: DefaultKeyedRateLimiter<Payer>,
    seen: AtomicU32,
}

impl Rates {
    /// Buckets of that size; `None`: everybody may ask as much as the machine gives.
    #[must_use]
    pub fn new(settings: Option<RateSettings>) -> Self {
        let limiter = |rate: Rate| RateLimiter::keyed(Quota::per_second(rate.per_second).allow_burst(rate.burst));
        let buckets = settings.map(|settings| Buckets {
            requests: limiter(settings.requests),
            heartbeats: limiter(settings.heartbeats),
            seen: AtomicU32::new(0),
        });
        Self { buckets, clock: DefaultClock::default() }
    }

    /// Counts one request.
    ///
    /// # Errors
    /// 429 with the time until the next one is free.
    pub fn take(&self, payer: &Payer, traffic: Traffic) -> Result<(), ApiError> {
        let Some(buckets) = &self.buckets else { return Ok(()) };
        buckets.drop_the_quiet();
        let bucket = match traffic {
            Traffic::Heartbeat => &buckets.heartbeats,
            Traffic::Request => &buckets.requests,
        };
        bucket.check_key(payer).map_err(|early| ApiError::too_many(early.wait_time_from(self.clock.now())))
    }
}

impl Buckets {
    /// Whose bucket is full again is as good as forgotten: bounded memory, however many addresses there are.
    fn drop_the_quiet(&self) {
        if self.seen.fetch_add(1, Ordering::Relaxed).is_multiple_of(LOOK_EVERY) {
            for bucket in [&self.requests, &self.heartbeats] {
                if bucket.len() > MANY {
                    bucket.retain_recent();
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A bucket that isn't filled again while a test runs: one in 1,000 s is the least that there is, times three.
    fn rates(requests: u32, heartbeats: u32) -> Rates {
        let slow = |burst| {
            let period = std::time::Duration::from_secs(1_000);
            let burst = NonZeroU32::new(burst).unwrap();
            RateLimiter::keyed(Quota::with_period(period).unwrap().allow_burst(burst))
        };
        let buckets = Buckets { requests: slow(requests), heartbeats: slow(heartbeats), seen: AtomicU32::new(0) };
        Rates { buckets: Some(buckets), clock: DefaultClock::default() }
    }

    fn address(text: &str) -> Payer {
        Payer::of_address(Some(text.parse().unwrap()))
    }

    #[test]
    fn beyond_its_burst_a_caller_is_told_to_wait_and_others_are_not() {
        let rates = rates(2, 1);
        let greedy = address("10.0.0.1");
        for _ in 0..2 {
            rates.take(&greedy, Traffic::Request).unwrap();
        }
        let refused = rates.take(&greedy, Traffic::Request).unwrap_err();
        assert_eq!((refused.status().as_u16(), refused.code()), (429, "too_many_requests"));
        rates.take(&address("10.0.0.2"), Traffic::Request).unwrap();
        rates.take(&Payer::Token(TokenId::of_random(1)), Traffic::Request).unwrap();
    }

    #[test]
    fn a_burst_of_requests_never_starves_heartbeats() {
        let rates = rates(1, 3);
        let agent = Payer::Token(TokenId::of_random(1));
        rates.take(&agent, Traffic::Request).unwrap();
        for _ in 0..3 {
            assert!(rates.take(&agent, Traffic::Request).is_err());
            rates.take(&agent, Traffic::Heartbeat).unwrap();
        }
        assert!(rates.take(&agent, Traffic::Heartbeat).is_err());
    }

    #[test]
    fn one_callers_many_addresses_are_one_payer() {
        assert_eq!(address("2001:db8::1"), address("2001:db8::ffff:ffff:ffff:ffff"));
        assert_ne!(address("2001:db8::1"), address("2001:db8:0:1::1"));
        assert_ne!(address("10.0.0.1"), address("10.0.0.2"));
    }

    #[test]
    fn without_settings_nobody_is_counted() {
        let rates = Rates::new(None);
        for _ in 0..100_000 {
            rates.take(&address("10.0.0.1"), Traffic::Request).unwrap();
        }
    }
}
