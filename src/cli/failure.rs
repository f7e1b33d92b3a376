use std::io;

use reqwest::StatusCode;

/// Why a reading command has nothing to show. A fragment that fits after "failed to"; [`hint`](Self::hint) says what to do.
#[derive(Debug, thiserror::Error)]
pub(super) enum Failure {
    /// The command line can't be meant so.
    #[error("use {what}: {why}")]
    Usage {
        /// Which part of it.
        what: String,
        /// What it must be.
        why: String,
    },
    /// Nobody answers.
    #[error("reach a daemon at {url}: {why}")]
    Unreachable {
        /// Where.
        url: String,
        /// What the network says.
        why: String,
    },
    /// The daemon answers, and says no.
    #[error("read {url}, which answered {}: {said}", status.as_u16())]
    Refused {
        /// What was asked.
        url: String,
        /// The status.
        status: StatusCode,
        /// Its own sentence.
        said: String,
    },
    /// The daemon answers, and doesn't do it.
    #[error("{what}, which was answered {}: {said}", status.as_u16())]
    NotDone {
        /// What was to be done.
        what: String,
        /// The status.
        status: StatusCode,
        /// Its own sentence.
        said: String,
    },
    /// Somebody answers, in words that are not the daemon's.
    #[error("understand {url}: {why}")]
    Foreign {
        /// What was asked.
        url: String,
        /// What is odd about the answer.
        why: String,
    },
    /// The answer ended in the middle.
    #[error("read {url} to its end: {why}")]
    CutShort {
        /// What was asked.
        url: String,
        /// What the network says.
        why: String,
    },
    /// What was read can't be shown.
    #[error("write the answer: {0}")]
    Output(#[from] io::Error),
}

impl Failure {
    /// 1 refused or failed, 2 wrong usage.
    pub(super) fn exit_code(&self) -> u8 {
        match self {
            Self::Usage { .. } => 2,
            Self::Unreachable { .. }
            | Self::Refused { .. }
            | Self::NotDone { .. }
            | Self::Foreign { .. }
            | Self::CutShort { .. }
            | Self::Output(_) => 1,
        }
    }

    /// The same of something that was to be done rather than read.
    pub(super) fn of_doing(self, what: &str) -> Self {
        match self {
            Self::Refused { status, said, .. } => Self::NotDone { what: what.to_owned(), status, said },
            Self::Usage { .. }
            | Self::Unreachable { .. }
            | Self::NotDone { .. }
            | Self::Foreign { .. }
            | Self::CutShort { .. }
            | Self::Output(_) => self,
        }
    }

    /// Whoever read our output has seen enough (`conductor-e issues | head`): no failure of ours.
    pub(super) fn reader_left(&self) -> bool {
        matches!(self, Self::Output(error) if error.kind() == io::ErrorKind::BrokenPipe)
    }

    /// Whether it may be otherwise in a moment: nobody there, too many at once, a proxy without a daemon behind it.
    pub(super) fn may_pass(&self) -> bool {
        match self {
            Self::Unreachable { .. } | Self::CutShort { .. } | Self::Foreign { .. } => true,
            Self::Refused { status, .. } | Self::NotDone { status, .. } => {
                status.is_server_error() || *status == StatusCode::TOO_MANY_REQUESTS
            }
            Self::Usage { .. } | Self::Output(_) => false,
        }
    }

    /// What to do about it, where the message doesn't say so itself.
    pub(super) fn hint(&self) -> Option<&'static str> {
        match self {
            Self::Unreachable { .. } => {
                Some("start one with `conductor-e serve`, or name the one that runs with --url or CONDUCTOR_URL")
            }
            Self::Refused { status: StatusCode::UNAUTHORIZED, .. }
            | Self::NotDone { status: StatusCode::UNAUTHORIZED, .. } => {
                Some("give a token with --token, or in CONDUCTOR_TOKEN, or in the file that CONDUCTOR_TOKEN_FILE names")
            }
            Self::Foreign { .. } => {
                Some("check --url or CONDUCTOR_URL: does a Conductor-E of this version or later listen there?")
            }
            Self::CutShort { .. } => Some("what was shown is not all of it: ask again"),
            Self::Usage { .. } | Self::Refused { .. } | Self::NotDone { .. } | Self::Output(_) => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_failure_has_its_exit_code_and_what_to_do() {
        let url = || "http://127.0.0.1:8080/".to_owned();
        let refused = |status| Failure::Refused { url: url(), status, said: "no".to_owned() };
        let unreachable = Failure::Unreachable { url: url(), why: "connection refused".to_owned() };
        assert_eq!(unreachable.to_string(), "reach a daemon at http://127.0.0.1:8080/: connection refused");
        assert_eq!(refused(StatusCode::NOT_FOUND).to_string(), "read http://127.0.0.1:8080/, which answered 404: no");
        let usage = Failure::Usage { what: "--url".to_owned(), why: "it must be a URL".to_owned() };
        assert_eq!([unreachable.exit_code(), refused(StatusCode::CONFLICT).exit_code(), usage.exit_code()], [1, 1, 2]);
        assert!(unreachable.hint().unwrap().contains("conductor-e serve"));
        assert!(refused(StatusCode::UNAUTHORIZED).hint().unwrap().contains("CONDUCTOR_TOKEN"));
        assert_eq!(refused(StatusCode::NOT_FOUND).hint(), None);
        assert!(unreachable.may_pass() && refused(StatusCode::SERVICE_UNAVAILABLE).may_pass());
        assert!(!usage.may_pass() && !refused(StatusCode::UNAUTHORIZED).may_pass());
    }

    #[test]
    fn a_reader_that_has_seen_enough_is_no_failure() {
        assert!(Failure::from(io::Error::from(io::ErrorKind::BrokenPipe)).reader_left());
        assert!(!Failure::from(io::Error::from(io::ErrorKind::StorageFull)).reader_left());
    }
}
