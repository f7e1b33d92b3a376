//! File descriptors. Every connection of a caller is one, and so is everything that the daemon opens for itself: **callers never
//! take the last ones**, or the store could open nothing while somebody holds connections.

use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};

/// What the daemon needs for itself: the store's files or its pool of connections, sockets that listen, what threads wait on.
const OWN: u64 = 256;

/// With fewer connections a fleet with its live feeds soon has to wait, so people are told; more are only noted.
const FEW: usize = 1_000;

/// How many connections callers may have of those that are wanted. Raises the limit of this process as far as it may be raised:
/// systems begin low (1,024 often) for the sake of programs that can't count further, and leave it to those that can.
#[must_use]
pub fn room_for(wanted: usize) -> usize {
    let limit = getrlimit(Resource::Nofile);
    let needed = OWN.saturating_add(wanted as u64);
    let raised = Rlimit { current: raised(limit, needed), ..limit };
    let current = match setrlimit(Resource::Nofile, raised) {
        Ok(()) => raised.current,
        Err(error) => {
            tracing::debug!(%error, "failed to raise the limit of open files: {error}");
            limit.current
        }
    };
    let room = room(current, wanted);
    let files = current.unwrap_or_default();
    if room < wanted.min(FEW) {
        tracing::warn!(
            connections = room,
            wanted,
            files,
            "only {room} connections are taken at once, since the system lets this process open {files} files: raise its limit \
             (ulimit -n, LimitNOFILE)"
        );
    } else if room < wanted {
        tracing::debug!(
            connections = room,
            wanted,
            files,
            "{room} connections are taken at once, by the limit of open files"
        );
    }
    room
}

/// The limit to ask for: what is needed, as far as the hard limit goes, and never less than there is.
fn raised(limit: Rlimit, needed: u64) -> Option<u64> {
    let current = limit.current?;
    Some(limit.maximum.map_or(needed, |most| needed.min(most)).max(current))
}

/// What is left for callers under a limit; where it is very low, half.
fn room(limit: Option<u64>, wanted: usize) -> usize {
    let Some(limit) = limit else { return wanted };
    let left = limit - OWN.min(limit / 2);
    usize::try_from(left).map_or(wanted, |left| left.min(wanted)).max(1)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn callers_never_take_the_last_descriptors() {
        assert_eq!(room(None, 20_000), 20_000);
        assert_eq!(room(Some(1_000_000), 20_000), 20_000);
        assert_eq!(room(Some(1_024), 20_000), 768);
        assert_eq!(room(Some(100), 20_000), 50);
        assert_eq!((room(Some(0), 5), room(Some(1), 5)), (1, 1));
    }

    #[test]
    fn the_limit_is_raised_as_far_as_needed_and_allowed_and_never_lowered() {
        let limit = |current, maximum| Rlimit { current, maximum };
        assert_eq!(raised(limit(Some(1_024), Some(4_096)), 20_256), Some(4_096));
        assert_eq!(raised(limit(Some(1_024), Some(1_000_000)), 20_256), Some(20_256));
        assert_eq!(raised(limit(Some(50_000), Some(1_000_000)), 20_256), Some(50_000));
        assert_eq!(raised(limit(Some(1_024), None), 20_256), Some(20_256));
        assert_eq!(raised(limit(None, None), 20_256), None);
    }
}
