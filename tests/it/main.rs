//! The whole daemon, as a process, over real HTTP, on both stores.
//!
//! | Module | What it shows |
//! |---|---|
//! | [`rig`] | everything outside the daemon, and the audit that every test ends with |
//! | [`story`] · [`readme`] | the demo's stories · what the README says to type, typed |
//! | [`projections`] | what reports become in the read models |
//! | [`openapi`] | what `/openapi.json` says is so |
//! | [`bad_input`] | what is refused leaves nothing behind |
//! | [`limits`] | many at once: bursts, connections |
//! | [`claims`] · [`museum`] | who gets an issue when many want it; failures of other systems that must not happen here |
//! | [`leases`] | who is heard from keeps what it holds, and whose silence ends it |
//! | [`repositories`] | what is kept of a repository that changes its name |
//! | [`reviews`] | who is asked for a verdict, and who follows |
//! | [`renames`] | a repository is one thing, whatever it is called |
//! | [`runtime`] | what agents' runtimes tell beside their events |
//! | [`shell_agent`] | an agent of forty lines of shell |
//! | [`live`] | what readers of the live feed see, whatever happens to the daemon |
//! | [`pauses`] · [`strikes`] | what an operator holds goes on in its order · two strikes, then a human |
//! | [`overrides`] · [`explain`] | what a person overrules · why something is where it is |
//! | [`valkey`] · [`valkey_streams`] | who is told by an entry, and of what · the runtime of today, its whole runs and its deaths |
//! | [`kill9`] · [`faults`] | what survives the end of a process, a server, a connection, a disk |
//!
//! A test is a function of a running [`rig::Rig`]; [`on_both_stores`] makes two of it, ends the daemon in order after it, and
//! fails it for what nobody asserted: a panicked actor, an error in a pass, a dead letter, a log that breaks an invariant, a
//! row that is not the replay of its stream. Tests that need PostgreSQL have `postgres` in their path, those that take
//! long `slow_`.

// Clippy takes only the test functions themselves for tests (.clippy.toml), not what they share.
#![allow(clippy::unwrap_used, reason = "a failed expectation is what a test is for")]

/// One test per store of each function, grouped by the rig that it wants: `alone` (no GitHub: agents' words are the facts),
/// `with_github` (a webhook secret), or the same with reviewers that are asked at once.
macro_rules! on_both_stores {
    ($($rig:ident { $($name:ident),+ $(,)? })+) => {
        mod sqlite {
            $($(
                #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
                async fn $name() {
                    let mut rig = $crate::rig::Setup::sqlite().$rig().start().await;
                    super::$name(&mut rig).await;
                    rig.close().await;
                }
            )+)+
        }
        mod postgres {
            $($(
                #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
                async fn $name() {
                    let mut rig = $crate::rig::Setup::postgres(stringify!($name)).await.$rig().start().await;
                    super::$name(&mut rig).await;
                    rig.close().await;
                }
            )+)+
        }
    };
}

mod bad_input;
mod claims;
mod explain;
mod faults;
mod kill9;
mod leases;
mod limits;
mod live;
mod museum;
mod openapi;
mod overrides;
mod pauses;
mod projections;
mod readme;
mod renames;
mod repositories;
mod reviews;
mod rig;
mod runtime;
mod shell_agent;
mod story;
mod strikes;
mod valkey;
mod valkey_streams;
