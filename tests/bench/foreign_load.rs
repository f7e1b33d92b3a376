//! How much of the machine others use while we measure.

use std::time::Instant;

use anyhow::Context;

/// Above this share of the whole machine a comparison says nothing.
pub(crate) const TOO_MUCH: f64 = 0.25;

/// CPU time so far, in ticks: of the machine, and of what is ours (this process, its children, the server's).
#[derive(Debug, Clone, Copy)]
struct Used {
    machine: u64,
    ours: u64,
}

/// A measurement under way.
#[derive(Debug)]
pub(crate) struct ForeignLoad {
    postmaster: u32,
    before: Used,
    since: Instant,
}

impl ForeignLoad {
    /// Begins to look.
    pub(crate) fn watch(postmaster: u32) -> anyhow::Result<Self> {
        Ok(Self { postmaster, before: used(postmaster)?, since: Instant::now() })
    }

    /// The share of the machine that others used since.
    pub(crate) fn share(&self) -> anyhow::Result<f64> {
        let now = used(self.postmaster)?;
        let foreign = (now.machine - self.before.machine).saturating_sub(now.ours.saturating_sub(self.before.ours));
        let cores = std::thread::available_parallelism()?.get();
        #[expect(clippy::cast_precision_loss, reason = "a share")]
        Ok(foreign as f64 / (TICKS_PER_SECOND * self.since.elapsed().as_secs_f64() * cores as f64))
    }
}

/// `USER_HZ` is 100 on every Linux that this is run on.
const TICKS_PER_SECOND: f64 = 100.0;

fn used(postmaster: u32) -> anyhow::Result<Used> {
    let stat = std::fs::read_to_string("/proc/stat").context("read /proc/stat")?;
    let cpu = stat.lines().next().context("read /proc/stat: it is empty")?;
    let ticks: Vec<u64> = cpu.split_whitespace().skip(1).filter_map(|field| field.parse().ok()).collect();
    // user, nice, system, then idle and iowait, then irq, softirq and steal.
    let machine = ticks.iter().take(3).chain(ticks.iter().skip(5).take(3)).sum();
    let mut ours = 0;
    for entry in std::fs::read_dir("/proc").context("read /proc")? {
        let name = entry?.file_name();
        let Some(process) = name.to_str().and_then(|name| name.parse::<u32>().ok()) else { continue };
        // A process may end while it is looked at.
        let Some((parent, own, children)) = process_ticks(process) else { continue };
        if process == std::process::id() || process == postmaster {
            ours += own + children;
        } else if parent == postmaster || parent == std::process::id() {
            ours += own;
        }
    }
    Ok(Used { machine, ours })
}

/// Parent, ticks of its own, ticks of the children that it has waited for.
fn process_ticks(process: u32) -> Option<(u32, u64, u64)> {
    let stat = std::fs::read_to_string(format!("/proc/{process}/stat")).ok()?;
    // The name in parentheses may hold blanks.
    let fields: Vec<&str> = stat.rsplit_once(')')?.1.split_whitespace().collect();
    let number = |at: usize| fields.get(at).and_then(|field| field.parse::<u64>().ok());
    let parent = u32::try_from(number(1)?).ok()?;
    Some((parent, number(11)? + number(12)?, number(13)? + number(14)?))
}
