//! `[[agents]]`: id, role, stacks, tags, logins, capacity.

use conductor_core::roster::{AgentProfile, Roster};

use super::findings::{Findings, Place};
use super::section::Section;

/// More leases at once than any machine serves: a slip of the pen.
const MOST_CAPACITY: u32 = 100;

/// An agent and where it stands.
#[derive(Debug)]
pub(super) struct Placed {
    pub(super) profile: AgentProfile,
    pub(super) place: Place,
}

/// The agents in the order of the file; `None` where it has no such list.
pub(super) fn read(root: &Section<'_>, findings: &Findings) -> Option<Vec<Placed>> {
    let agents = root.sections("agents")?;
    Some(agents.into_iter().filter_map(|section| agent(section, findings)).collect())
}

/// Those of the rig that is built in.
pub(super) fn built_in() -> Vec<Placed> {
    Roster::built_in().agents.into_iter().map(|profile| Placed { profile, place: Place::BuiltIn }).collect()
}

fn agent(section: Section<'_>, findings: &Findings) -> Option<Placed> {
    let place = section.place();
    let (id, role) = (section.required("id"), section.required("role"));
    let values = |key| section.fields::<String>(key).into_iter().map(|found| found.value).collect::<Vec<_>>();
    let (stacks, tags) = (values("stacks"), values("tags"));
    let logins = section.fields("logins").into_iter().map(|found| found.value).collect();
    let capacity = section.count("capacity", MOST_CAPACITY).map_or(1, |found| found.value);
    section.close();
    for (key, words) in [("stacks", &stacks), ("tags", &tags)] {
        if words.iter().any(String::is_empty) {
            findings.mistake(&place, format!("{key} must not hold an empty text"));
        }
    }
    let (id, role) = (id?, role?);
    Some(Placed {
        profile: AgentProfile { id: id.value, role: role.value, stacks, tags, logins, capacity },
        place: id.place,
    })
}

#[cfg(test)]
mod tests {
    use super::super::tests::{refused, sound};

    #[test]
    fn an_agent_needs_an_id_and_a_role() {
        refused("[[agents]]\nrole = \"developer\"\n", &[], "rig.toml:1", "id is missing");
        refused("[[agents]]\nid = \"a\"\n", &[], "rig.toml:1", "role is missing");
    }

    #[test]
    fn an_id_that_would_meet_instances_or_issues_is_refused() {
        for id in ["dev/e", "dev#1", "dev e", ""] {
            refused(
                &format!("[[agents]]\nrole = \"developer\"\nid = \"{id}\"\n"),
                &[],
                "rig.toml:3",
                "must be an agent id",
            );
        }
    }

    #[test]
    fn wrong_types_are_named_with_what_was_wanted() {
        let with = |line: &str| format!("[[agents]]\nid = \"a\"\nrole = \"developer\"\n{line}\n");
        refused(&with("stacks = \"node\""), &[], "rig.toml:4", "stacks must be a list of texts, not text");
        refused(&with("stacks = [\n\"node\",\n7]"), &[], "rig.toml:6", "stacks must be text, not a number");
        refused(&with("stacks = [\"\"]"), &[], "rig.toml:1", "must not hold an empty text");
        refused(&with("capacity = \"two\""), &[], "rig.toml:4", "capacity must be a whole number, not text");
        refused(&with("capacity = 101"), &[], "rig.toml:4", "from 1 to 100, not 101");
        refused(&with("logins = [\"a b\"]"), &[], "rig.toml:4", "must be a GitHub login, not \"a b\"");
        refused("agents = 3", &[], "rig.toml:1", "agents must be a list of tables ([[agents]]), not a number");
    }

    #[test]
    fn an_empty_list_is_no_agent_and_no_list_the_built_in_ones() {
        assert_eq!(sound("agents = []").policy.roster.agents, []);
        assert_eq!(sound("").policy.roster.agents.len(), 6);
    }
}
