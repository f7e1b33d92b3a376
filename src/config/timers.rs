//! `[timers]`: the periods of the rules.

use conductor_core::roster::Timers;

use super::findings::Findings;
use super::section::Section;

/// What the file sets, the domain's figures for the rest; contradictions between them are mistakes.
pub(super) fn read(root: &Section<'_>, findings: &Findings) -> Timers {
    let defaults = Timers::default();
    let Some(section) = root.section("timers") else { return defaults };
    let place = section.place();
    let or = |key, default| section.period(key).map_or(default, |found| found.value);
    let timers = Timers {
        lease: or("lease", defaults.lease),
        online_within: or("online_within", defaults.online_within),
        offline_after: or("offline_after", defaults.offline_after),
        ageing: or("ageing", defaults.ageing),
        hook_lease: or("hook_lease", defaults.hook_lease),
        review_after: or("review_after", defaults.review_after),
        review_deadline: or("review_deadline", defaults.review_deadline),
        review_apart: or("review_apart", defaults.review_apart),
        merge_reminder: or("merge_reminder", defaults.merge_reminder),
        merge_blocked: or("merge_blocked", defaults.merge_blocked),
        no_progress: or("no_progress", defaults.no_progress),
        entry_idle: or("entry_idle", defaults.entry_idle),
    };
    section.close();
    if timers.online_within >= timers.lease {
        findings.mistake(
            &place,
            "online_within must be shorter than lease: a lease would end before its agent shows as offline",
        );
    }
    if timers.offline_after < timers.online_within {
        findings.mistake(
            &place,
            "offline_after must not be shorter than online_within: whoever is said to be gone would show as online",
        );
    }
    if timers.no_progress < timers.lease {
        findings.mistake(
            &place,
            "no_progress must not be shorter than lease: whoever is only silent would be struck for it",
        );
    }
    if timers.merge_blocked <= timers.merge_reminder {
        findings.mistake(
            &place,
            "merge_blocked must be longer than merge_reminder: a person would be called before anybody was told",
        );
    }
    if timers.entry_idle < timers.online_within {
        findings.mistake(
            &place,
            "entry_idle must not be shorter than online_within: whoever has just read its work would be taken for dead",
        );
    }
    if timers.hook_lease < timers.lease {
        findings.mistake(&place, "hook_lease must not be shorter than lease: a person's hook renews nothing");
    }
    timers
}

#[cfg(test)]
mod tests {
    use super::super::tests::{refused, sound};
    use super::*;

    #[test]
    fn what_is_not_set_keeps_the_domains_figure() {
        let timers = sound("[timers]\nageing = \"12h\"\n").policy.timers;
        assert_eq!(timers, Timers { ageing: std::time::Duration::from_secs(12 * 3600), ..Timers::default() });
    }

    #[test]
    fn contradictions_are_refused() {
        refused("\n[timers]\nlease = \"2m\"\n", &[], "rig.toml:2", "online_within must be shorter than lease");
        refused("[timers]\noffline_after = \"1m\"\n", &[], "rig.toml:1", "offline_after must not be shorter");
        refused("[timers]\nno_progress = \"29m\"\n", &[], "rig.toml:1", "no_progress must not be shorter");
        refused("[timers]\nmerge_blocked = \"2h\"\n", &[], "rig.toml:1", "merge_blocked must be longer");
        refused("[timers]\nentry_idle = \"1m\"\n", &[], "rig.toml:1", "entry_idle must not be shorter");
        refused("[timers]\nhook_lease = \"29m\"\n", &[], "rig.toml:1", "hook_lease must not be shorter");
    }
}
