//! The YAML of `--request.logging-config`.

use std::collections::HashSet;

use http::{HeaderMap, Uri};
use serde::Deserialize;

/// Why a request logging configuration is refused.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// Malformed YAML or unknown fields.
    #[error("parse request logging configuration: {0}")]
    Yaml(String),
    /// A level that is not one of the four.
    #[error("the format of level is invalid. Expected INFO/DEBUG/ERROR/WARNING, got this {0}")]
    Level(String),
    /// A decision without a level.
    #[error("level field is empty")]
    NoLevel,
    /// Starts are to be logged, ends are not.
    #[error("log start call is not supported")]
    StartOnly,
}

/// When a request is logged.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) enum Decision {
    /// Never.
    #[default]
    Nothing,
    /// When it is over.
    End,
    /// When it begins and when it is over.
    StartAndEnd,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
struct Config {
    http: Http,
    grpc: Grpc,
    options: Options,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
struct Http {
    options: Options,
    config: Vec<HttpRoute>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
struct Grpc {
    options: Options,
    config: Vec<GrpcRoute>,
}

#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
struct Options {
    level: String,
    decision: DecisionConfig,
}

#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
struct DecisionConfig {
    log_start: bool,
    log_end: bool,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
struct HttpRoute {
    path: String,
    port: u64,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
struct GrpcRoute {
    service: String,
    method: String,
}

impl Options {
    fn is_set(&self) -> Result<bool, Error> {
        let decides = self.decision.log_start || self.decision.log_end;
        if self.level.is_empty() && decides {
            return Err(Error::NoLevel);
        }
        Ok(!self.level.is_empty() || decides)
    }

    fn decision(&self) -> Result<Decision, Error> {
        match (self.decision.log_start, self.decision.log_end) {
            (false, false) => Ok(Decision::Nothing),
            (false, true) => Ok(Decision::End),
            (true, true) => Ok(Decision::StartAndEnd),
            (true, false) => Err(Error::StartOnly),
        }
    }
}

/// Options of one protocol: its own, else the global ones, else errors only and no request.
fn effective(global: &Options, own: &Options) -> Result<Options, Error> {
    let mut options = Options { level: "ERROR".to_owned(), ..Options::default() };
    for candidate in [global, own] {
        if candidate.is_set()? {
            options = candidate.clone();
        }
    }
    match options.level.as_str() {
        "INFO" | "DEBUG" | "ERROR" | "WARNING" => Ok(options),
        other => Err(Error::Level(other.to_owned())),
    }
}

/// What was asked for, ready to be looked up.
#[derive(Debug, Default)]
pub(super) struct Plan {
    http: Decision,
    http_level: String,
    /// `path:port` of the routes to log; empty is all.
    http_routes: HashSet<String>,
    grpc: Decision,
    /// `/service/method` of the calls to log; empty is all.
    grpc_routes: HashSet<String>,
}

impl Plan {
    pub(super) fn parse(yaml: &str) -> Result<Self, Error> {
        if yaml.trim().is_empty() {
            return Ok(Self::default());
        }
        let config: Config = serde_saphyr::from_str(yaml).map_err(|error| Error::Yaml(error.to_string()))?;
        let http = effective(&config.options, &config.http.options)?;
        let grpc = effective(&config.options, &config.grpc.options)?;
        Ok(Self {
            http: http.decision()?,
            http_level: http.level,
            http_routes: config
                .http
                .config
                .iter()
                .map(|route| format!("{}:{}", route.path, route.port))
                .collect(),
            grpc: grpc.decision()?,
            grpc_routes: config
                .grpc
                .config
                .iter()
                .map(|route| format!("/{}/{}", route.service, route.method))
                .collect(),
        })
    }

    pub(super) fn http_decision(&self, uri: &Uri, headers: &HeaderMap) -> Decision {
        if self.http == Decision::Nothing || self.http_routes.is_empty() {
            return self.http;
        }
        let host = headers
            .get(http::header::HOST)
            .and_then(|value| value.to_str().ok())
            .or(uri.authority().map(|a| a.as_str()));
        let port = host.and_then(|host| host.rsplit_once(':')).map_or("", |(_, port)| port);
        let path = uri.path_and_query().map_or("/", |path| path.as_str());
        let name = if port.is_empty() { path.to_owned() } else { format!("{path}:{port}") };
        if self.http_routes.contains(&name) { self.http } else { Decision::Nothing }
    }

    pub(super) fn grpc_decision(&self, path: &str) -> Decision {
        if self.grpc_routes.is_empty() || self.grpc_routes.contains(path) {
            self.grpc
        } else {
            Decision::Nothing
        }
    }

    /// Whether the level of the HTTP options lets lines of `level` through. `WARNING` lets everything through, as in
    /// Thanos, where the filter knows only the name `WARN`.
    pub(super) fn http_allows(&self, level: tracing::Level) -> bool {
        match self.http_level.as_str() {
            "INFO" => level <= tracing::Level::INFO,
            "ERROR" => level <= tracing::Level::ERROR,
            _ => true,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn protocol_options_override_global_ones() {
        let plan = Plan::parse(
            "options: {level: INFO, decision: {log_end: true}}\n\
             grpc: {options: {level: DEBUG, decision: {log_start: true, log_end: true}}, config: [{service: a.B, method: C}]}\n\
             http: {config: [{path: /api/v1/query, port: 10902}]}",
        )
        .unwrap();
        assert_eq!((plan.http, plan.grpc), (Decision::End, Decision::StartAndEnd));
        assert_eq!(plan.grpc_decision("/a.B/C"), Decision::StartAndEnd);
        assert_eq!(plan.grpc_decision("/a.B/D"), Decision::Nothing);
        let mut headers = HeaderMap::new();
        headers.insert("host", "x:10902".parse().unwrap());
        assert_eq!(plan.http_decision(&Uri::from_static("/api/v1/query"), &headers), Decision::End);
        assert_eq!(plan.http_decision(&Uri::from_static("/other"), &headers), Decision::Nothing);
        assert!(!plan.http_allows(tracing::Level::DEBUG) && plan.http_allows(tracing::Level::ERROR));
    }

    #[test]
    fn faults_are_refused() {
        assert_eq!(Plan::parse("").unwrap().http, Decision::Nothing);
        for (yaml, text) in [
            ("options: {level: LOUD, decision: {log_end: true}}", "format of level is invalid"),
            ("options: {decision: {log_end: true}}", "level field is empty"),
            ("options: {level: INFO, decision: {log_start: true}}", "log start call is not supported"),
            ("nope: 1", "parse request logging configuration"),
        ] {
            let error = Plan::parse(yaml).unwrap_err().to_string();
            assert!(error.contains(text), "{yaml}: {error}");
        }
    }
}
