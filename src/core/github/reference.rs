//! How people write an issue: `#7`, `owner/repo#7`, or its URL.

use crate::identity::{IssueRef, RepoName};

/// Longest `owner/repo` and longest host, as GitHub and DNS allow: bounds how far one look ahead goes.
const LONGEST_NAME: usize = 201;
const LONGEST_HOST: usize = 255;

/// Where a text stands: what `#7` means there, and which URLs are of that place.
#[derive(Debug, Clone, Copy)]
pub(super) struct Place<'a> {
    /// The repository of `#7`.
    pub(super) repo: &'a RepoName,
    /// Issues' URLs begin with `https://` and this; absent: any host.
    pub(super) host: Option<&'a str>,
}

impl<'a> Place<'a> {
    /// The host of a URL.
    pub(super) fn host_of(url: &'a str) -> Option<&'a str> {
        without_scheme(url)?.split('/').next().filter(|host| !host.is_empty())
    }

    /// The reference that `text` begins with, and how many bytes it takes; it must not go on as a word.
    pub(super) fn reference(&self, text: &str) -> Option<(IssueRef, usize)> {
        let (repo, number_at) = if text.starts_with('#') {
            (self.repo.clone(), 1)
        } else if without_scheme(text).is_some() {
            self.url(text)?
        } else {
            let name = name_at(text);
            (RepoName::parse(name).filter(|_| text[name.len()..].starts_with('#'))?, name.len() + 1)
        };
        let rest = &text[number_at..];
        let digits = rest.bytes().take(20).take_while(u8::is_ascii_digit).count();
        let whole = !rest[digits..].starts_with(is_word);
        let number = rest[..digits].parse().ok().filter(|_| whole)?;
        Some((IssueRef::new(repo, number)?, number_at + digits))
    }

    /// `https://host/owner/repo/issues/` and where it ends.
    fn url(&self, text: &str) -> Option<(RepoName, usize)> {
        let address = without_scheme(text)?;
        let slash = address.bytes().take(LONGEST_HOST).position(|byte| byte == b'/')?;
        let (host, path) = (&address[..slash], &address[slash + 1..]);
        let named = host.strip_prefix("www.").unwrap_or(host);
        if self.host.is_some_and(|own| !own.eq_ignore_ascii_case(named)) {
            return None;
        }
        // The name takes "/issues/" with it, since a slash may stand in it.
        let mut parts = path.splitn(4, '/');
        let (owner, name, kind) = (parts.next()?, parts.next()?, parts.next()?);
        if owner.len() + name.len() >= LONGEST_NAME || !matches!(kind, "issues" | "pull") {
            return None;
        }
        let repo = RepoName::parse(&path[..owner.len() + 1 + name.len()])?;
        let number_at = text.len() - path.len() + owner.len() + name.len() + kind.len() + 3;
        (number_at <= text.len()).then_some((repo, number_at))
    }
}

/// A letter, digit or `_`: what goes on with a word.
pub(super) fn is_word(letter: char) -> bool {
    letter.is_alphanumeric() || letter == '_'
}

fn without_scheme(text: &str) -> Option<&str> {
    let strip = |scheme: &str| {
        let begin = text.get(..scheme.len())?;
        begin.eq_ignore_ascii_case(scheme).then(|| &text[scheme.len()..])
    };
    strip("https://").or_else(|| strip("http://"))
}

/// The letters at the begin that may be of `owner/repo`; one byte more than the longest is enough to be refused.
fn name_at(text: &str) -> &str {
    let of_name = |byte: &u8| byte.is_ascii_alphanumeric() || b"-_./".contains(byte);
    let length = text.bytes().take(LONGEST_NAME + 1).take_while(of_name).count();
    &text[..length]
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> Option<String> {
        let repo = RepoName::parse("acme/web").unwrap();
        let place = Place { repo: &repo, host: Some("github.com") };
        place.reference(text).map(|(reference, length)| format!("{reference} {}", &text[..length]))
    }

    #[test]
    fn the_three_forms_are_read() {
        for (text, expected) in [
            ("#7", "acme/web#7 #7"),
            ("#7, #8", "acme/web#7 #7"),
            ("Acme/api.v2#7.", "Acme/api.v2#7 Acme/api.v2#7"),
            ("https://github.com/acme/api/issues/7#top", "acme/api#7 https://github.com/acme/api/issues/7"),
            ("HTTP://www.github.com/acme/api/pull/7/files", "acme/api#7 HTTP://www.github.com/acme/api/pull/7"),
        ] {
            assert_eq!(read(text).as_deref(), Some(expected), "{text:?}");
        }
    }

    #[test]
    fn anything_else_is_none() {
        for text in [
            "",
            "#",
            "7",
            "#0",
            "#x",
            "#7a",
            "#7_",
            "#7é",
            "#99999999999999999999999",
            "acme#7",
            "a/b/c#7",
            "/#7",
            "https://",
            "https:///a/b/issues/7",
            "https://gitlab.com/acme/api/issues/7",
            "https://github.com/acme/api/issues",
            "https://github.com/acme/api/issues/",
            "https://github.com/acme/api/wiki/7",
        ] {
            assert_eq!(read(text), None, "{text:?}");
        }
    }

    #[test]
    fn the_host_is_that_of_a_url() {
        assert_eq!(Place::host_of("https://git.acme.example/acme/web/pull/1"), Some("git.acme.example"));
        assert_eq!(Place::host_of("mailto:x"), None);
    }
}
