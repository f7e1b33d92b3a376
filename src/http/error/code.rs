use actix_web::http::StatusCode;

/// The table of everything that a request may be refused with. What is not in here is never answered, and what is in here is
/// described: [`openapi`](crate::openapi) reads it.
macro_rules! codes {
    ($( #[doc = $means:literal] $name:ident = $status:ident $word:literal, )*) => {
        /// Why a request was refused: a stable word, which clients compare.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
        pub enum Code { $( #[doc = $means] $name, )* }

        impl Code {
            /// Every code, in the order of their statuses.
            pub const ALL: &'static [Self] = &[$(Self::$name),*];

            /// The word under `code` in the body.
            #[must_use]
            pub const fn as_str(self) -> &'static str {
                match self { $( Self::$name => $word, )* }
            }

            /// The HTTP status that goes with it.
            #[must_use]
            pub const fn status(self) -> StatusCode {
                match self { $( Self::$name => StatusCode::$status, )* }
            }

            /// What it means and what to do, for readers of the API's description.
            #[must_use]
            pub const fn means(self) -> &'static str {
                match self { $( Self::$name => $means.trim_ascii(), )* }
            }
        }
    };
}

codes! {
    /// The request makes no sense; `error` says what to send instead. Nothing was stored.
    Malformed = BAD_REQUEST "malformed",
    /// No event is called so: names are as in `ISSUE_APPROVED`.
    UnknownEventType = BAD_REQUEST "unknown_event_type",
    /// Credentials are missing, void or wrong.
    Unauthorized = UNAUTHORIZED "unauthorized",
    /// This caller never may: its role, or an agent that speaks for another.
    Forbidden = FORBIDDEN "forbidden",
    /// There is no such thing.
    Unknown = NOT_FOUND "unknown",
    /// The path exists, the method does not; `Allow` names those that do.
    MethodNotAllowed = METHOD_NOT_ALLOWED "method_not_allowed",
    /// The body did not come in time.
    TooSlow = REQUEST_TIMEOUT "too_slow",
    /// Somebody else holds this issue now, `holder` says who: stop, push nothing, ask for the next assignment.
    StaleLease = CONFLICT "stale_lease",
    /// Somebody else was first, or the caller holds as much as it may: look again, then decide anew.
    LostRace = CONFLICT "lost_race",
    /// It makes no sense in the state that the target is in, which `state` names; `error` says why.
    Inapplicable = CONFLICT "inapplicable",
    /// Nothing is merged: `waitingFor` says what for. Merging by itself needs API credentials, which this version does not use.
    GitHubNotConnected = CONFLICT "github_not_connected",
    /// The body is larger than this endpoint takes.
    TooLarge = PAYLOAD_TOO_LARGE "too_large",
    /// A rule of the domain, named in `rule`, such as `self_approval` or `two_strikes`.
    Rule = UNPROCESSABLE_ENTITY "rule",
    /// This `Idempotency-Key` came with another body before.
    KeyReused = UNPROCESSABLE_ENTITY "idempotency_key_reused",
    /// This caller has asked enough for now. Nothing was done.
    TooManyRequests = TOO_MANY_REQUESTS "too_many_requests",
    /// This caller reads the live feed as often as one may: a quarter of all places, eight at least.
    TooManyOwnReaders = TOO_MANY_REQUESTS "too_many_own_readers",
    /// A record of the store can't be understood: for the operator, the log says which.
    StoreCorrupt = INTERNAL_SERVER_ERROR "store_corrupt",
    /// The daemon is not ready to tell callers apart.
    Starting = SERVICE_UNAVAILABLE "starting",
    /// Too much is under way. Nothing was done.
    Busy = SERVICE_UNAVAILABLE "busy",
    /// The daemon is going down. Nothing was done.
    Draining = SERVICE_UNAVAILABLE "draining",
    /// No answer came in time, so whether it happened is unknown: repeat it with the same `Idempotency-Key`.
    OutcomeUnknown = SERVICE_UNAVAILABLE "outcome_unknown",
    /// The store does not answer. Nothing was done.
    StoreUnavailable = SERVICE_UNAVAILABLE "store_unavailable",
    /// As many read the live feed as may.
    TooManyReaders = SERVICE_UNAVAILABLE "too_many_readers",
    /// The webhook is closed until the daemon is started with `GITHUB_WEBHOOK_SECRET`.
    WebhookSecretMissing = SERVICE_UNAVAILABLE "webhook_secret_missing",
}

impl Code {
    /// Whether the answer has a `Retry-After`: nothing is wrong with the request.
    #[must_use]
    pub fn may_pass(self) -> bool {
        matches!(self.status(), StatusCode::TOO_MANY_REQUESTS | StatusCode::SERVICE_UNAVAILABLE)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_word_stands_for_one_code_and_says_what_it_means() {
        let mut words: Vec<&str> = Code::ALL.iter().map(|code| code.as_str()).collect();
        words.sort_unstable();
        words.dedup();
        assert_eq!(words.len(), Code::ALL.len());
        assert!(Code::ALL.iter().all(|code| code.status().as_u16() >= 400 && code.means().ends_with('.')));
    }
}
