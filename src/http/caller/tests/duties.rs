//! Separation of duties: no identity trick gets around it.

use super::*;

/// A pull request of acme/web#4, whose lease `dev-e-node` held; made by an operator.
async fn changed(daemon: &Daemon) -> String {
    let (operator, _) = daemon.token("operator", "ada").await;
    let assigned = json!({ "type": "ISSUE_ASSIGNED", "repo": "acme/web", "issueNumber": 4, "agentId": "dev-e-node" });
    for body in [approval(), assigned] {
        daemon.send(with(&operator, post(&body))).await.expect(200);
    }
    daemon.pull_request("acme/web#57", &["acme/web#4"]).await;
    operator
}

fn passed(by: &str) -> Value {
    json!({ "type": "REVIEW_PASSED", "repo": "acme/web", "prNumber": 57, "agentId": by, "headSha": "c0ffee" })
}

fn approved(reply: &Reply) -> bool {
    reply.status == 200
}

#[actix_web::test]
async fn who_produced_a_change_never_approves_it_whatever_it_shows() {
    for mode in IdentityMode::ALL {
        let daemon = daemon(*mode).await;
        let operator = changed(&daemon).await;
        let (developer, _) = daemon.token("agent", "dev-e-node").await;
        let (reviewer, _) = daemon.token("agent", "review-e").await;
        // Its own name, the reviewer's name, no name; its token, an operator's token, no token.
        for by in ["dev-e-node", "dev-e-node/ab12c", "review-e"] {
            daemon.send(with(&developer, post(&passed(by)))).await.refused(403, "forbidden");
        }
        let mut nameless = passed("review-e");
        nameless.as_object_mut().unwrap().remove("agentId");
        daemon.send(with(&developer, post(&nameless))).await.refused(403, "forbidden");
        for body in [passed("review-e"), passed("ada"), nameless] {
            daemon.send(with(&operator, post(&body))).await.refused(403, "forbidden");
        }
        let unsigned = daemon.send_from(PEER, post(&passed("dev-e-node"))).await;
        assert!([401, 403].contains(&unsigned.status), "{unsigned:?}");
        daemon.send(with(&reviewer, post(&passed("review-e")))).await.refused(409, "lost_race");
        daemon.dispatched("acme/web#57").await;
        assert!(approved(&daemon.send(with(&reviewer, post(&passed("review-e")))).await));
    }
}

#[actix_web::test]
async fn a_reviewer_that_produced_the_change_is_refused_at_append_with_its_own_token() {
    let daemon = daemon(IdentityMode::Token).await;
    changed(&daemon).await;
    let (reviewer, _) = daemon.token("agent", "review-e").await;
    let (second, _) = daemon.token("agent", "review-e-codex").await;
    daemon.pushed("acme/web#57", "review-e-bot[bot]").await;
    for key in ["k1", "k1", "k2"] {
        let again = with(&reviewer, post(&passed("review-e"))).insert_header(("Idempotency-Key", key));
        let refused = daemon.send(again).await;
        refused.refused(422, "rule");
        assert_eq!(refused.json()["rule"], "self_approval");
    }
    assert!(daemon.stored().await.contains(&"APPROVAL_REFUSED"));
    assert!(!daemon.stored().await.contains(&"REVIEW_PASSED"));
    daemon.dispatched("acme/web#57").await;
    assert!(approved(&daemon.send(with(&second, post(&passed("review-e-codex")))).await));
}

#[actix_web::test]
async fn gates_overrides_and_what_the_daemon_decides_are_reported_by_nobody() {
    for mode in IdentityMode::ALL {
        let daemon = daemon(*mode).await;
        let operator = changed(&daemon).await;
        let mut tokens = vec![operator];
        for (kind, name) in [("agent", "dev-e-node"), ("agent", "review-e"), ("viewer", "eve")] {
            tokens.push(daemon.token(kind, name).await.0);
        }
        let before = daemon.stored().await;
        for kind in [
            "HUMAN_GATE_APPROVED",
            "HUMAN_GATE_REJECTED",
            "OPERATOR_OVERRIDE",
            "APPROVAL_CARRIED",
            "MERGE_REQUESTED",
            "LEASE_EXPIRED",
        ] {
            let body = json!({ "type": kind, "repo": "acme/web", "issueNumber": 4, "prNumber": 57, "gateId": "g", "reason": "x" });
            for token in &tokens {
                daemon.send(with(token, post(&body))).await.refused(403, "forbidden");
            }
            let unsigned = daemon.send(post(&body)).await;
            assert!([401, 403].contains(&unsigned.status), "{kind}: {unsigned:?}");
        }
        assert_eq!(daemon.stored().await, before);
    }
}

#[actix_web::test]
async fn only_an_operator_overrules_and_in_the_operators_own_name() {
    for mode in IdentityMode::ALL {
        let daemon = daemon(*mode).await;
        let operator = changed(&daemon).await;
        let overrule = |token: &str| {
            let body =
                json!({ "kind": "pause", "target": "acme/web#4", "reason": "x", "operator": "eve", "actor": "eve" });
            with(token, TestRequest::post().uri("/api/admin/overrides").set_payload(body.to_string()))
        };
        let before = daemon.stored().await;
        for (kind, name) in [("agent", "dev-e-node"), ("agent", "review-e"), ("viewer", "eve")] {
            let (token, _) = daemon.token(kind, name).await;
            daemon.send(overrule(&token)).await.refused(403, "forbidden");
        }
        let body = json!({ "kind": "pause", "target": "acme/web#4", "reason": "x" }).to_string();
        let unsigned = TestRequest::post().uri("/api/admin/overrides").set_payload(body);
        daemon.send_from(PEER, unsigned).await.refused(401, "unauthorized");
        assert_eq!(daemon.stored().await, before);
        daemon.send(overrule(&operator)).await.expect(200);
        let events = daemon.send(with(&operator, TestRequest::get().uri("/api/events/stream?id=acme/web%234"))).await;
        let recorded =
            events.expect(200).as_array().unwrap().iter().find(|event| event["type"] == "OperatorOverride").cloned();
        let recorded = recorded.expect("it is on record");
        assert_eq!(
            (&recorded["data"]["operator"], &recorded["metadata"]["actor"]),
            (&json!("ada"), &json!("operator:ada"))
        );
    }
}
