//! What must hold between the entries of the roster.

use conductor_core::identity::Login;
use conductor_core::roster::{Role, Roster};

use super::findings::Findings;
use super::{agents, people};

/// Finds ids and names that are given twice, and logins by which it couldn't be told who is who.
///
/// A reviewer's approval counts unless its login is the producer's: a login that a developer and a reviewer share, or an agent
/// and a person, would refuse every approval or – worse – let a producer approve.
pub(super) fn check(agents: &[agents::Placed], people: &[people::Placed], findings: &Findings) {
    for (at, agent) in agents.iter().enumerate() {
        check_agent(agent, &agents[..at], findings);
    }
    for (at, person) in people.iter().enumerate() {
        check_person(person, &people[..at], agents, findings);
    }
}

fn check_agent(agent: &agents::Placed, earlier: &[agents::Placed], findings: &Findings) {
    let profile = &agent.profile;
    if let Some(first) = earlier.iter().find(|other| other.profile.id == profile.id) {
        findings.mistake(&agent.place, format!("agent {} is there already ({})", profile.id, first.place));
    }
    let opposite = match profile.role {
        Role::Developer => Some(Role::Reviewer),
        Role::Reviewer => Some(Role::Developer),
        Role::Monitor | Role::Architect | Role::Coordinator => None,
    };
    let opposed = earlier.iter().filter(|other| Some(other.profile.role) == opposite);
    if let Some((other, login)) = sharing(&profile.logins, opposed, |other| &other.profile.logins) {
        let problem = "developer and reviewer must not share a login";
        let whose = format!("{login} is also {}'s ({})", other.profile.id, other.place);
        findings.mistake(&agent.place, format!("{problem}: {whose}"));
    }
}

fn check_person(person: &people::Placed, earlier: &[people::Placed], agents: &[agents::Placed], findings: &Findings) {
    let (name, logins) = (&person.person.name, &person.person.logins);
    if let Some(first) = earlier.iter().find(|other| other.person.name.eq_ignore_ascii_case(name)) {
        findings.mistake(&person.place, format!("person {name} is there already ({})", first.place));
    }
    if let Some((other, login)) = sharing(logins, earlier.iter(), |other| &other.person.logins) {
        let whose = format!("login {login} is also {}'s ({})", other.person.name, other.place);
        findings.mistake(&person.place, format!("{whose}: two people can't share one"));
    }
    if let Some((agent, login)) = sharing(logins, agents.iter(), |agent| &agent.profile.logins) {
        let whose = format!("login {login} is also agent {}'s ({})", agent.profile.id, agent.place);
        findings.mistake(&person.place, format!("{whose}: an agent is no person"));
    }
}

/// The first of `others` with one of these logins. One is enough to show: agents of a kind share theirs.
fn sharing<'o, O>(
    logins: &[Login],
    mut others: impl Iterator<Item = &'o O>,
    of: impl Fn(&'o O) -> &'o [Login],
) -> Option<(&'o O, &'o Login)> {
    others.find_map(|other| Some((other, of(other).iter().find(|login| logins.contains(login))?)))
}

/// Whether any developer takes work of that stack; one without stacks takes any.
pub(super) fn is_served(roster: &Roster, stack: &str) -> bool {
    let mut developers = roster.agents.iter().filter(|agent| agent.role == Role::Developer);
    developers.any(|agent| agent.stacks.is_empty() || agent.stacks.iter().any(|served| served == stack))
}

#[cfg(test)]
mod tests {
    use super::super::tests::{refused, sound};

    fn agents(agents: &[(&str, &str, &str)]) -> String {
        let entry = |(id, role, login): &(&str, &str, &str)| {
            format!("[[agents]]\nid = \"{id}\"\nrole = \"{role}\"\nlogins = [\"{login}\"]\n")
        };
        agents.iter().map(entry).collect()
    }

    #[test]
    fn an_id_is_given_once() {
        let file = agents(&[("a", "developer", "x"), ("a", "monitor", "y")]);
        refused(&file, &[], "rig.toml:6", "agent a is there already (");
    }

    #[test]
    fn developers_may_share_a_login_but_never_with_a_reviewer() {
        sound(&agents(&[("a", "developer", "bot"), ("b", "developer", "BOT"), ("c", "monitor", "bot")]));
        let file = agents(&[("a", "developer", "bot"), ("r", "reviewer", "BOT")]);
        refused(&file, &[], "rig.toml:6", "developer and reviewer must not share a login: bot is also a's");
    }

    #[test]
    fn a_login_is_of_one_person_and_of_no_agent() {
        let person = |name: &str, login: &str| format!("[[people]]\nname = \"{name}\"\nlogins = [\"{login}\"]\n");
        refused(&(person("a", "x") + &person("b", "X")), &[], "rig.toml:5", "login x is also a's");
        refused(&(person("a", "x") + &person("A", "y")), &[], "rig.toml:5", "person A is there already");
        refused(&person("a", "Dev-E-bot[bot]"), &[], "rig.toml:2", "is also agent dev-e-node's");
    }
}
