//! S3 against a server on loopback: `moto_server` from the path, where `make test` puts it.

use std::{
    net::TcpListener,
    process::{Child, Command, Stdio},
    sync::Arc,
    time::Duration,
};

use objstore::{Bucket, IterOptions, config, testing::acceptance};

struct Server {
    process: Child,
    port: u16,
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

async fn server() -> Server {
    let port = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
    let process = Command::new("moto_server")
        .args(["-H", "127.0.0.1", "-p", &port.to_string()])
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .expect("moto_server is on the path: `make test` installs it (scripts/setup test)");
    let mut server = Server { process, port };
    let client = reqwest_client();
    let url = format!("http://127.0.0.1:{port}/harbour");
    for _ in 0..600 {
        if let Ok(response) = client.put(&url).send().await {
            assert!(response.status().is_success(), "{}", response.status());
            return server;
        }
        assert!(server.process.try_wait().unwrap().is_none(), "the S3 server ended");
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    panic!("the S3 server does not answer");
}

fn reqwest_client() -> reqwest::Client {
    let _ = rustls::crypto::ring::default_provider().install_default();
    reqwest::Client::new()
}

fn open(server: &Server, more: &str) -> Arc<dyn Bucket> {
    let yaml = format!(
        "type: S3
config:
  bucket: harbour
  endpoint: 127.0.0.1:{}
  insecure: true
  access_key: key
  secret_key: secret
  part_size: 5242880
{more}",
        server.port
    );
    config::open_without_metrics(&yaml, "test").unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn s3_passes_the_acceptance_suite() {
    let server = server().await;
    acceptance(open(&server, "").as_ref()).await;
    acceptance(open(&server, "prefix: a/b").as_ref()).await;
    acceptance(open(&server, "  list_objects_version: v1\n  bucket_lookup_type: path\n").as_ref()).await;
    acceptance(open(&server, "  disable_multipart: true\n  trace: {enable: true}\n").as_ref()).await;
    acceptance(open(&server, "  http_config: {max_conns_per_host: 1}\n  send_content_md5: false\n").as_ref())
        .await;

    // More objects than one page of a listing holds.
    let bucket = open(&server, "");
    let uploads = (0..1100).map(|n| {
        let bucket = Arc::clone(&bucket);
        async move { bucket.upload(&format!("many/{n:04}"), "x".into()).await.unwrap() }
    });
    let uploads = futures::stream::iter(uploads);
    futures::StreamExt::for_each_concurrent(uploads, 16, |upload| upload).await;
    let listed = bucket.list("many", IterOptions::default()).await.unwrap();
    assert_eq!(listed.len(), 1100);
    assert!(listed.is_sorted_by(|a, b| a.name < b.name));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_server_that_is_not_there_is_a_retryable_error() {
    let port = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
    let yaml = format!(
        "{{type: S3, config: {{bucket: b, endpoint: '127.0.0.1:{port}', insecure: true, access_key: a, secret_key: b, \
         max_retries: 1}}}}"
    );
    let bucket = config::open_without_metrics(&yaml, "test").unwrap();
    let error = bucket.get_range("x", 0..1).await.unwrap_err();
    assert!(error.is_retryable(), "{error}");
    assert!(error.to_string().starts_with("get_range x: "), "{error}");
}
