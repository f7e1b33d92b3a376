//! Whole stories over real HTTP, with real signed webhooks: what `conductor-e demo` tells and what `tests/it` checks.
//!
//! A [`Rig`] is everything outside the daemon at once: GitHub, agents, and somebody who reads the API. A story is a list of
//! things that they do, and of states that must be reached; the first that doesn't hold ends it with what was seen instead.

mod dependency;
mod from_label_to_done;
mod github;
mod narrator;
mod rig;
mod two_strikes;

pub use dependency::a_third_issue_waits_for_the_first;
pub use from_label_to_done::from_label_to_done;
pub use github::{Check, IssueDelivery, PullDelivery, ReviewDelivery, sign};
pub use narrator::Narrator;
pub use rig::Rig;
pub use two_strikes::two_strikes_then_a_human;

/// All stories in the order in which the demo tells them, with the timelines at the end.
///
/// # Errors
/// The first step that doesn't hold.
pub async fn play_all(rig: &Rig) -> anyhow::Result<()> {
    a_third_issue_waits_for_the_first::prepare(rig).await?;
    from_label_to_done(rig).await?;
    a_third_issue_waits_for_the_first::conclude(rig).await?;
    two_strikes_then_a_human(rig).await?;
    rig.narrator().headline("The timelines");
    for issue in [42, 43, 44] {
        rig.print_timeline(issue).await?;
    }
    Ok(())
}
