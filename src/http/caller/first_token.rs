//! How the first token is made: whoever asks a daemon for one shows one already, so it is made on the store itself.

/// What makes it, as it is typed.
pub const COMMAND: &str = "conductor-e token create --person <you> --role operator";

/// How somebody without any token gets the first one of a daemon that runs, as a sentence without its end. A store that isn't
/// `shared` is held by that daemon alone.
#[must_use]
pub fn how(shared: bool) -> String {
    if shared {
        format!(
            "the first token is made on the database itself, while the daemon goes on: `{COMMAND}` with the daemon's own \
             settings (DATABASE_URL) and without --url"
        )
    } else {
        format!(
            "the first token is made on the store itself, whose file this daemon holds: stop it, run `{COMMAND}` with the same \
             settings, and start it again"
        )
    }
}
