use std::collections::VecDeque;

use actix_web::web::Bytes;
use conductor_core::port::LogFilter;

use super::frame::Frame;

/// Events that are kept for those who read along: some seconds of a busy log.
const MOST_FRAMES: usize = 16_384;
/// The same in bytes: an event may be as large as an issue's text.
const MOST_BYTES: usize = 16 << 20;
/// What a reader takes at a time: enough to fill what a connection writes at once, little for a reader that then stalls.
const TAKEN_AT_ONCE: usize = 64 << 10;

/// The newest part of the log: every event after `after`, up to the head.
#[derive(Debug)]
pub(super) struct Window {
    frames: VecDeque<Frame>,
    bytes: usize,
    /// The window is whole after this position.
    after: u64,
    /// The position up to which the log is known.
    head: u64,
    most_frames: usize,
    most_bytes: usize,
}

/// What the window has for a reader.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Seen {
    /// Its next events; none if nothing up to there passes its filter.
    Events {
        /// In order.
        frames: Vec<Bytes>,
        /// The reader has seen everything up to here.
        up_to: u64,
    },
    /// The reader is further back than the window.
    Gone,
}

impl Window {
    /// Nothing after that position yet.
    pub(super) fn at(head: u64) -> Self {
        Self::bounded(head, MOST_FRAMES, MOST_BYTES)
    }

    pub(super) fn bounded(head: u64, most_frames: usize, most_bytes: usize) -> Self {
        Self { frames: VecDeque::new(), bytes: 0, after: head, head, most_frames, most_bytes }
    }

    /// Begins anew at that position.
    pub(super) fn restart(&mut self, head: u64) {
        *self = Self::bounded(head, self.most_frames, self.most_bytes);
    }

    /// Adds what follows on the head, and forgets what is too much; never the newest.
    pub(super) fn push(&mut self, frame: Frame) {
        self.head = frame.position;
        self.bytes += frame.bytes.len();
        self.frames.push_back(frame);
        while self.frames.len() > 1 && (self.frames.len() > self.most_frames || self.bytes > self.most_bytes) {
            if let Some(forgotten) = self.frames.pop_front() {
                self.bytes -= forgotten.bytes.len();
                self.after = forgotten.position;
            }
        }
    }

    /// The next events for somebody who has seen everything up to `position`, about 64 kB of them at most.
    pub(super) fn since(&self, position: u64, filter: &LogFilter) -> Seen {
        if position < self.after {
            return Seen::Gone;
        }
        let from = self.frames.partition_point(|frame| frame.position <= position);
        let (mut frames, mut taken) = (Vec::new(), 0);
        for frame in self.frames.range(from..) {
            if taken >= TAKEN_AT_ONCE {
                return Seen::Events { frames, up_to: frame.position - 1 };
            }
            if filter.types.is_empty() || filter.types.iter().any(|wanted| wanted == frame.kind) {
                taken += frame.bytes.len();
                frames.push(frame.bytes.clone());
            }
        }
        // Never back: another replica may have shown this reader more than this one knows yet.
        Seen::Events { frames, up_to: self.head.max(position) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn frame(position: u64, kind: &'static str, bytes: usize) -> Frame {
        Frame { position, kind, bytes: Bytes::from(vec![b'x'; bytes]) }
    }

    fn window(most_frames: usize, most_bytes: usize) -> Window {
        let mut window = Window::bounded(10, most_frames, most_bytes);
        for position in 11..=15 {
            window.push(frame(position, if position % 2 == 0 { "MERGED" } else { "CI_PASSED" }, 10));
        }
        window
    }

    fn seen(window: &Window, after: u64, types: &[&str]) -> Option<(usize, u64)> {
        let filter = LogFilter { types: types.iter().map(|name| (*name).to_owned()).collect() };
        match window.since(after, &filter) {
            Seen::Events { frames, up_to } => Some((frames.len(), up_to)),
            Seen::Gone => None,
        }
    }

    #[test]
    fn everything_after_a_position_and_how_far_that_goes() {
        let window = window(100, 1_000);
        assert_eq!(seen(&window, 10, &[]), Some((5, 15)));
        assert_eq!(seen(&window, 13, &[]), Some((2, 15)));
        assert_eq!(seen(&window, 13, &["MERGED"]), Some((1, 15)));
        assert_eq!(seen(&window, 10, &["ESCALATED"]), Some((0, 15)));
        assert_eq!(seen(&window, 9, &[]), None);
    }

    #[test]
    fn whoever_saw_more_elsewhere_is_not_taken_back() {
        assert_eq!(seen(&window(100, 1_000), 20, &[]), Some((0, 20)));
    }

    #[test]
    fn it_is_bounded_in_events_and_in_bytes_and_keeps_the_newest() {
        assert_eq!(seen(&window(2, 1_000), 13, &[]), Some((2, 15)));
        assert_eq!(seen(&window(2, 1_000), 12, &[]), None);
        assert_eq!(seen(&window(100, 35), 12, &[]), Some((3, 15)));
        assert_eq!(seen(&window(100, 35), 11, &[]), None);
        assert_eq!(seen(&window(100, 1), 14, &[]), Some((1, 15)));
    }

    #[test]
    fn a_reader_takes_a_part_at_a_time_and_goes_on_where_that_ended() {
        let mut window = Window::bounded(0, 100, usize::MAX);
        for position in [3, 7, 8] {
            window.push(frame(position, "MERGED", TAKEN_AT_ONCE));
        }
        assert_eq!(seen(&window, 0, &[]), Some((1, 6)));
        assert_eq!(seen(&window, 6, &[]), Some((1, 7)));
        assert_eq!(seen(&window, 7, &[]), Some((1, 8)));
    }
}
