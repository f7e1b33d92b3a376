use std::error::Error;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::path::Path;
use std::time::Duration;

use clap::Args;
use reqwest::header::{ACCEPT, HeaderValue};
use reqwest::{Method, RequestBuilder, Response, Url};
use serde::de::DeserializeOwned;
use serde_json::Value;

use super::failure::Failure;
use super::words::plain;
use crate::config::{Environment, Settings};

/// A daemon that doesn't take a connection within this time is not there.
const CONNECT_WITHIN: Duration = Duration::from_secs(5);
/// Longer than the daemon takes for its slowest answer (a store that doesn't answer is given up after 10 s). Between two
/// events of the live feed it says something every 15 s.
const SILENCE: Duration = Duration::from_secs(40);
/// Of a refusal, more than this isn't a sentence.
const LONGEST_REFUSAL: usize = 16 * 1024;

/// Where a daemon is asked that picked its port itself: it can't be known, so where it would listen unless told otherwise.
const DEFAULT_URL: &str = "http://127.0.0.1:8080";

/// Which daemon to ask, and as whom.
#[derive(Debug, Clone, Default, Args)]
#[command(next_help_heading = "Which daemon to ask")]
pub(super) struct DaemonArguments {
    /// Where the daemon listens [default: on this machine where CONDUCTOR_BIND or the file says, else http://127.0.0.1:8080].
    #[arg(long, global = true, env = "CONDUCTOR_URL", value_name = "URL")]
    url: Option<String>,
    /// Token to show it.
    #[arg(long, global = true, env = "CONDUCTOR_TOKEN", value_name = "TOKEN", hide_env_values = true)]
    token: Option<String>,
    /// File that holds the token.
    #[arg(long, global = true, env = "CONDUCTOR_TOKEN_FILE", value_name = "FILE")]
    token_file: Option<std::path::PathBuf>,
}

impl DaemonArguments {
    /// Whether they name one, rather than leaving it to the default.
    pub(super) fn name_one(&self) -> bool {
        self.url.is_some()
    }

    /// The same credentials for the daemon at that address.
    pub(super) fn at(&self, url: String) -> Self {
        Self { url: Some(url), ..self.clone() }
    }

    /// The daemon that they name, else the one that these settings would start.
    pub(super) fn or_of_settings(&self, file: Option<&Path>) -> Self {
        match (&self.url, url_of(Settings::bind_of(file, &Environment::of_process()))) {
            (None, Some(url)) => self.at(url),
            (Some(_), _) | (None, None) => self.clone(),
        }
    }
}

/// Where a daemon of that address is reached from its own machine; `None` where it picks its port itself.
pub(super) fn url_of(bind: SocketAddr) -> Option<String> {
    let ip = match bind.ip() {
        IpAddr::V4(ip) if ip.is_unspecified() => Ipv4Addr::LOCALHOST.into(),
        IpAddr::V6(ip) if ip.is_unspecified() => Ipv6Addr::LOCALHOST.into(),
        IpAddr::V4(_) | IpAddr::V6(_) => bind.ip(),
    };
    (bind.port() != 0).then(|| format!("http://{}", SocketAddr::new(ip, bind.port())))
}

/// A running daemon, as commands ask it.
#[derive(Debug)]
pub(super) struct Client {
    base: Url,
    authorization: Option<HeaderValue>,
    http: reqwest::Client,
}

impl Client {
    /// Connects to nothing yet.
    pub(super) fn new(arguments: &DaemonArguments) -> Result<Self, Failure> {
        let base = base(arguments.url.as_deref().unwrap_or(DEFAULT_URL))?;
        let mut http = reqwest::Client::builder()
            .connect_timeout(CONNECT_WITHIN)
            .read_timeout(SILENCE)
            .user_agent(concat!("conductor-e/", env!("CARGO_PKG_VERSION")))
            // A token goes to the host that was named and to no other.
            .redirect(reqwest::redirect::Policy::none());
        if is_loopback(&base) {
            http = http.no_proxy();
        }
        let http = http.build().map_err(|error| Failure::Usage { what: "the network".to_owned(), why: why(&error) })?;
        Ok(Self { base, authorization: authorization(arguments)?, http })
    }

    /// Where the daemon is said to be.
    pub(super) fn base(&self) -> &Url {
        &self.base
    }

    /// A request that reads that path; each part is one segment, whatever it holds.
    pub(super) fn request(&self, path: &[&str], query: &[(&str, &str)]) -> RequestBuilder {
        self.request_to(Method::GET, path, query)
    }

    /// The same for any method.
    pub(super) fn request_to(&self, method: Method, path: &[&str], query: &[(&str, &str)]) -> RequestBuilder {
        let mut url = self.base.clone();
        if let Ok(mut segments) = url.path_segments_mut() {
            segments.pop_if_empty().extend(path);
        }
        if !query.is_empty() {
            url.query_pairs_mut().extend_pairs(query);
        }
        let request = self.http.request(method, url);
        match &self.authorization {
            Some(token) => request.header(reqwest::header::AUTHORIZATION, token.clone()),
            None => request,
        }
    }

    /// The answer to a request, if it is a good one.
    pub(super) async fn send(&self, request: RequestBuilder) -> Result<Response, Failure> {
        let unreachable = |error: reqwest::Error| Failure::Unreachable { url: self.base.to_string(), why: why(&error) };
        let response = request.send().await.map_err(unreachable)?;
        if response.status().is_success() { Ok(response) } else { Err(refusal(response).await) }
    }

    /// The answer of a path, as it comes.
    pub(super) async fn get(&self, path: &[&str], query: &[(&str, &str)]) -> Result<Response, Failure> {
        self.send(self.request(path, query).header(ACCEPT, "application/json")).await
    }

    /// The answer of a path, read as what this program knows of it.
    pub(super) async fn read<T: DeserializeOwned>(&self, path: &[&str], query: &[(&str, &str)]) -> Result<T, Failure> {
        decoded(self.get(path, query).await?).await
    }
}

/// The body of an answer, read as what this program knows of it.
pub(super) async fn decoded<T: DeserializeOwned>(response: Response) -> Result<T, Failure> {
    let url = response.url().to_string();
    let body = response.bytes().await.map_err(|error| Failure::CutShort { url: url.clone(), why: why(&error) })?;
    serde_json::from_slice(&body).map_err(|error| Failure::Foreign { url, why: error.to_string() })
}

/// What went wrong at the bottom of it: the layers above only say that something did.
pub(super) fn why(error: &reqwest::Error) -> String {
    if error.is_timeout() {
        return "it took too long".to_owned();
    }
    let mut cause: &dyn Error = error;
    while let Some(below) = cause.source() {
        cause = below;
    }
    cause.to_string()
}

async fn refusal(mut response: Response) -> Failure {
    let (url, status) = (response.url().to_string(), response.status());
    let mut body = Vec::new();
    while let Ok(Some(chunk)) = response.chunk().await {
        body.extend_from_slice(&chunk);
        if body.len() > LONGEST_REFUSAL {
            break;
        }
    }
    match serde_json::from_slice::<Value>(&body) {
        Ok(Value::Object(members)) if members.get("error").is_some_and(Value::is_string) => {
            let mut said = plain(members["error"].as_str().unwrap_or_default()).into_owned();
            if let Some(meant) = members.get("didYouMean").and_then(Value::as_str) {
                said.push_str(&format!(" (did you mean {}?)", plain(meant)));
            }
            Failure::Refused { url, status, said }
        }
        Ok(_) | Err(_) => Failure::Foreign { url, why: format!("it answered {status}, and not in the daemon's words") },
    }
}

fn base(text: &str) -> Result<Url, Failure> {
    let wrong = |why: &str| Failure::Usage { what: format!("--url \"{}\"", text.escape_debug()), why: why.to_owned() };
    let form = "it must be a URL such as http://127.0.0.1:8080";
    let url = Url::parse(text).map_err(|_| wrong(form))?;
    match url.scheme() {
        "http" if url.has_host() && url.query().is_none() && url.fragment().is_none() => Ok(url),
        "https" => {
            Err(wrong("this version speaks plain http; name an http address of the daemon, or of a tunnel to it"))
        }
        _ => Err(wrong(form)),
    }
}

/// A proxy of the environment is for other hosts than this one.
fn is_loopback(url: &Url) -> bool {
    let host = url.host_str().unwrap_or_default().trim_matches(['[', ']']);
    host == "localhost" || host.parse::<std::net::IpAddr>().is_ok_and(|address| address.is_loopback())
}

fn authorization(arguments: &DaemonArguments) -> Result<Option<HeaderValue>, Failure> {
    let wrong = |what: &str, why: String| Failure::Usage { what: what.to_owned(), why };
    let (source, token) = match (&arguments.token, &arguments.token_file) {
        (None, None) => return Ok(None),
        (Some(token), None) => ("--token", token.clone()),
        (None, Some(path)) => {
            let read = std::fs::read_to_string(path);
            let what = format!("--token-file {}", path.display());
            ("--token-file", read.map_err(|error| wrong(&what, error.to_string()))?)
        }
        (Some(_), Some(_)) => {
            return Err(wrong("--token and --token-file", "both are given: which of them holds?".to_owned()));
        }
    };
    let token = token.trim_end_matches(['\r', '\n']);
    if token.is_empty() {
        return Err(wrong(source, "it is empty: give the token, or leave it out".to_owned()));
    }
    let mut header = HeaderValue::from_str(&format!("Bearer {token}"))
        .map_err(|_| wrong(source, "a token is one line of printable characters".to_owned()))?;
    header.set_sensitive(true);
    Ok(Some(header))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn client(url: &str, token: Option<&str>) -> Result<Client, Failure> {
        Client::new(&DaemonArguments { url: Some(url.to_owned()), token: token.map(str::to_owned), token_file: None })
    }

    #[test]
    fn the_daemon_of_an_address_is_reached_from_its_own_machine() {
        let url = |bind: &str| url_of(bind.parse().unwrap());
        assert_eq!(url("0.0.0.0:8080").as_deref(), Some("http://127.0.0.1:8080"));
        assert_eq!(url("[::]:8080").as_deref(), Some("http://[::1]:8080"));
        assert_eq!(url("[::1]:9").as_deref(), Some("http://[::1]:9"));
        assert_eq!(url("127.0.0.1:0"), None);
    }

    #[test]
    fn a_path_is_built_of_whole_segments_below_the_base() {
        let client = client("http://127.0.0.1:8080/conductor/", None).unwrap();
        let request = client.request(&["api", "issues", "a/b?"], &[("repo", "acme/web#1")]).build().unwrap();
        assert_eq!(request.url().as_str(), "http://127.0.0.1:8080/conductor/api/issues/a%2Fb%3F?repo=acme%2Fweb%231");
        assert!(request.headers().get("authorization").is_none());
    }

    #[test]
    fn a_token_is_sent_as_bearer_and_not_shown_in_debug() {
        let client = client("http://127.0.0.1:8080", Some("s3cret\n")).unwrap();
        let request = client.request(&["health"], &[]).build().unwrap();
        assert_eq!(request.headers()["authorization"], "Bearer s3cret");
        assert!(!format!("{client:?} {request:?}").contains("s3cret"));
    }

    #[test]
    fn what_is_no_address_or_no_token_is_wrong_usage() {
        for url in ["", "127.0.0.1:8080", "localhost:8080", "https://conductor.example", "ftp://x", "http://x/?a=b"] {
            assert_eq!(client(url, None).unwrap_err().exit_code(), 2, "{url}");
        }
        for token in ["", "\n", "two\nlines"] {
            assert_eq!(client("http://x", Some(token)).unwrap_err().exit_code(), 2, "{token:?}");
        }
        let both =
            DaemonArguments { url: Some("http://x".to_owned()), token: Some("t".into()), token_file: Some("f".into()) };
        assert!(Client::new(&both).unwrap_err().to_string().contains("which of them holds?"));
    }

    #[test]
    fn a_token_file_is_read_and_a_missing_one_is_named() {
        let file = tempfile::NamedTempFile::new().unwrap();
        std::fs::write(file.path(), "s3cret\r\n").unwrap();
        let with = |path: &std::path::Path| {
            Client::new(&DaemonArguments {
                url: Some("http://x".to_owned()),
                token: None,
                token_file: Some(path.to_owned()),
            })
        };
        let request = with(file.path()).unwrap().request(&[], &[]).build().unwrap();
        assert_eq!(request.headers()["authorization"], "Bearer s3cret");
        assert!(with(std::path::Path::new("/nowhere/token")).unwrap_err().to_string().contains("/nowhere/token"));
    }

    #[test]
    fn loopback_is_known_in_every_spelling() {
        for (url, loopback) in [
            ("http://127.0.0.1:8080", true),
            ("http://localhost", true),
            ("http://[::1]:1", true),
            ("http://conductor", false),
            ("http://10.0.0.1", false),
        ] {
            assert_eq!(is_loopback(&Url::parse(url).unwrap()), loopback, "{url}");
        }
    }
}
