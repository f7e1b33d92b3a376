//! Who is let in, in each of the three modes.

use super::*;

/// What needs a token where tokens are asked for: reads, writes, claims, and paths that don't exist.
fn closed() -> Vec<TestRequest> {
    let paths = [
        "/api/issues",
        "/api/queue",
        "/api/events",
        "/api/agents",
        "/api/events/live",
        "/api/agent-logs/live",
        "/api/assignments/next?agentId=dev-e-node",
        "/api/admin/tokens",
        "/api",
        "/nothing",
        "/health/",
        "/%68ealth",
        "/public",
        "//health",
        "/docs/../api/issues/",
    ];
    // The last one begins like a page of the documentation: there is nothing else behind it.
    let (open, needing) = paths.split_last().unwrap();
    assert!(open.starts_with("/docs/"));
    needing.iter().map(|path| get(path)).chain([post(&approval()), post(&beat("dev-e-node"))]).collect()
}

#[actix_web::test]
async fn without_a_token_only_what_needs_none_is_reached() {
    let daemon = daemon(IdentityMode::Token).await;
    for peer in [STRANGER, PEER, "127.0.0.1"] {
        for request in closed() {
            let refused = daemon.send_from(peer, request).await;
            refused.refused(401, "unauthorized");
            assert_eq!(refused.headers["www-authenticate"], "Bearer");
        }
        for open in ["/health", "/healthz/live", "/healthz/ready", "/"] {
            daemon.send_from(peer, get(open)).await.expect(200);
        }
        // Not built yet, or without a secret: what matters is that nobody asks for a token.
        for open in ["/openapi.json", "/docs", "/docs/x", "/public/cost-summary", "/docs/../api/issues"] {
            assert_ne!(daemon.send_from(peer, get(open)).await.status, 401, "{open}");
        }
        let delivery = TestRequest::post().uri(crate::webhook::PATH);
        assert_eq!(
            daemon.send_from(peer, delivery).await.status,
            404,
            "this edge has no webhook, and asks no token for it"
        );
    }
    assert_eq!(daemon.stored().await, [""; 0]);
}

#[actix_web::test]
async fn how_the_daemon_is_may_be_seen_from_loopback_and_trusted_networks_or_with_a_token() {
    for mode in IdentityMode::ALL {
        let daemon = daemon(*mode).await;
        let (viewer, _) = daemon.token("viewer", "eve").await;
        for path in ["/healthz/deep", "/healthz/actors"] {
            for near in ["127.0.0.1", "::1", PEER] {
                daemon.send_from(near, get(path)).await.expect(200);
            }
            daemon.send_from(STRANGER, get(path)).await.refused(401, "unauthorized");
            let passed_on = get(path).insert_header(("X-Forwarded-For", "127.0.0.1"));
            daemon.send_from("127.0.0.1", passed_on).await.refused(401, "unauthorized");
            daemon.send_from(STRANGER, with(&viewer, get(path))).await.expect(200);
        }
    }
}

#[actix_web::test]
async fn open_believes_this_machine_alone() {
    let daemon = daemon(IdentityMode::Open).await;
    daemon.send(get("/api/issues")).await.expect(200);
    daemon.send(post(&approval())).await.expect(200);
    daemon.send(get("/api/issues").insert_header(("Host", "localhost:8080"))).await.expect(200);
    // A tunnel that ends here brings the world; a name that leads here is a web page's.
    for header in [("X-Forwarded-For", "127.0.0.1"), ("Via", "1.1 x"), ("Host", "rig.evil.example")] {
        daemon.send(get("/api/issues").insert_header(header)).await.refused(401, "unauthorized");
        daemon.send(post(&approval()).insert_header(header)).await.refused(401, "unauthorized");
    }
    for peer in [PEER, STRANGER] {
        daemon.send_from(peer, get("/api/issues")).await.refused(401, "unauthorized");
    }
    let (operator, _) = daemon.token("operator", "ada").await;
    let tunnelled = get("/api/issues").insert_header(("X-Forwarded-For", "203.0.113.9"));
    daemon.send(with(&operator, tunnelled)).await.expect(200);
}

#[actix_web::test]
async fn a_page_of_another_site_reaches_nothing_that_is_taken_at_its_word() {
    let daemon = daemon(IdentityMode::TrustedNetwork).await;
    let foreign = ("Sec-Fetch-Site", "cross-site");
    daemon.send_from(PEER, post(&beat("dev-e-node")).insert_header(foreign)).await.refused(403, "forbidden");
    let claim = get("/api/assignments/next?agentId=dev-e-node").insert_header(("Origin", "https://evil.example"));
    daemon.send_from(PEER, claim).await.refused(403, "forbidden");
    assert_eq!(daemon.stored().await, [""; 0]);
    daemon.send_from(PEER, post(&beat("dev-e-node"))).await.expect(200);
}

#[actix_web::test]
async fn trusted_network_believes_direct_peers_of_its_networks_and_makes_nobody_operator() {
    let daemon = daemon(IdentityMode::TrustedNetwork).await;
    daemon.send_from(PEER, get("/api/issues")).await.expect(200);
    daemon.send_from(PEER, post(&beat("dev-e-node"))).await.expect(200);
    for (peer, header) in [
        (STRANGER, ("Accept", "*/*")),
        ("127.0.0.1", ("Accept", "*/*")),
        (PEER, ("Forwarded", "for=10.1.2.3")),
        (PEER, ("X-Forwarded-For", "10.1.2.3")),
        (PEER, ("X-Real-IP", "10.1.2.3")),
        (PEER, ("Via", "1.1 tunnel")),
        (STRANGER, ("X-Forwarded-For", "10.1.2.3")),
    ] {
        for request in [get("/api/issues"), post(&beat("dev-e-node"))] {
            daemon.send_from(peer, request.insert_header(header)).await.refused(401, "unauthorized");
        }
    }
    // An agent that leaves its name out is nobody, not an operator.
    for body in [approval(), json!({ "type": "ISSUE_CANCELLED", "repo": "acme/web", "issueNumber": 4, "reason": "x" })]
    {
        daemon.send_from(PEER, post(&body)).await.refused(401, "unauthorized");
    }
    let assigned = json!({ "type": "ISSUE_ASSIGNED", "repo": "acme/web", "issueNumber": 4, "agentId": "dev-e-node" });
    daemon.send_from(PEER, post(&assigned)).await.refused(401, "unauthorized");
}

#[actix_web::test]
async fn trusted_network_is_shown_on_health_and_at_the_root() {
    for mode in IdentityMode::ALL {
        let daemon = daemon(*mode).await;
        let root = daemon.get("/").await.expect(200);
        assert_eq!(root["identity"], mode.as_str());
        let warnings = [root["warning"].clone(), daemon.get("/healthz/deep").await.expect(200)["warnings"][0].clone()];
        for warning in warnings {
            match mode {
                IdentityMode::TrustedNetwork => assert!(warning.as_str().unwrap().contains("10.0.0.0/8"), "{warning}"),
                IdentityMode::Open | IdentityMode::Token => assert_eq!(warning, Value::Null),
            }
        }
    }
}
