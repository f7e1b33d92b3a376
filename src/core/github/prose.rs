//! What a person reads of a Markdown text: without code and comments, so that an example is never taken for a request.
//!
//! Invariant: linear in the length of the text whatever it holds; it comes from strangers.

/// Stands where something was cut out: neither a letter nor a blank, so that nothing is joined across it.
const CUT: char = '\u{fffc}';

/// Longer runs of backticks are taken as text; it bounds the memory of [`CodeSpans`].
const LONGEST_RUN: usize = 80;

/// The text without fenced code, code spans and HTML comments.
#[must_use]
pub(super) fn prose(markdown: &str) -> String {
    let bytes = markdown.as_bytes();
    let mut kept = String::with_capacity(markdown.len());
    let mut paragraph = Paragraph::at(markdown, 0);
    let (mut at, mut kept_to) = (0, 0);
    while at < bytes.len() {
        let line_start = at == 0 || bytes[at - 1] == b'\n';
        if at >= paragraph.end {
            paragraph = Paragraph::at(markdown, at);
        }
        let cut_to = match bytes[at] {
            _ if line_start && Fence::opened_by(line_at(markdown, at)).is_some() => fence_end(markdown, at),
            b'<' if bytes[at..].starts_with(b"<!--") => comment_end(markdown, at),
            b'`' => match paragraph.span(bytes, at) {
                Ok(end) => end,
                Err(behind_run) => {
                    at = behind_run;
                    continue;
                }
            },
            _ => {
                at += 1;
                continue;
            }
        };
        kept.push_str(&markdown[kept_to..at]);
        kept.push(CUT);
        // A fence takes its line break with it; what follows begins a line all the same.
        if bytes[cut_to - 1] == b'\n' {
            kept.push('\n');
        }
        (at, kept_to) = (cut_to, cut_to);
    }
    kept.push_str(&markdown[kept_to..]);
    kept
}

/// The line that begins at `at`, with its line break.
fn line_at(text: &str, at: usize) -> &str {
    text[at..].split_inclusive('\n').next().unwrap_or("")
}

/// Where the comment that opens at `at` ends; one that is never closed hides the rest.
fn comment_end(text: &str, at: usize) -> usize {
    // `<!-->` is a whole comment: its closing dashes are the opening ones.
    text[at + 2..].find("-->").map_or(text.len(), |found| at + 2 + found + 3)
}

/// Where the fenced code whose opening line begins at `at` ends; one that is never closed goes to the end.
fn fence_end(text: &str, at: usize) -> usize {
    let mut end = at;
    let mut fence = None;
    for line in text[at..].split_inclusive('\n') {
        end += line.len();
        match &fence {
            None => fence = Fence::opened_by(line),
            Some(open) if open.is_closed_by(line) => break,
            Some(_) => {}
        }
    }
    end
}

/// Three or more backticks or tildes at the begin of a line.
struct Fence {
    mark: u8,
    length: usize,
}

impl Fence {
    fn opened_by(line: &str) -> Option<Self> {
        let line = without_markers(line);
        let mark = *line.as_bytes().first().filter(|mark| matches!(mark, b'`' | b'~'))?;
        let length = line.bytes().take_while(|byte| *byte == mark).count();
        // "```code```" on one line is a span.
        let sane = length >= 3 && (mark == b'~' || !line[length..].contains('`'));
        sane.then_some(Self { mark, length })
    }

    fn is_closed_by(&self, line: &str) -> bool {
        let line = line.trim_matches([' ', '\t', '>', '\r', '\n']);
        line.len() >= self.length && line.bytes().all(|byte| byte == self.mark)
    }
}

/// The line without blanks, quote marks and one list marker at its begin.
fn without_markers(line: &str) -> &str {
    let line = line.trim_start_matches([' ', '\t', '>']);
    let unnumbered = line.trim_start_matches(|letter: char| letter.is_ascii_digit());
    let marker = if unnumbered.len() < line.len() { ['.', ')'].as_slice() } else { ['-', '*', '+'].as_slice() };
    let item = unnumbered.strip_prefix(marker).filter(|rest| rest.starts_with([' ', '\t']));
    item.map_or(line, |rest| rest.trim_start_matches([' ', '\t']))
}

/// A stretch of lines within which a code span must close: up to a blank line or a fence.
struct Paragraph {
    end: usize,
    /// For each length of run: where the last one that was seen begins.
    last_run: [usize; LONGEST_RUN + 1],
    seen_all: bool,
}

impl Paragraph {
    fn at(text: &str, start: usize) -> Self {
        let mut end = start;
        for line in text[start..].split_inclusive('\n') {
            let stops = line.trim().is_empty() || Fence::opened_by(line).is_some();
            if stops && end > start {
                break;
            }
            end += line.len();
            if stops {
                break;
            }
        }
        Self { end, last_run: [0; LONGEST_RUN + 1], seen_all: false }
    }

    /// Where the code span ends that the run of backticks at `at` opens, else (`Err`) where that run ends.
    ///
    /// After one search in vain every run of the paragraph is known, so later ones only begin where they will succeed and
    /// their result is jumped to: each byte is looked at twice at most.
    fn span(&mut self, bytes: &[u8], at: usize) -> Result<usize, usize> {
        let behind = at + run_length(&bytes[..self.end], at);
        // An escaped backtick is text; it doesn't count for the run that it begins.
        let escaped = bytes[..at].iter().rev().take_while(|byte| **byte == b'\\').count() % 2;
        let length = behind - at - escaped;
        if length == 0 || length > LONGEST_RUN || (self.seen_all && self.last_run[length] < behind) {
            return Err(behind);
        }
        let mut next = behind;
        while next < self.end {
            if bytes[next] != b'`' {
                next += 1;
                continue;
            }
            let found = run_length(&bytes[..self.end], next);
            if found <= LONGEST_RUN {
                self.last_run[found] = next;
            }
            next += found;
            if found == length {
                return Ok(next);
            }
        }
        self.seen_all = true;
        Err(behind)
    }
}

fn run_length(bytes: &[u8], at: usize) -> usize {
    bytes[at..].iter().take_while(|byte| **byte == b'`').count()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(markdown: &str) -> String {
        prose(markdown).replace(CUT, "…")
    }

    #[test]
    fn code_and_comments_are_cut_out() {
        for (markdown, expected) in [
            ("plain", "plain"),
            ("a `b` c", "a … c"),
            ("a ``b ` b`` c", "a … c"),
            ("a <!-- b --> c", "a … c"),
            ("a <!--> b", "a … b"),
            ("a\n```\nb\n```\nc", "a\n…\nc"),
            ("a\n~~~ sh ```\nb\n```\n~~~\nc", "a\n…\nc"),
            ("- ```\n  b\n  ```\n- c", "…\n- c"),
            ("1. ```\nb\n```\nc", "…\nc"),
            ("> ```\n> b\n> ```\nc", "…\nc"),
            ("a\n````\n```\nb\n````\nc", "a\n…\nc"),
        ] {
            assert_eq!(read(markdown), expected, "{markdown:?}");
        }
    }

    #[test]
    fn what_only_looks_like_code_stays() {
        for markdown in ["a ` b", "a `` b ` c", "a ` b\n\n c ` d", r"a \` b ` c", "~~ b ~~", "a < b -- c >", "é ` ü"]
        {
            assert_eq!(read(markdown), markdown, "{markdown:?}");
        }
    }

    #[test]
    fn what_is_never_closed_hides_the_rest() {
        assert_eq!(read("a\n```\nb\n\nc"), "a\n…");
        assert_eq!(read("a <!-- b\n\nc"), "a …");
    }

    #[test]
    fn the_one_that_opens_first_wins() {
        assert_eq!(read("`<!--` a -->"), "… a -->");
        assert_eq!(read("<!-- ` --> a ` b"), "… a ` b");
        assert_eq!(read("```\n<!--\n```\na"), "…\na");
        assert_eq!(read("<!--\n```\n-->\na"), "…\na");
    }
}
