//! `[defaults]` and `[repos."owner/repo"]`: required_checks, deploys, ci, stack.

use std::collections::BTreeMap;

use conductor_core::identity::RepoName;
use conductor_core::roster::RepoPolicy;

use super::findings::Findings;
use super::section::Section;

conductor_core::words! {
    /// Whether a head without any check may be merged.
    pub enum CiRule {
        /// It waits, and a person is told.
        Required = "required",
        /// It may.
        Optional = "optional",
    }
}

/// The rules of repositories that have none of their own. `served` tells whether anybody takes work of a stack.
pub(super) fn read_defaults(root: &Section<'_>, served: &dyn Fn(&str) -> bool, findings: &Findings) -> RepoPolicy {
    let defaults = RepoPolicy::default();
    root.section("defaults").map(|section| rules(section, &defaults, served, findings)).unwrap_or(defaults)
}

/// The deviations; what a repository doesn't say is as in `defaults`.
pub(super) fn read(
    root: &Section<'_>,
    defaults: &RepoPolicy,
    served: &dyn Fn(&str) -> bool,
    findings: &Findings,
) -> BTreeMap<RepoName, RepoPolicy> {
    let mut repos = BTreeMap::new();
    for (name, section) in root.named_sections("repos") {
        let policy = rules(section, defaults, served, findings);
        match RepoName::parse(name.value) {
            None => {
                findings.mistake(&name.place, format!("\"{}\" must be a repository such as \"owner/repo\"", name.value))
            }
            Some(repo) => {
                if repos.insert(repo, policy).is_some() {
                    findings.mistake(
                        &name.place,
                        format!("{} is there already: GitHub knows no upper and lower case", name.value),
                    );
                }
            }
        }
    }
    repos
}

fn rules(
    section: Section<'_>,
    defaults: &RepoPolicy,
    served: &dyn Fn(&str) -> bool,
    findings: &Findings,
) -> RepoPolicy {
    let place = section.place();
    let required_checks: Vec<String> = section.fields("required_checks").into_iter().map(|found| found.value).collect();
    let deploys = section.flag("deploys");
    let ci = section.field::<CiRule>("ci");
    let stack = section.field::<String>("stack");
    section.close();
    if required_checks.iter().any(String::is_empty) {
        findings.mistake(&place, "required_checks must not hold an empty text");
    }
    if let Some(ci) = ci.as_ref().filter(|ci| ci.value == CiRule::Optional && !required_checks.is_empty()) {
        findings.mistake(&ci.place, "ci is \"optional\", but required_checks demands some: which of them holds?");
    }
    if let Some(stack) = stack.as_ref().filter(|stack| !served(&stack.value)) {
        findings.mistake(&stack.place, format!("no developer of the roster serves the stack \"{}\"", stack.value));
    }
    let names_checks = !required_checks.is_empty();
    RepoPolicy {
        required_checks: if names_checks { required_checks } else { defaults.required_checks.clone() },
        deploys: deploys.unwrap_or(defaults.deploys),
        // A repository that names checks demands them, whatever holds elsewhere.
        ci_optional: ci.map_or(defaults.ci_optional && !names_checks, |ci| ci.value == CiRule::Optional),
        stack: stack.map(|stack| stack.value).or_else(|| defaults.stack.clone()),
    }
}

#[cfg(test)]
mod tests {
    use super::super::tests::{refused, sound};
    use conductor_core::identity::RepoName;

    #[test]
    fn a_name_is_owner_and_repo_once_in_any_casing() {
        refused("[repos.web]\n", &[], "rig.toml:1", "\"web\" must be a repository such as");
        let twice = "[repos.\"acme/web\"]\n[repos.\"Acme/Web\"]\n";
        assert!(super::super::tests::mistakes(twice, &[])[0].contains("there already"));
    }

    #[test]
    fn optional_ci_and_required_checks_contradict_each_other() {
        refused(
            "[defaults]\nci = \"optional\"\nrequired_checks = [\"build\"]\n",
            &[],
            "rig.toml:2",
            "which of them holds?",
        );
    }

    #[test]
    fn a_repository_that_names_checks_is_not_optional_by_default() {
        let settings =
            sound("[defaults]\nci = \"optional\"\n[repos.\"a/b\"]\nrequired_checks = [\"build\"]\n[repos.\"a/c\"]\n");
        let optional = |name| settings.policy.repo(&RepoName::parse(name).unwrap()).ci_optional;
        assert_eq!(["a/b", "a/c", "a/d"].map(optional), [false, true, true]);
    }

    #[test]
    fn a_stack_that_nobody_serves_is_refused_unless_strangers_may() {
        let file = "[repos.\"a/b\"]\nstack = \"cobol\"\n";
        sound(file);
        refused(&format!("unknown_agents = \"refuse\"\n{file}"), &[], "rig.toml:3", "serves the stack \"cobol\"");
        sound("unknown_agents = \"refuse\"\n[defaults]\nstack = \"node\"\n");
    }

    #[test]
    fn types_are_checked() {
        refused("[repos.\"a/b\"]\ndeploys = \"yes\"\n", &[], "rig.toml:2", "deploys must be true or false, not text");
        refused("repos = 1\n", &[], "rig.toml:1", "repos must be a table, not a number");
        refused("[repos]\n\"a/b\" = true\n", &[], "rig.toml:2", "a/b must be a table, not true or false");
    }
}
