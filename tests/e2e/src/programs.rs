//! Prometheus and the thanos components as a test starts them.

use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result, bail};

use crate::http;
use crate::process::{Process, free_port, on_path};

/// The `thanos` under test.
pub fn thanos_binary() -> Result<PathBuf> {
    if let Some(path) = std::env::var_os("THANOS") {
        return Ok(PathBuf::from(path).canonicalize()?);
    }
    // target/<profile>/deps/it-… → target/<profile>/thanos
    let exe = std::env::current_exe()?;
    let binary = exe
        .parent()
        .and_then(Path::parent)
        .context("a test binary lies in target/<profile>/deps")?
        .join("thanos");
    if !binary.is_file() {
        bail!("no binary at {}: run `cargo build -p thanos` first (`make test` does)", binary.display());
    }
    Ok(binary)
}

/// A real Prometheus on a folder of its own.
pub struct Prometheus {
    /// The process.
    pub process: Process,
    /// `http://127.0.0.1:PORT`.
    pub url: String,
    /// The data folder.
    pub data: PathBuf,
    /// The configuration file.
    pub config: PathBuf,
}

impl Prometheus {
    /// Starts it over `data` with these external labels, scraping nothing, and waits until it is ready.
    pub fn start(dir: &Path, name: &str, data: &Path, external_labels: &[(&str, &str)]) -> Result<Self> {
        Self::start_with_config(dir, name, data, &config(external_labels))
    }

    /// Starts it with a whole configuration.
    pub fn start_with_config(dir: &Path, name: &str, data: &Path, config: &str) -> Result<Self> {
        Self::start_with(dir, &on_path("prometheus")?, name, data, config, &[])
    }

    /// Starts another Prometheus than that on the PATH, with further arguments.
    pub fn start_program(
        dir: &Path,
        program: &Path,
        data: &Path,
        external_labels: &[(&str, &str)],
        more: &[String],
    ) -> Result<Self> {
        Self::start_with(dir, program, "prometheus", data, &config(external_labels), more)
    }

    fn start_with(
        dir: &Path,
        program: &Path,
        name: &str,
        data: &Path,
        config: &str,
        more: &[String],
    ) -> Result<Self> {
        let file = dir.join(format!("{name}.yml"));
        std::fs::write(&file, config)?;
        std::fs::create_dir_all(data)?;
        let port = free_port();
        let mut args = vec![
            format!("--config.file={}", file.display()),
            format!("--storage.tsdb.path={}", data.display()),
            "--storage.tsdb.retention.time=100y".to_owned(),
            "--storage.tsdb.min-block-duration=2h".to_owned(),
            "--storage.tsdb.max-block-duration=2h".to_owned(),
            "--web.enable-lifecycle".to_owned(),
            "--web.enable-admin-api".to_owned(),
            format!("--web.listen-address=127.0.0.1:{port}"),
        ];
        args.extend_from_slice(more);
        let mut process = Process::start(name, program, &args, dir)?;
        let url = format!("http://127.0.0.1:{port}");
        let ready = format!("{url}/-/ready");
        process.wait_until("ready", || http::is_ok(&ready))?;
        Ok(Self { process, url, data: data.to_owned(), config: file })
    }
}

fn config(external_labels: &[(&str, &str)]) -> String {
    let labels: String = external_labels.iter().map(|(n, v)| format!("    {n}: {v:?}\n")).collect();
    let labels = if labels.is_empty() { String::new() } else { format!("  external_labels:\n{labels}") };
    format!("global:\n  scrape_interval: 5s\n{labels}")
}

/// Writes blocks from OpenMetrics text into `data`.
pub fn create_blocks(openmetrics: &Path, data: &Path) -> Result<()> {
    let out = Command::new(on_path("promtool")?)
        .args(["tsdb", "create-blocks-from", "openmetrics"])
        .arg(openmetrics)
        .arg(data)
        .output()?;
    if !out.status.success() {
        bail!("promtool: {}", String::from_utf8_lossy(&out.stderr));
    }
    Ok(())
}

/// A running thanos component.
pub struct Thanos {
    /// The process.
    pub process: Process,
    /// `http://127.0.0.1:PORT`.
    pub url: String,
    /// `127.0.0.1:PORT` of gRPC.
    pub grpc: String,
}

impl Thanos {
    /// Starts `thanos <command> <args>` on free ports without waiting for it.
    pub fn spawn(dir: &Path, name: &str, command: &str, args: &[String]) -> Result<Self> {
        Self::spawn_of(&thanos_binary()?, dir, name, command, args)
    }

    /// As [`Self::spawn`], with another `thanos` than the one under test.
    pub fn spawn_of(program: &Path, dir: &Path, name: &str, command: &str, args: &[String]) -> Result<Self> {
        let (http, grpc) = (free_port(), free_port());
        let mut all = vec![
            command.to_owned(),
            format!("--http-address=127.0.0.1:{http}"),
            format!("--grpc-address=127.0.0.1:{grpc}"),
        ];
        all.extend_from_slice(args);
        let process = Process::start(name, program, &all, dir)?;
        Ok(Self { process, url: format!("http://127.0.0.1:{http}"), grpc: format!("127.0.0.1:{grpc}") })
    }

    /// Starts it and waits until `/-/ready` answers 200.
    pub fn start(dir: &Path, name: &str, command: &str, args: &[String]) -> Result<Self> {
        let mut this = Self::spawn(dir, name, command, args)?;
        this.wait_ready()?;
        Ok(this)
    }

    /// As [`Self::start`], with another `thanos` than the one under test.
    pub fn start_of(program: &Path, dir: &Path, name: &str, command: &str, args: &[String]) -> Result<Self> {
        let mut this = Self::spawn_of(program, dir, name, command, args)?;
        this.wait_ready()?;
        Ok(this)
    }

    /// Waits until `/-/ready` answers 200.
    pub fn wait_ready(&mut self) -> Result<()> {
        let ready = format!("{}/-/ready", self.url);
        self.process.wait_until("ready", || http::is_ok(&ready))
    }

    /// A sidecar beside `prometheus`; uploads when a bucket is given.
    pub fn sidecar(dir: &Path, name: &str, prometheus: &Prometheus, bucket: Option<&Path>) -> Result<Self> {
        let mut args = vec![
            format!("--prometheus.url={}", prometheus.url),
            format!("--tsdb.path={}", prometheus.data.display()),
        ];
        if let Some(config) = bucket {
            args.push(format!("--objstore.config-file={}", config.display()));
            args.push("--shipper.upload-compacted".to_owned());
        }
        Self::start(dir, name, "sidecar", &args)
    }

    /// A store gateway over the bucket.
    pub fn store(dir: &Path, name: &str, bucket: &Path) -> Result<Self> {
        let args = vec![
            format!("--data-dir={}", dir.join(format!("{name}-data")).display()),
            format!("--objstore.config-file={}", bucket.display()),
        ];
        Self::start(dir, name, "store", &args)
    }

    /// A querier over these endpoints, with the replica label `replica`; waits until it knows them all.
    pub fn query(dir: &Path, name: &str, endpoints: &[&str], extra: &[&str]) -> Result<Self> {
        let mut args = vec!["--query.replica-label=replica".to_owned()];
        args.extend(endpoints.iter().map(|e| format!("--endpoint={e}")));
        args.extend(extra.iter().map(|e| (*e).to_owned()));
        let mut this = Self::start(dir, name, "query", &args)?;
        this.wait_for_endpoints(endpoints.len())?;
        Ok(this)
    }

    /// Waits until a querier knows that many endpoints.
    pub fn wait_for_endpoints(&mut self, count: usize) -> Result<()> {
        let stores = format!("{}/api/v1/stores", self.url);
        self.process.wait_until("connected to its endpoints", || known_endpoints(&stores) >= count)
    }
}

fn known_endpoints(stores_url: &str) -> usize {
    let Ok(answer) = http::get(stores_url, &[]) else { return 0 };
    let Ok(json) = answer.json() else { return 0 };
    json["data"]
        .as_object()
        .map_or(0, |kinds| kinds.values().filter_map(|v| v.as_array()).map(Vec::len).sum())
}

/// An S3 server that keeps everything in its memory: `moto_server`.
pub struct S3 {
    /// The process.
    pub process: Process,
    /// `127.0.0.1:PORT`.
    pub endpoint: String,
}

impl S3 {
    /// Starts it and waits until it answers.
    pub fn start(dir: &Path) -> Result<Self> {
        let port = free_port();
        let args = ["-H", "127.0.0.1", "-p", &port.to_string()].map(str::to_owned);
        let mut process = Process::start("s3", &on_path("moto_server")?, &args, dir)?;
        let endpoint = format!("127.0.0.1:{port}");
        let url = format!("http://{endpoint}/");
        process.wait_until("ready", || http::get(&url, &[]).is_ok_and(|answer| answer.status < 500))?;
        Ok(Self { process, endpoint })
    }

    /// Makes a bucket and the configuration file for it.
    pub fn bucket(&self, dir: &Path, name: &str) -> Result<PathBuf> {
        let answer = http::put(&format!("http://{}/{name}", self.endpoint))?;
        if answer.status != 200 {
            bail!("making bucket {name}: {} {}", answer.status, answer.body);
        }
        let config = dir.join(format!("{name}.yml"));
        std::fs::write(
            &config,
            format!(
                "type: S3\nconfig:\n  bucket: {name}\n  endpoint: {}\n  insecure: true\n  access_key: key\n  secret_key: secret\n",
                self.endpoint
            ),
        )?;
        Ok(config)
    }
}

/// A FILESYSTEM bucket: its folder and its configuration file.
pub fn filesystem_bucket(dir: &Path) -> Result<(PathBuf, PathBuf)> {
    let (folder, config) = (dir.join("bucket"), dir.join("bucket.yml"));
    std::fs::create_dir_all(&folder)?;
    std::fs::write(&config, format!("type: FILESYSTEM\nconfig:\n  directory: {}\n", folder.display()))?;
    Ok((folder, config))
}

/// Blocks of a bucket or data folder that are whole (their meta.json is there).
pub fn whole_blocks(folder: &Path) -> usize {
    let Ok(entries) = std::fs::read_dir(folder) else { return 0 };
    entries.flatten().filter(|e| e.path().join("meta.json").is_file()).count()
}
