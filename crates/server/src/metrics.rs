//! The metrics registry of a process: build and process metrics, and the text form.

use prometheus::{Encoder, Gauge, Opts, Registry, TextEncoder};

mod process;

/// What `thanos_build_info`, `--version` and `/api/v1/status/buildinfo` tell.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct BuildInfo {
    /// Version, without `v`.
    pub version: String,
    /// Commit.
    pub revision: String,
    /// Branch.
    pub branch: String,
    /// Who built it.
    pub build_user: String,
    /// When it was built.
    pub build_date: String,
    /// The compiler; stands where Thanos tells Go's version.
    pub compiler: String,
}

/// Creates a registry with the process metrics and `thanos_build_info`.
///
/// # Errors
/// When a metric cannot be registered.
pub fn registry(build: &BuildInfo) -> Result<Registry, prometheus::Error> {
    let registry = Registry::new();
    registry.register(Box::new(process::Collector::new()))?;
    let info = Gauge::with_opts(
        Opts::new("thanos_build_info", "Always 1; the labels tell which build is running.")
            .const_label("version", &build.version)
            .const_label("revision", &build.revision)
            .const_label("branch", &build.branch)
            .const_label("goversion", &build.compiler)
            .const_label("goos", std::env::consts::OS)
            .const_label("goarch", go_arch())
            .const_label("tags", ""),
    )?;
    info.set(1.0);
    registry.register(Box::new(info))?;
    Ok(registry)
}

/// The machine's architecture under Go's name.
pub fn go_arch() -> &'static str {
    match std::env::consts::ARCH {
        "x86_64" => "amd64",
        "aarch64" => "arm64",
        "x86" => "386",
        other => other,
    }
}

/// Content type of [`encode_text`].
pub const TEXT_FORMAT: &str = "text/plain; version=0.0.4; charset=utf-8";

/// Gathers `registry` in Prometheus's text form.
pub fn encode_text(registry: &Registry) -> String {
    let mut out = Vec::with_capacity(32 << 10);
    if let Err(error) = TextEncoder::new().encode(&registry.gather(), &mut out) {
        // Reached only when a metric has no samples of its kind, a fault of the collector; the others are still worth sending.
        tracing::error!(err = %error, "encoding metrics failed");
    }
    String::from_utf8(out).unwrap_or_else(|error| String::from_utf8_lossy(error.as_bytes()).into_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn registry_has_build_and_process_metrics() {
        let build = BuildInfo { version: "1.2.3".into(), ..BuildInfo::default() };
        let text = encode_text(&registry(&build).unwrap());
        assert!(text.contains("thanos_build_info{"), "{text}");
        assert!(text.contains(r#"version="1.2.3""#));
        for name in [
            "process_cpu_seconds_total",
            "process_max_fds",
            "process_network_receive_bytes_total",
            "process_network_transmit_bytes_total",
            "process_open_fds",
            "process_resident_memory_bytes",
            "process_start_time_seconds",
            "process_virtual_memory_bytes",
            "process_virtual_memory_max_bytes",
        ] {
            assert!(text.contains(&format!("\n{name} ")), "{name} is missing in {text}");
        }
    }
}
