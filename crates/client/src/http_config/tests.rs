use super::*;

fn refused(yaml: &str) -> String {
    HttpClientConfig::from_yaml(yaml).unwrap_err().to_string()
}

#[test]
fn defaults_and_faults() {
    let config = HttpClientConfig::from_yaml("").unwrap();
    assert_eq!(config, HttpClientConfig::default());
    assert_eq!(config.transport_config.max_idle_conns_per_host, 2);
    assert!(refused("basic_auth: 3").starts_with("HTTP client configuration: "));
    assert!(refused("{bearer_token: a, bearer_token_file: b}").contains("at most one of bearer_token"));
    assert!(refused("{bearer_token: a, basic_auth: {username: u}}").contains("at most one of basic_auth"));
    assert!(refused("transport_config: {max_conns_per_host: 1}").contains("not built"));
}

#[test]
fn credentials_of_each_kind() {
    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join("secret");
    std::fs::write(&file, "one\n").unwrap();
    let header =
        |client: &HttpClient| client.authorization().unwrap().map(|value| value.to_str().unwrap().to_owned());
    let client = |yaml: String| HttpClient::new(HttpClientConfig::from_yaml(&yaml).unwrap()).unwrap();
    assert_eq!(header(&client(String::new())), None);
    assert_eq!(header(&client("bearer_token: t".into())).as_deref(), Some("Bearer t"));
    assert_eq!(
        header(&client("basic_auth: {username: u, password: p}".into())).as_deref(),
        Some("Basic dTpw")
    );
    let by_file = client(format!("bearer_token_file: {}", file.display()));
    assert_eq!(header(&by_file).as_deref(), Some("Bearer one"));
    std::fs::write(&file, "two").unwrap();
    assert_eq!(header(&by_file).as_deref(), Some("Bearer two"));
    std::fs::remove_file(&file).unwrap();
    assert!(by_file.authorization().unwrap_err().to_string().starts_with("read bearer token from "));
}

#[test]
fn an_unusable_ca_is_refused() {
    let config = HttpClientConfig::from_yaml("tls_config: {ca_file: /nope}").unwrap();
    assert!(HttpClient::new(config).unwrap_err().to_string().contains("read CA from /nope"));
}
