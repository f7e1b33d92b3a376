//! A broker behind TLS: reached by whoever trusts its certificate, and by nobody else.
//!
//! The certificate of `settings/tls` is for 127.0.0.1 until 2120, by an authority whose key nobody has.

use std::path::Path;

use conductor_test_support::{ValkeyServer, wait_for};
use serde_json::{Value, json};

use crate::rig::{PATIENCE, Setup};
use crate::valkey::count;

const FOLDER: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/it/settings/tls");

async fn server() -> ValkeyServer {
    let folder = Path::new(FOLDER);
    ValkeyServer::start_with_tls(&folder.join("server.pem"), &folder.join("server.key")).await
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_valkey_behind_tls_is_reached_by_its_authority() {
    let server = server().await;
    let setup = Setup::sqlite().env("VALKEY_URL", server.tls_url());
    let rig = setup.env("SSL_CERT_FILE", format!("{FOLDER}/authority.pem")).start().await;
    rig.eventually("/healthz/deep", "the broker to be reached", |deep| deep["overall"] == "Ok").await;
    rig.approve(1, json!({"stack": "node"})).await;
    wait_for("the entry", PATIENCE, || async {
        (count(&server, "XLEN", "assignments:dev-e-node").await == 1).then_some(())
    })
    .await;
    rig.close().await;
}

/// Nothing is sent to a server that can't show who it is; health says that it is away, and the log why.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_valkey_that_cannot_show_who_it_is_is_told_nothing() {
    let server = server().await;
    let rig = Setup::sqlite().env("VALKEY_URL", server.tls_url()).start().await;
    let away = |deep: &Value| {
        let mut dependencies = deep["dependencies"].as_array().unwrap().iter();
        dependencies.any(|one| one["name"] == "valkey" && one["status"] == "Unreachable")
    };
    rig.approve(1, json!({"stack": "node"})).await;
    rig.reaches(1, "assigned").await;
    wait_for("health to be red", PATIENCE, || async {
        let deep = rig.get("/healthz/deep").await;
        (deep.status == 503 && away(&deep.json())).then_some(())
    })
    .await;
    wait_for("the log to say why", PATIENCE, || async {
        rig.daemon.log().contains("InvalidCertificate").then_some(())
    })
    .await;
    assert_eq!(server.ask(&["DBSIZE"]).await, conductor_test_support::Reply::Number(0));
    rig.end().await.holds();
}
