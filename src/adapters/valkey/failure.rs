use conductor_core::port::BrokerFailure;
use fred::error::{Error, ErrorKind};

/// Beginnings of answers of a server that will do it later: starting, full, busy, not writable just now, or not yet told the
/// password that we have.
const LATER: [&str; 10] =
    ["LOADING", "OOM", "BUSY", "READONLY", "MASTERDOWN", "MISCONF", "NOREPLICAS", "TRYAGAIN", "NOAUTH", "WRONGPASS"];

/// Whether repeating helps.
pub(super) fn failure(error: &Error) -> BrokerFailure {
    let words = error.details();
    let first = words.split(' ').next().unwrap_or_default();
    let said_by_the_server =
        matches!(error.kind(), ErrorKind::Unknown | ErrorKind::InvalidArgument | ErrorKind::InvalidCommand);
    // An answer in another shape than the command has: nothing that time heals.
    let not_understood = matches!(error.kind(), ErrorKind::Parse | ErrorKind::NotFound | ErrorKind::Protocol);
    if not_understood || said_by_the_server && !LATER.contains(&first) {
        return BrokerFailure::Refused(words.to_owned());
    }
    let why = if *error.kind() == ErrorKind::Timeout {
        "it did not answer in time"
    } else if *error.kind() == ErrorKind::Canceled {
        "there is no connection"
    } else {
        words
    };
    BrokerFailure::Away(why.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_time_heals_is_away_and_what_a_person_must_mend_is_refused() {
        let of = |kind, words: &'static str| failure(&Error::new(kind, words));
        let away = [
            (ErrorKind::IO, "refused"),
            (ErrorKind::Canceled, "Connection closed unexpectedly."),
            (ErrorKind::Timeout, "Request timed out."),
            (ErrorKind::Backpressure, "full"),
            (ErrorKind::Auth, "WRONGPASS invalid username-password pair"),
            (ErrorKind::Unknown, "LOADING Redis is loading the dataset in memory"),
            (ErrorKind::Unknown, "OOM command not allowed when used memory > 'maxmemory'."),
            (ErrorKind::Unknown, "BUSY Redis is busy running a script"),
        ];
        for (kind, words) in away {
            assert!(matches!(of(kind, words), BrokerFailure::Away(_)), "{words}");
        }
        let refused = [
            (ErrorKind::InvalidArgument, "WRONGTYPE signal:a holds a string where a list belongs"),
            (ErrorKind::Unknown, "ERR unknown command 'XADD'"),
            (ErrorKind::Unknown, "NOPERM this user has no permissions"),
        ];
        for (kind, words) in refused {
            assert_eq!(of(kind, words), BrokerFailure::Refused(words.to_owned()));
        }
    }
}
