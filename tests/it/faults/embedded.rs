//! The embedded store: its folder, and its disk.

use rustix::process::{Resource, Rlimit, getrlimit, prlimit};
use serde_json::json;

use super::is_back;
use crate::rig::{Rig, Setup};

#[tokio::test]
async fn a_second_daemon_on_the_same_folder_is_refused_and_told_who_holds_it() {
    let rig = Setup::sqlite().start().await;
    rig.approve(1, json!({})).await;
    let second = Setup::sqlite().env("CONDUCTOR_DATA_DIR", rig.daemon.data().to_str().unwrap());
    let (status, log) = second.command().refused().await;
    assert_eq!(status.code(), Some(1), "{log}");
    let holder = format!("pid {}", rig.daemon.pid().as_raw_nonzero());
    assert!(log.contains("another daemon holds it") && log.contains(&holder), "{holder} is not in: {log}");
    rig.approve(2, json!({})).await;
    rig.close().await;
}

/// A full disk, by way of the largest size that the process may give a file: what can't be written is 503, what was written is
/// read, and once there is room again it goes on by itself.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_full_disk_is_503_with_nothing_half_written_and_goes_on_when_there_is_room() {
    let rig = Setup::sqlite().with_github().start().await;
    for number in 1..=5 {
        rig.approve(number, json!({})).await;
    }
    let largest =
        std::fs::read_dir(rig.daemon.data()).unwrap().map(|file| file.unwrap().metadata().unwrap().len()).max();
    limit_files(&rig, largest);
    let large = json!({"title": "large", "body": "x".repeat(200_000)});
    let (mut taken, mut refused) = (0, 0);
    // Some may fit still; what doesn't is refused, and so is everything after it.
    for number in 10..40 {
        let reply = rig.post(&crate::rig::about("ISSUE_APPROVED", number, large.clone())).await;
        match reply.status {
            200 => taken += 1,
            _ => {
                reply.refused(503, "store_unavailable");
                refused += 1;
            }
        }
    }
    assert!(refused > 0, "the disk was never full");
    for path in ["/health", "/healthz/live", "/healthz/ready", "/healthz/actors"] {
        rig.read(path).await;
    }
    assert_eq!(
        rig.read("/api/issues").await.as_array().unwrap().len(),
        5 + taken,
        "what was answered is there, and no more"
    );
    limit_files(&rig, None);
    is_back(&rig).await;
    rig.approve(50, large).await;
    rig.end().await.holds();
}

/// The largest file that the daemon may write; `None`: as large as this process may.
fn limit_files(rig: &Rig, current: Option<u64>) {
    let ours = getrlimit(Resource::Fsize);
    let limit = Rlimit { current: current.or(ours.current), maximum: ours.maximum };
    prlimit(Some(rig.daemon.pid()), Resource::Fsize, limit).unwrap();
}
