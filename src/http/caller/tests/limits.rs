//! Requests per caller.

use super::*;

#[actix_web::test]
async fn beyond_its_rate_a_caller_gets_429_and_heartbeats_and_health_go_on() {
    let least = |burst: u32| Rate { per_second: 1.try_into().unwrap(), burst: burst.try_into().unwrap() };
    // So many more heartbeats than this test sends that the clock can't fill the other bucket meanwhile by as much.
    let rates = Some(RateSettings { requests: least(5), heartbeats: least(1_000) });
    let admission = AdmissionSettings { mode: IdentityMode::Token, rates, ..AdmissionSettings::default() };
    let daemon = Daemon::admitting(admission, Policy::built_in(GitHubMode::None)).await;
    let (busy, _) = daemon.token("agent", "dev-e-node").await;
    let (calm, _) = daemon.token("agent", "dev-e-python").await;
    let mut refused = None;
    for _ in 0..2_000 {
        let reply = daemon.send(with(&busy, get("/api/queue"))).await;
        if reply.status == 429 {
            refused = Some(reply);
            break;
        }
        reply.expect(200);
    }
    let refused = refused.expect("2,000 requests are more than 5 and one per second");
    refused.refused(429, "too_many_requests");
    assert_eq!(refused.headers["retry-after"], "1");
    daemon.send(with(&busy, post(&beat("dev-e-node")))).await.expect(200);
    daemon.send(with(&calm, get("/api/queue"))).await.expect(200);
    for _ in 0..20 {
        for path in ["/health", "/healthz/live", "/healthz/ready", "/healthz/deep"] {
            daemon.get(path).await.expect(200);
        }
    }
}

#[actix_web::test]
async fn guesses_are_counted_against_who_makes_them() {
    let least = Rate { per_second: 1.try_into().unwrap(), burst: 3.try_into().unwrap() };
    let rates = Some(RateSettings { requests: least, heartbeats: least });
    let admission = AdmissionSettings { mode: IdentityMode::Token, rates, ..AdmissionSettings::default() };
    let daemon = Daemon::admitting(admission, Policy::built_in(GitHubMode::None)).await;
    let mut answers = Vec::new();
    for guess in 0..2_000 {
        let secret = format!("cet_{guess:064x}");
        let status = daemon.send_from(STRANGER, with(&secret, get("/api/issues"))).await.status;
        answers.push(status);
        if status == 429 {
            break;
        }
    }
    assert_eq!((answers[0], answers.last()), (401, Some(&429)));
    let (operator, _) = daemon.token("operator", "ada").await;
    daemon.send_from(PEER, with(&operator, get("/api/issues"))).await.expect(200);
}
