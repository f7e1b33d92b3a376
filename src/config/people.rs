//! `[[people]]`: name, logins, rights.

use conductor_core::roster::Person;

use super::findings::{Findings, Place};
use super::section::Section;

conductor_core::words! {
    /// What a person may do.
    pub enum Right {
        /// Give verdicts and decide gates.
        Approve = "approve",
        /// Do what an operator's token may.
        Operate = "operate",
    }
}

/// A person and where it stands.
#[derive(Debug)]
pub(super) struct Placed {
    pub(super) person: Person,
    pub(super) place: Place,
}

/// The people in the order of the file.
pub(super) fn read(root: &Section<'_>, findings: &Findings) -> Vec<Placed> {
    let people = root.sections("people").unwrap_or_default();
    people.into_iter().filter_map(|section| person(section, findings)).collect()
}

fn person(section: Section<'_>, findings: &Findings) -> Option<Placed> {
    let name = section.required::<String>("name");
    let logins = section.fields("logins").into_iter().map(|found| found.value).collect();
    let rights: Vec<Right> = section.fields("rights").into_iter().map(|found| found.value).collect();
    section.close();
    let name = name?;
    if name.value.trim().is_empty() || name.value.len() > 100 || name.value.chars().any(char::is_control) {
        findings.mistake(&name.place, "name must be 1 to 100 printable characters");
    }
    let (approve, operate) = (rights.contains(&Right::Approve), rights.contains(&Right::Operate));
    Some(Placed { person: Person { name: name.value, logins, approve, operate }, place: name.place })
}

#[cfg(test)]
mod tests {
    use super::super::tests::{refused, sound};

    #[test]
    fn rights_are_given_by_name_and_none_is_a_viewer() {
        let file = "[[people]]\nname = \"a\"\nrights = [\"operate\"]\n[[people]]\nname = \"b\"\n";
        let people = sound(file).policy.roster.people;
        assert_eq!(
            people.iter().map(|person| (person.approve, person.operate)).collect::<Vec<_>>(),
            [(false, true), (false, false)]
        );
    }

    #[test]
    fn unknown_rights_and_unprintable_names_are_refused() {
        refused(
            "[[people]]\nname = \"a\"\nrights = [\"admin\"]\n",
            &[],
            "rig.toml:3",
            "one of approve, operate, not \"admin\"",
        );
        refused("[[people]]\nname = \" \"\n", &[], "rig.toml:2", "printable");
        refused("[[people]]\nlogins = []\n", &[], "rig.toml:1", "name is missing");
    }
}
