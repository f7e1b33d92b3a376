//! An empty database for each test, on a server that others use too.

use std::collections::hash_map::RandomState;
use std::hash::BuildHasher;

use tokio_postgres::NoTls;

/// The URL of the server that `tests/run` started, with a superuser's rights.
///
/// A test that needs it has `postgres` in its name: by that name `tests/run --without postgres` leaves it out.
#[must_use]
pub fn postgres_url() -> String {
    std::env::var("CONDUCTOR_TEST_POSTGRES_URL").unwrap_or_else(|_| {
        panic!(
            "this test needs PostgreSQL: run it as `tests/run -- <arguments of cargo test>`, or set \
             CONDUCTOR_TEST_POSTGRES_URL to a superuser's URL of a server whose databases don't matter"
        )
    })
}

/// Makes an empty database whose name begins with `name`, and gives back its URL. It goes with its server.
pub async fn fresh_database(server: &str, name: &str) -> String {
    let database = format!("{name}_{:016x}", RandomState::new().hash_one(name));
    let (client, connection) = tokio_postgres::connect(server, NoTls).await.expect("the server of the tests answers");
    let connection = tokio::spawn(connection);
    client.batch_execute(&format!("CREATE DATABASE \"{database}\"")).await.expect("a superuser creates databases");
    drop(client);
    connection.await.expect("the connection doesn't panic").expect("the connection ends in order");
    with_database(server, &database)
}

/// Does that in a database, as the one who owns it: for a test that changes what a program can't.
pub async fn execute(url: &str, statements: &str) {
    let (client, connection) = tokio_postgres::connect(url, NoTls).await.expect("the server of the tests answers");
    let connection = tokio::spawn(connection);
    client.batch_execute(statements).await.expect("the test's own SQL is right");
    drop(client);
    connection.await.expect("the connection doesn't panic").expect("the connection ends in order");
}

/// The same server, another database: the URL's path replaced, its parameters kept.
fn with_database(url: &str, database: &str) -> String {
    let (address, parameters) = url.split_once('?').map_or((url, ""), |(address, rest)| (address, rest));
    let (scheme, rest) = address.split_once("://").expect("a URL has a scheme");
    let host = rest.split_once('/').map_or(rest, |(host, _)| host);
    let separator = if parameters.is_empty() { "" } else { "?" };
    format!("{scheme}://{host}/{database}{separator}{parameters}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_database_of_a_url_is_replaced() {
        let url = |text| with_database(text, "new");
        assert_eq!(url("postgres://me@127.0.0.1:5432/old"), "postgres://me@127.0.0.1:5432/new");
        assert_eq!(url("postgres://me:word@127.0.0.1:5432"), "postgres://me:word@127.0.0.1:5432/new");
        assert_eq!(url("postgresql://h/old?sslmode=disable&a=b/c"), "postgresql://h/new?sslmode=disable&a=b/c");
    }

    #[tokio::test]
    async fn each_postgres_database_is_fresh_and_ones_own() {
        let server = postgres_url();
        let (first, second) = (fresh_database(&server, "fresh").await, fresh_database(&server, "fresh").await);
        assert_ne!(first, second);
        let (client, connection) = tokio_postgres::connect(&first, NoTls).await.unwrap();
        tokio::spawn(connection);
        let tables = "SELECT count(*) FROM pg_tables WHERE schemaname = 'public'";
        assert_eq!(client.query_one(tables, &[]).await.unwrap().get::<_, i64>(0), 0);
        let name: String = client.query_one("SELECT current_database()::text", &[]).await.unwrap().get(0);
        assert!(first.ends_with(&name) && name.starts_with("fresh_"), "{name} in {first}");
    }
}
