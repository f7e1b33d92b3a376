//! As whom a token speaks.

use super::*;

#[actix_web::test]
async fn an_agents_token_speaks_for_that_agent_alone() {
    for mode in IdentityMode::ALL {
        let daemon = daemon(*mode).await;
        let (token, _) = daemon.token("agent", "dev-e-node").await;
        for own in ["dev-e-node", "dev-e-node/ab12c"] {
            let answer = daemon.send(with(&token, post(&beat(own)))).await.expect(200);
            assert_eq!(answer["streamId"], "dev-e-node");
        }
        daemon.send(with(&token, post(&json!({ "type": "HEARTBEAT" })))).await.expect(200);
        let before = daemon.stored().await;
        for other in ["dev-e-python", "review-e", "DEV-E-NODE", "dev-e-python/dev-e-node"] {
            daemon.send(with(&token, post(&beat(other)))).await.refused(403, "forbidden");
            let spelled = json!({ "type": "HEARTBEAT", "AGENTID": other });
            daemon.send(with(&token, post(&spelled))).await.refused(403, "forbidden");
            let next = get(&format!("/api/assignments/next?agentId={other}"));
            daemon.send(with(&token, next)).await.refused(403, "forbidden");
        }
        assert_eq!(daemon.stored().await, before);
        assert_eq!(daemon.send(with(&token, get("/api/assignments/next?agentId=dev-e-node"))).await.status, 204);
        assert_eq!(daemon.send(with(&token, get("/api/assignments/next"))).await.status, 204, "it is known who asks");
    }
}

#[actix_web::test]
async fn an_operators_identity_is_the_tokens_name_never_the_bodys() {
    let daemon = daemon(IdentityMode::Token).await;
    let (operator, _) = daemon.token("operator", "ada").await;
    let mut body = approval();
    (body["agentId"], body["operator"], body["actor"]) = (json!("dev-e-node"), json!("grace"), json!("operator:grace"));
    daemon.send(with(&operator, post(&body))).await.expect(200);
    let events = daemon.send(with(&operator, get("/api/events"))).await.expect(200);
    assert_eq!(events[0]["metadata"]["actor"], "operator:ada");
    assert_eq!(events[0]["metadata"]["extra"]["agentId"], "dev-e-node", "kept beside");
    // Nor does an operator speak for an agent, or take its work.
    daemon.send(with(&operator, post(&beat("dev-e-node")))).await.refused(403, "forbidden");
    for path in ["/api/assignments/next", "/api/reviews/next?agentId=review-e"] {
        let told = daemon.send(with(&operator, get(path))).await.refused(403, "forbidden");
        assert!(told.contains("ada is a person") && told.contains("?agentId=<agent>"), "{path}: {told}");
    }
}

#[actix_web::test]
async fn a_viewer_only_reads() {
    for mode in IdentityMode::ALL {
        let daemon = daemon(*mode).await;
        let (viewer, _) = daemon.token("viewer", "eve").await;
        for path in ["/api/issues", "/api/queue", "/api/agents", "/api/events"] {
            daemon.send_from(STRANGER, with(&viewer, get(path))).await.expect(200);
        }
        for body in [approval(), beat("dev-e-node"), json!({ "type": "MERGED", "repo": "acme/web", "prNumber": 1 })] {
            daemon.send_from(PEER, with(&viewer, post(&body))).await.refused(403, "forbidden");
        }
        for method in [Method::POST, Method::PUT, Method::DELETE, Method::PATCH] {
            let request = TestRequest::default().method(method).uri("/api/whatever-comes-later");
            daemon.send(with(&viewer, request)).await.refused(403, "forbidden");
        }
        let claim = get("/api/assignments/next?agentId=dev-e-node");
        daemon.send(with(&viewer, claim)).await.refused(403, "forbidden");
        assert_eq!(daemon.stored().await, [""; 0]);
    }
}
