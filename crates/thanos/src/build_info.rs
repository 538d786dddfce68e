//! Which build this is.

use server::metrics::{BuildInfo, go_arch};

/// What the build environment told; CI sets the variables, a build by hand leaves them out.
pub(crate) fn build_info() -> BuildInfo {
    BuildInfo {
        version: env!("CARGO_PKG_VERSION").to_owned(),
        revision: option_env!("THANOS_REVISION").unwrap_or("unknown").to_owned(),
        branch: option_env!("THANOS_BRANCH").unwrap_or_default().to_owned(),
        build_user: option_env!("THANOS_BUILD_USER").unwrap_or_default().to_owned(),
        build_date: option_env!("THANOS_BUILD_DATE").unwrap_or_default().to_owned(),
        compiler: concat!("rust", env!("CARGO_PKG_RUST_VERSION")).to_owned(),
    }
}

/// The text of `--version`.
pub(crate) fn version_text() -> String {
    let info = build_info();
    format!(
        "thanos, version {} (branch: {}, revision: {})\n  build user:       {}\n  build date:       {}\n  go version:       {}\n  platform:         {}/{}\n  tags:             \n",
        info.version,
        info.branch,
        info.revision,
        info.build_user,
        info.build_date,
        info.compiler,
        std::env::consts::OS,
        go_arch(),
    )
}
