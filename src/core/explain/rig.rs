//! Why the rig hands nothing out.

use crate::identity::StreamId;
use crate::overrule::OverrideKind;
use crate::rig::Rig;

use super::{Explanation, overrule};

/// Explains the rig as a whole.
#[must_use]
pub fn rig(rig: &Rig) -> Explanation {
    let held = rig.paused || !rig.paused_repos.is_empty();
    let state = if rig.paused { "paused" } else { "running" };
    let mut told = Explanation::new(StreamId::Rig, state, if held { rig.pause_version } else { 0 });
    told.summary = if held { "work is held by an operator" } else { "work is handed out to whoever asks" }.to_owned();
    let mut hold = |what: &str, why: String| {
        told.waits_on("paused", why, StreamId::Rig, Some(rig.pause_version));
        told.moved(overrule(OverrideKind::Resume, what));
    };
    if rig.paused {
        hold("rig", "an operator paused everything".to_owned());
    }
    for repo in &rig.paused_repos {
        hold(repo.as_str(), format!("an operator paused {repo}"));
    }
    told
}
