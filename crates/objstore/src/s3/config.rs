//! The `config` section of type S3: every field of Thanos's, strict. What this build cannot honour is refused by name.

use std::{collections::HashMap, time::Duration};

use serde::{Deserialize, Deserializer, de::Error as _};

use crate::{Error, Result, RetryPolicy};

/// The `config` section of type S3.
#[derive(Debug, Clone, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct S3Config {
    /// The bucket's name.
    pub bucket: String,
    /// Host, and port if it is not the scheme's own.
    pub endpoint: String,
    /// The region; when empty it comes from the endpoint's name, then from `AWS_REGION`, and is else `us-east-1`.
    pub region: String,
    /// Speak IPv4 only with Amazon's endpoints.
    pub disable_dualstack: bool,
    /// Take credentials from the surroundings only.
    pub aws_sdk_auth: bool,
    /// With `secret_key`, fixed credentials; without, they come from environment, profile or instance metadata.
    pub access_key: String,
    /// See `access_key`.
    pub secret_key: String,
    /// A token that goes with the two keys.
    pub session_token: String,
    /// Plain HTTP.
    pub insecure: bool,
    /// Signatures of version 2; refused.
    pub signature_version2: bool,
    /// Metadata put on every object; `X-Amz-Storage-Class` chooses the storage class.
    pub put_user_metadata: HashMap<String, String>,
    /// Connection settings.
    pub http_config: HttpConfig,
    /// Logging of each request.
    pub trace: TraceConfig,
    /// `v1` lists by the first version of the protocol; else empty or `v2`.
    pub list_objects_version: String,
    /// How the bucket's name goes into the URL.
    pub bucket_lookup_type: LookupType,
    /// Send the MD5 of objects that go in one request.
    pub send_content_md5: bool,
    /// Send every object in one request, which holds it in memory.
    pub disable_multipart: bool,
    /// Size in bytes from which an object goes in parts, and of the parts.
    pub part_size: u64,
    /// Encryption at the server.
    pub sse_config: SseConfig,
    /// An own endpoint for credentials; refused.
    pub sts_endpoint: String,
    /// Tries per request; 0 means 10.
    pub max_retries: u32,
}

impl Default for S3Config {
    fn default() -> Self {
        S3Config {
            bucket: String::new(),
            endpoint: String::new(),
            region: String::new(),
            disable_dualstack: false,
            aws_sdk_auth: false,
            access_key: String::new(),
            secret_key: String::new(),
            session_token: String::new(),
            insecure: false,
            signature_version2: false,
            put_user_metadata: HashMap::new(),
            http_config: HttpConfig::default(),
            trace: TraceConfig::default(),
            list_objects_version: String::new(),
            bucket_lookup_type: LookupType::Auto,
            send_content_md5: true,
            disable_multipart: false,
            part_size: 64 * 1024 * 1024,
            sse_config: SseConfig::default(),
            sts_endpoint: String::new(),
            max_retries: 0,
        }
    }
}

/// How the bucket's name goes into the URL.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum LookupType {
    /// By the endpoint: the host for those that ask for it, else the path.
    Auto,
    /// `https://<bucket>.<endpoint>/`.
    VirtualHosted,
    /// `https://<endpoint>/<bucket>/`.
    Path,
}

/// Logging of each request.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct TraceConfig {
    /// Log method, URL and status of each request at level debug.
    pub enable: bool,
}

/// Encryption at the server.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct SseConfig {
    /// Empty, `SSE-S3`, `SSE-KMS` or `SSE-C`.
    #[serde(rename = "type")]
    pub kind: String,
    /// The key's id, for `SSE-KMS`.
    pub kms_key_id: String,
    /// Refused when not empty.
    pub kms_encryption_context: HashMap<String, String>,
    /// A file with the 32 bytes of the key, for `SSE-C`.
    pub encryption_key: String,
}

/// Connection settings.
#[derive(Debug, Clone, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct HttpConfig {
    /// How long an unused connection is kept.
    #[serde(deserialize_with = "duration")]
    pub idle_conn_timeout: Duration,
    /// How long an answer may take to begin, and a content may stand still.
    #[serde(deserialize_with = "duration")]
    pub response_header_timeout: Duration,
    /// Accept any certificate.
    pub insecure_skip_verify: bool,
    /// How long connecting, the TLS handshake included, may take.
    #[serde(deserialize_with = "duration")]
    pub tls_handshake_timeout: Duration,
    /// Taken and without effect: uploads do not wait for the server's consent.
    #[serde(deserialize_with = "duration")]
    pub expect_continue_timeout: Duration,
    /// Unused connections kept in all; 0 sets no limit.
    pub max_idle_conns: usize,
    /// Unused connections kept for the host; 0 means 2.
    pub max_idle_conns_per_host: usize,
    /// Requests under way at once; 0 sets no limit.
    pub max_conns_per_host: usize,
    /// Taken and without effect: objects are never asked for in compressed form.
    pub disable_compression: bool,
    /// Certificates.
    pub tls_config: TlsConfig,
}

impl Default for HttpConfig {
    fn default() -> Self {
        HttpConfig {
            idle_conn_timeout: Duration::from_secs(90),
            response_header_timeout: Duration::from_secs(120),
            insecure_skip_verify: false,
            tls_handshake_timeout: Duration::from_secs(10),
            expect_continue_timeout: Duration::from_secs(1),
            max_idle_conns: 100,
            max_idle_conns_per_host: 100,
            max_conns_per_host: 0,
            disable_compression: false,
            tls_config: TlsConfig::default(),
        }
    }
}

/// Certificates.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct TlsConfig {
    /// A file with the authorities to trust, in place of the built-in ones.
    pub ca_file: String,
    /// A file with the client's certificate.
    pub cert_file: String,
    /// A file with the key of the client's certificate.
    pub key_file: String,
    /// Refused when not empty.
    pub server_name: String,
    /// Accept any certificate.
    pub insecure_skip_verify: bool,
}

impl S3Config {
    /// Checks what the types do not say.
    pub(crate) fn validate(&self) -> Result<()> {
        let refuse = |why: &str| Err(Error::config(format!("create S3 client: {why}")));
        let (key, secret) = (!self.access_key.is_empty(), !self.secret_key.is_empty());
        if self.bucket.is_empty() {
            return refuse("no s3 bucket in config file");
        }
        if self.endpoint.is_empty() {
            return refuse("no s3 endpoint in config file");
        }
        if self.endpoint.contains("://") || self.endpoint.contains('/') {
            return refuse("endpoint is a host with an optional port, without scheme and path");
        }
        if self.aws_sdk_auth && key {
            return refuse("aws_sdk_auth and access_key are mutually exclusive configurations");
        }
        if secret && !key {
            return refuse("no s3 access_key specified while secret_key is present in config file");
        }
        if key && !secret {
            return refuse("no s3 secret_key specified while access_key is present in config file");
        }
        if !matches!(self.list_objects_version.as_str(), "" | "v1" | "v2") {
            return refuse("list_objects_version is neither v1 nor v2");
        }
        // 5 MiB is the protocol's smallest part.
        if self.part_size < 5 * 1024 * 1024 {
            return refuse("part_size is less than 5242880 bytes");
        }
        match self.sse_config.kind.as_str() {
            "" | "SSE-S3" => {}
            "SSE-KMS" if self.sse_config.kms_key_id.is_empty() => {
                return refuse("kms_key_id must be set if sse_config.type is set to 'SSE-KMS'");
            }
            "SSE-C" if self.sse_config.encryption_key.is_empty() => {
                return refuse("encryption_key must be set if sse_config.type is set to 'SSE-C'");
            }
            "SSE-KMS" | "SSE-C" => {}
            _ => return refuse("sse_config.type is none of SSE-S3, SSE-KMS, SSE-C"),
        }
        let not_built = [
            (self.signature_version2, "signature_version2"),
            (!self.sts_endpoint.is_empty(), "sts_endpoint"),
            (!self.sse_config.kms_encryption_context.is_empty(), "sse_config.kms_encryption_context"),
            (!self.http_config.tls_config.server_name.is_empty(), "http_config.tls_config.server_name"),
        ];
        if let Some((_, name)) = not_built.iter().find(|(set, _)| *set) {
            return refuse(&format!("{name} is not built into this version"));
        }
        Ok(())
    }

    /// How requests are tried again.
    pub(crate) fn retry_policy(&self) -> RetryPolicy {
        let default = RetryPolicy::default();
        let attempts = if self.max_retries == 0 { default.attempts } else { self.max_retries };
        let timeout = self.http_config.response_header_timeout;
        RetryPolicy {
            attempts,
            timeout: if timeout.is_zero() { default.timeout } else { timeout },
            ..default
        }
    }

    /// The region, with the fall-backs of the field's description.
    pub(crate) fn effective_region(&self) -> String {
        if !self.region.is_empty() {
            return self.region.clone();
        }
        amazon_region(&self.endpoint)
            .map(str::to_owned)
            .or_else(|| std::env::var("AWS_REGION").ok().filter(|region| !region.is_empty()))
            .unwrap_or_else(|| "us-east-1".to_owned())
    }

    /// True when the bucket's name goes into the host name.
    pub(crate) fn virtual_hosted(&self) -> bool {
        match self.bucket_lookup_type {
            LookupType::VirtualHosted => true,
            LookupType::Path => false,
            LookupType::Auto => {
                let host = self.endpoint.split(':').next().unwrap_or_default();
                let asks = ["amazonaws.com", "amazonaws.com.cn", "storage.googleapis.com", "aliyuncs.com"];
                // A dot in the name would not fit the certificate.
                asks.iter().any(|suffix| host.ends_with(suffix)) && !self.bucket.contains('.')
            }
        }
    }

    /// Scheme and host to speak with.
    pub(crate) fn url(&self, region: &str) -> String {
        let scheme = if self.insecure { "http" } else { "https" };
        if is_amazon(&self.endpoint) {
            let stack = if self.disable_dualstack { "" } else { "dualstack." };
            return format!("{scheme}://s3.{stack}{region}.amazonaws.com");
        }
        format!("{scheme}://{}", self.endpoint)
    }
}

/// True for Amazon's general and regional endpoints, which have a form for both IP versions; not for special ones.
fn is_amazon(endpoint: &str) -> bool {
    endpoint == "s3.amazonaws.com" || amazon_region(endpoint).is_some()
}

/// The region in `s3.<region>.amazonaws.com`, also with a dash or with `dualstack.` before it.
fn amazon_region(endpoint: &str) -> Option<&str> {
    let middle = endpoint.strip_suffix(".amazonaws.com")?;
    let region = middle.strip_prefix("s3.").or_else(|| middle.strip_prefix("s3-"))?;
    let region = region.strip_prefix("dualstack.").unwrap_or(region);
    let plain = region.contains('-') && region.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-');
    (plain && !region.contains("accelerate") && !region.contains("fips")).then_some(region)
}

/// A duration as Go writes it (`1m30s`), or `0`. A bare number counts nanoseconds, as there.
fn duration<'de, D: Deserializer<'de>>(deserializer: D) -> std::result::Result<Duration, D::Error> {
    let text = String::deserialize(deserializer)?;
    parse_duration(&text).ok_or_else(|| D::Error::custom(format!("not a duration: {text:?}")))
}

fn parse_duration(text: &str) -> Option<Duration> {
    if let Ok(nanos) = text.parse::<u64>() {
        return Some(Duration::from_nanos(nanos));
    }
    let mut rest = text;
    let mut seconds = 0f64;
    while !rest.is_empty() {
        let digits = rest.find(|c: char| !c.is_ascii_digit() && c != '.')?;
        let number: f64 = rest[..digits].parse().ok()?;
        rest = &rest[digits..];
        let end = rest.find(|c: char| c.is_ascii_digit() || c == '.').unwrap_or(rest.len());
        seconds += number
            * match &rest[..end] {
                "ns" => 1e-9,
                "us" | "µs" | "μs" => 1e-6,
                "ms" => 1e-3,
                "s" => 1.0,
                "m" => 60.0,
                "h" => 3600.0,
                _ => return None,
            };
        rest = &rest[end..];
    }
    if text.is_empty() { None } else { Duration::try_from_secs_f64(seconds).ok() }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(yaml: &str) -> S3Config {
        serde_saphyr::from_str(yaml).expect(yaml)
    }

    fn refused(fields: &str) -> String {
        let yaml = format!("{{bucket: b, endpoint: e, {fields}}}");
        let parsed: std::result::Result<S3Config, _> = serde_saphyr::from_str(&yaml);
        match parsed {
            Err(error) => error.to_string(),
            Ok(config) => config.validate().expect_err(fields).to_string(),
        }
    }

    #[test]
    fn takes_every_field() {
        let config = parse(
            "bucket: b
endpoint: minio:9000
region: eu-west-1
disable_dualstack: true
aws_sdk_auth: false
access_key: a
secret_key: s
session_token: t
insecure: true
signature_version2: false
put_user_metadata: {X-Amz-Storage-Class: STANDARD_IA}
http_config:
  idle_conn_timeout: 1m30s
  response_header_timeout: 30s
  insecure_skip_verify: false
  tls_handshake_timeout: 10s
  expect_continue_timeout: 1s
  max_idle_conns: 10
  max_idle_conns_per_host: 10
  max_conns_per_host: 5
  disable_compression: true
  tls_config: {ca_file: '', cert_file: '', key_file: '', server_name: '', insecure_skip_verify: false}
trace: {enable: true}
list_objects_version: v1
bucket_lookup_type: path
send_content_md5: false
disable_multipart: false
part_size: 134217728
sse_config: {type: SSE-S3, kms_key_id: '', kms_encryption_context: {}, encryption_key: ''}
sts_endpoint: ''
max_retries: 4
",
        );
        config.validate().unwrap();
        assert_eq!(config.http_config.idle_conn_timeout, Duration::from_secs(90));
        assert_eq!(config.retry_policy().attempts, 4);
        assert_eq!(config.retry_policy().timeout, Duration::from_secs(30));
        assert_eq!(config.url("eu-west-1"), "http://minio:9000");
        assert!(!config.virtual_hosted());
    }

    #[test]
    fn refuses_what_it_cannot_honour() {
        for (fields, part) in [
            ("signature_version2: true", "signature_version2 is not built"),
            ("sts_endpoint: x", "sts_endpoint is not built"),
            (
                "sse_config: {type: SSE-KMS, kms_key_id: k, kms_encryption_context: {a: b}}",
                "kms_encryption_context",
            ),
            ("http_config: {tls_config: {server_name: x}}", "server_name is not built"),
            ("http_config: {idle_conn_timeout: soon}", "duration"),
            ("bucket_lookup_type: magic", "magic"),
            ("list_objects_version: v3", "list_objects_version"),
            ("access_key: a", "no s3 secret_key"),
            ("secret_key: a", "no s3 access_key"),
            ("aws_sdk_auth: true, access_key: a, secret_key: b", "mutually exclusive"),
            ("sse_config: {type: SSE-X}", "SSE-S3, SSE-KMS, SSE-C"),
            ("sse_config: {type: SSE-C}", "encryption_key must be set"),
            ("part_size: 1024", "part_size"),
            ("colour: red", "colour"),
        ] {
            assert!(refused(fields).contains(part), "{fields}: {}", refused(fields));
        }
    }

    #[test]
    fn amazon_endpoints_give_region_host_and_stack() {
        let mut config = parse("{bucket: b, endpoint: s3.eu-central-1.amazonaws.com}");
        assert_eq!(config.effective_region(), "eu-central-1");
        assert_eq!(config.url("eu-central-1"), "https://s3.dualstack.eu-central-1.amazonaws.com");
        assert!(config.virtual_hosted());
        config.disable_dualstack = true;
        assert_eq!(config.url("eu-central-1"), "https://s3.eu-central-1.amazonaws.com");
        config.bucket = "with.dot".into();
        assert!(!config.virtual_hosted());
        assert_eq!(amazon_region("s3-accelerate.amazonaws.com"), None);
        assert_eq!(amazon_region("s3.amazonaws.com"), None);
        assert_eq!(amazon_region("example.com"), None);
    }

    #[test]
    fn durations_are_go_s() {
        assert_eq!(parse_duration("1h2m3.5s"), Some(Duration::from_millis(3_723_500)));
        assert_eq!(parse_duration("250ms"), Some(Duration::from_millis(250)));
        assert_eq!(parse_duration("0"), Some(Duration::ZERO));
        assert_eq!(parse_duration("5000000000"), Some(Duration::from_secs(5)));
        for bad in ["", "5x", "s", "1", "-1s"].iter().filter(|text| **text != "1") {
            assert_eq!(parse_duration(bad), None, "{bad}");
        }
    }
}
