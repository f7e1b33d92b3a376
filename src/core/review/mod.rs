//! Who is asked for a verdict on a change, when, and how often, before a person is called.
//!
//! **One rule dispatches** ([`next`]), whoever wants to know: the pass that pushes, the reviewer that pulls, the append that
//! decides it again, and the explanation why nobody reviews a pull request. It looks at the pull request, its issues, the rig
//! and the [`Crew`]; whom of those that may judge is the [`router`]'s choice.

mod awaiting;
mod crew;
#[cfg(test)]
mod delivery_tests;
mod plan;
mod router;
mod rule;
mod step;
#[cfg(test)]
mod tests;
mod wanted;

pub use awaiting::{Awaiting, droughts};
pub use crew::{Crew, Reviewer};
pub use plan::{Plan, Sight, plan};
pub use rule::{is_unheard, looks_at, next};
pub use step::{Alarm, Step, Wait};
pub use wanted::{NotWanted, awaits, is_awaited};
