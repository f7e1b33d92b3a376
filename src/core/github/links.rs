//! Which issues a pull request closes: by GitHub's closing keywords in title and body, else by the name of its branch.

use crate::identity::{IssueRef, RepoName};

use super::prose::prose;
use super::reference::{Place, is_word};

/// More issues than this no pull request closes; the rest of a text made of keywords is passed over. Each link costs a
/// message to another stream.
pub const LINKS_AT_MOST: usize = 50;

const KEYWORDS: [&str; 9] = ["close", "closes", "closed", "fix", "fixes", "fixed", "resolve", "resolves", "resolved"];
const LONGEST_KEYWORD: usize = 8;

/// What a pull request says of itself.
#[derive(Debug, Clone, Copy)]
pub struct Described<'a> {
    /// Its repository: where `#7` is.
    pub repo: &'a RepoName,
    /// Its own URL: URLs of issues count on that host alone. Absent: github.com.
    pub url: Option<&'a str>,
    /// Its title.
    pub title: &'a str,
    /// Its body, in Markdown.
    pub body: &'a str,
    /// Its branch.
    pub branch: Option<&'a str>,
}

/// The issues that the pull request closes, in order of mention, each once, [`LINKS_AT_MOST`] at most.
#[must_use]
pub fn links_of(described: Described<'_>) -> Vec<IssueRef> {
    let host = described.url.and_then(Place::host_of).unwrap_or("github.com");
    let place = Place { repo: described.repo, host: Some(host) };
    let mut links = Vec::new();
    for text in [described.title, described.body] {
        by_keyword(&prose(text), place, &mut links);
    }
    if links.is_empty() {
        links.extend(described.branch.and_then(|branch| by_branch(branch, described.repo)));
    }
    links
}

fn by_keyword(text: &str, place: Place<'_>, links: &mut Vec<IssueRef>) {
    let mut rest = text;
    while let Some(start) = rest.find(is_word) {
        if links.len() == LINKS_AT_MOST {
            return;
        }
        let end = rest[start..].find(|letter| !is_word(letter)).map_or(rest.len(), |length| start + length);
        let word = &rest[start..end];
        rest = &rest[end..];
        if !is_keyword(word) {
            continue;
        }
        // "fixes #7", "fixes: #7", "fixes:#7"; without colon a blank must stand between.
        let behind = rest.strip_prefix(':').unwrap_or(rest);
        let target = behind.trim_start_matches([' ', '\t', '\u{a0}']);
        if target.len() == rest.len() {
            continue;
        }
        if let Some((link, length)) = place.reference(target) {
            rest = &target[length..];
            if !links.contains(&link) {
                links.push(link);
            }
        }
    }
}

fn is_keyword(word: &str) -> bool {
    word.len() <= LONGEST_KEYWORD && KEYWORDS.iter().any(|keyword| keyword.eq_ignore_ascii_case(word))
}

/// The issue of a branch such as `agent/issue-7-1`.
fn by_branch(branch: &str, repo: &RepoName) -> Option<IssueRef> {
    const MARK: &str = "issue-";
    let lower = branch.to_ascii_lowercase();
    lower.match_indices(MARK).find_map(|(at, _)| {
        let rest = &lower[at + MARK.len()..];
        let digits = rest.bytes().take(20).take_while(u8::is_ascii_digit).count();
        let apart = !lower[..at].ends_with(char::is_alphanumeric) && !rest[digits..].starts_with(char::is_alphanumeric);
        IssueRef::new(repo.clone(), rest[..digits].parse().ok().filter(|_| apart)?)
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn links(title: &str, body: &str, branch: Option<&str>) -> Vec<String> {
        let repo = RepoName::parse("acme/web").unwrap();
        let described = Described { repo: &repo, url: None, title, body, branch };
        links_of(described).iter().map(ToString::to_string).collect()
    }

    #[test]
    fn every_keyword_closes_in_any_casing_with_or_without_colon() {
        for keyword in KEYWORDS {
            for text in [format!("{keyword} #7"), format!("{}: #7", keyword.to_uppercase()), format!("({keyword}:#7)")]
            {
                assert_eq!(links("", &text, None), ["acme/web#7"], "{text:?}");
            }
        }
    }

    #[test]
    fn every_form_of_reference_closes() {
        for (text, expected) in [
            ("Fixes acme/api#8", "acme/api#8"),
            ("fixes https://github.com/acme/api/issues/8.", "acme/api#8"),
            ("resolves\t#8", "acme/web#8"),
        ] {
            assert_eq!(links("", text, None), [expected], "{text:?}");
        }
    }

    #[test]
    fn title_and_body_count_each_issue_once_in_order() {
        assert_eq!(
            links("Fix #2 (closes #1)", "Closes #2, closes #3. Closes ACME/web#1", None),
            ["acme/web#2", "acme/web#1", "acme/web#3"]
        );
    }

    #[test]
    fn a_mention_that_is_no_keyword_closes_nothing() {
        for text in [
            "#7",
            "see #7",
            "prefixes #7",
            "unresolved #7",
            "disclosed #7",
            "fixing #7",
            "fixes#7",
            "fixes the #7",
            "fixes #7a",
            "fixes\n#7",
            "fixes `x` #7",
            "`fixes #7`",
            "```\nfixes #7\n```",
            "<!-- fixes #7 -->",
            "fixes https://gitlab.com/acme/web/issues/7",
            "éfixes #7",
        ] {
            assert_eq!(links("", text, None), [""; 0], "{text:?}");
        }
    }

    #[test]
    fn only_the_first_of_a_list_closes_as_at_github() {
        assert_eq!(links("", "fixes #1, #2 and #3", None), ["acme/web#1"]);
    }

    #[test]
    fn the_branch_counts_only_without_keyword() {
        assert_eq!(links("t", "b", Some("agent/issue-7-1")), ["acme/web#7"]);
        assert_eq!(links("t", "fixes #8", Some("agent/issue-7-1")), ["acme/web#8"]);
        for (branch, expected) in [("Issue-7", Some("acme/web#7")), ("fix_issue-7_x", Some("acme/web#7"))] {
            assert_eq!(links("", "", Some(branch)).first().map(String::as_str), expected, "{branch}");
        }
        for branch in ["main", "tissue-7", "issue-7x", "issue-", "issue-0", "issues-7"] {
            assert_eq!(links("", "", Some(branch)), [""; 0], "{branch}");
        }
    }

    #[test]
    fn urls_count_on_the_host_of_the_pull_request() {
        let repo = RepoName::parse("acme/web").unwrap();
        let described = Described {
            repo: &repo,
            url: Some("https://git.acme.example/acme/web/pull/9"),
            title: "",
            body: "fixes https://git.acme.example/acme/api/issues/8, fixes https://github.com/acme/api/issues/7",
            branch: None,
        };
        assert_eq!(links_of(described), [IssueRef::parse("acme/api#8").unwrap()]);
    }

    #[test]
    fn a_text_of_keywords_is_bounded() {
        let body: String = (1..=100_000).map(|number| format!("fixes #{number} ")).collect();
        assert_eq!(links("", &body, None).len(), LINKS_AT_MOST);
    }

    /// A quadratic reader would need hours for these, not a moment: the test never ends rather than fails.
    #[test]
    fn a_mebibyte_of_anything_is_read_in_one_go() {
        let descending: String = (1..=1_400).rev().map(|length| "`".repeat(length) + " ").collect();
        for unit in [
            "fixes ",
            "`",
            "` ",
            "`` ` ",
            "\\`",
            "<!--",
            "```\n",
            "~~~\n\n",
            "a/",
            "https://github.com/",
            "fixes #",
            "\n",
            "fixes https://github.com/a/b/issues/",
            "fixes \u{a0}",
        ] {
            let body = unit.repeat((1 << 20) / unit.len());
            assert_eq!(links("", &body, None), [""; 0], "{unit:?}");
        }
        assert_eq!(links("", &descending, None), [""; 0]);
        assert_eq!(links("", &format!("x {} fixes #7", "`".repeat(1 << 20)), None), ["acme/web#7"]);
    }

    proptest! {
        #[test]
        fn no_text_panics(title in "\\PC{0,60}", body in "(fix(es)?|close[sd]|[ :`~#/\\\\\n<>!-]|#[0-9]{1,3}|a/b|é|https://github.com/|\\PC){0,80}", branch in "\\PC{0,40}") {
            prop_assert!(links(&title, &body, Some(&branch)).len() <= LINKS_AT_MOST);
        }

        #[test]
        fn a_closing_line_is_found_in_any_prose(before in "[a-z .,()é\n]{0,80}", after in "[a-z .,()é\n]{0,80}") {
            let body = format!("{before}\nFixes #7\n{after}");
            prop_assert_eq!(links("", &body, None), ["acme/web#7"]);
        }

        #[test]
        fn nothing_is_found_in_a_fence(code in "[a-z #0-9:.\n]{0,120}") {
            let body = format!("```\n{code}\nfixes #7\n```");
            prop_assert_eq!(links("", &body, None), [""; 0]);
        }
    }
}
