/// When the next batch goes: at once while the server has nothing to do, and one **ahead** as soon as half of the callers that
/// there are wait for it.
///
/// With one batch at a time the server waits for us between two of them, and we for it: at 64 callers a quarter of the time.
/// But a batch sent ahead too early is a small one, and a commit costs the same for each; half of the crowd means that the
/// others come back while it is written, and are the next half.
#[derive(Debug, Default)]
pub(super) struct Pace {
    /// Appends of each batch that was sent and not answered.
    in_flight: Vec<usize>,
    /// How many callers there were lately: those in flight and those that waited. Grows at once, shrinks by and by.
    crowd: usize,
}

impl Pace {
    pub(super) fn is_time_for_another(&self, waiting: usize) -> bool {
        waiting > 0
            && match self.in_flight.len() {
                0 => true,
                1 => waiting >= self.crowd.div_ceil(2).min(super::batch::MOST_APPENDS),
                _ => false,
            }
    }

    /// Knows that a batch of `appends` has gone, and that `left` wait for a later one.
    pub(super) fn sent(&mut self, appends: usize, left: usize) {
        self.in_flight.push(appends);
        let now = self.in_flight.iter().sum::<usize>() + left;
        self.crowd = now.max(self.crowd - self.crowd.div_ceil(8));
    }

    /// Knows that one of those batches is answered.
    pub(super) fn answered(&mut self, appends: usize) {
        if let Some(at) = self.in_flight.iter().position(|sent| *sent == appends) {
            self.in_flight.remove(at);
        }
    }

    /// Batches on their way.
    pub(super) fn in_flight(&self) -> usize {
        self.in_flight.len()
    }
}

#[cfg(test)]
mod tests {
    use std::collections::VecDeque;

    use super::*;

    #[test]
    fn a_lone_caller_is_sent_at_once() {
        let mut pace = Pace::default();
        assert!(!pace.is_time_for_another(0));
        for _ in 0..3 {
            assert!(pace.is_time_for_another(1));
            pace.sent(1, 0);
            assert!(!pace.is_time_for_another(0));
            pace.answered(1);
        }
        assert_eq!(pace.in_flight(), 0);
    }

    #[test]
    fn a_crowd_settles_into_two_halves_of_which_one_is_always_ahead() {
        let mut pace = Pace::default();
        // The first one arrived alone, as happens, and the others after it; whoever is answered comes back one after the other.
        pace.sent(1, 0);
        let (mut under_way, mut waiting, mut sent) = (VecDeque::from([1]), 0, vec![1]);
        let mut back = 63;
        for _ in 0..40 {
            for _ in 0..back {
                waiting += 1;
                if pace.is_time_for_another(waiting) {
                    pace.sent(waiting, 0);
                    under_way.push_back(waiting);
                    sent.push(waiting);
                    waiting = 0;
                }
            }
            back = under_way.pop_front().unwrap();
            pace.answered(back);
        }
        let settled = &sent[sent.len() - 10..];
        assert!(settled.iter().all(|batch| (24..=40).contains(batch)), "{sent:?}");
    }

    #[test]
    fn when_the_crowd_has_gone_nothing_waits_for_it() {
        let mut pace = Pace::default();
        pace.sent(1, 500);
        pace.answered(1);
        for _ in 0..60 {
            pace.sent(2, 0);
            pace.answered(2);
        }
        pace.sent(1, 0);
        assert!(pace.is_time_for_another(1));
    }
}
