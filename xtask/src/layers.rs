//! The layer check: the dependency rules of `ARCHITECTURE.md`, held against `cargo metadata`.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use std::process::Command;

use anyhow::{Context, Result, bail};
use serde_json::Value;

/// Crates without async runtime, sockets, object storage, logging or metrics registry anywhere below them.
const CORE: &[&str] = &["model", "tsdb", "head", "promql"];
const NOT_IN_CORE: &[&str] = &[
    "tokio",
    "hyper",
    "tonic",
    "opendal",
    "prometheus",
    "tracing",
    "reqwest",
    "axum",
    "futures",
    "async-trait",
];

/// Components: none knows another, not even in tests.
const COMPONENTS: &[&str] = &["sidecar", "store", "query", "compact", "receive", "rule", "queryfrontend"];

/// What each crate may depend on among our own; `model` is open to all. Crates that only compose (`thanos`, tests) are not listed.
const MAY_USE: &[(&str, &[&str])] = &[
    ("model", &[]),
    ("tsdb", &[]),
    ("head", &["tsdb"]),
    ("promql", &[]),
    ("proto", &[]),
    ("objstore", &[]),
    ("rpc", &[]),
    ("server", &["rpc"]),
    ("client", &["rpc"]),
    ("storeapi", &["proto", "client", "tsdb"]),
    ("bucket", &["objstore", "tsdb"]),
    ("blocks", &["bucket", "objstore", "tsdb", "server"]),
    ("sidecar", &["storeapi", "bucket", "objstore", "client", "server", "proto", "tsdb"]),
    ("store", &["storeapi", "bucket", "objstore", "client", "server", "tsdb", "proto"]),
    ("query", &["storeapi", "promql", "tsdb", "proto", "client", "server"]),
    ("compact", &["bucket", "objstore", "tsdb", "server"]),
    ("receive", &["head", "storeapi", "bucket", "proto", "client", "server", "tsdb"]),
    ("rule", &["head", "storeapi", "bucket", "promql", "proto", "client", "server"]),
    ("queryfrontend", &["promql", "client", "server"]),
    ("ui", &[]),
    ("xtask", &[]),
];

/// Crates that compose the others and may use any of them.
const COMPOSERS: &[&str] = &["thanos", "corpus", "e2e", "fuzz"];

/// One TLS back end (rustls with ring), and nothing that wants cmake or protoc on the build machine.
const BANNED: &[&str] = &[
    "openssl",
    "openssl-sys",
    "native-tls",
    "aws-lc-rs",
    "aws-lc-sys",
    "boring",
    "cmake",
    "protobuf-src",
    "protoc-bin-vendored",
];

/// Code generators, which only `xtask` may run.
const GENERATORS: &[&str] = &["prost-build", "tonic-build", "tonic-prost-build", "protox"];

/// A dependency edge as `cargo metadata` resolved it.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Edge {
    to: String,
    /// Linked into the crate itself, not only into its tests or build script.
    normal: bool,
}

/// The resolved graph: package name to its edges, and which packages are ours.
#[derive(Debug, Default)]
struct Graph {
    edges: BTreeMap<String, BTreeSet<Edge>>,
    own: BTreeSet<String>,
}

/// Checks the workspace at `root`; the error lists every broken rule.
pub(crate) fn run(root: &Path) -> Result<()> {
    let mut broken = violations(&Graph::read(root)?);
    broken.extend(generated_code_outside_proto(root)?);
    if broken.is_empty() { Ok(()) } else { bail!("layer rules broken:\n  {}", broken.join("\n  ")) }
}

impl Graph {
    fn read(root: &Path) -> Result<Graph> {
        let cargo = std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
        let output = Command::new(cargo)
            .args(["metadata", "--format-version", "1", "--locked", "--all-features"])
            .current_dir(root)
            .output()
            .context("run cargo metadata")?;
        if !output.status.success() {
            bail!("cargo metadata: {}", String::from_utf8_lossy(&output.stderr));
        }
        Graph::parse(&serde_json::from_slice(&output.stdout).context("parse cargo metadata")?)
    }

    fn parse(metadata: &Value) -> Result<Graph> {
        let array = |value: &Value| value.as_array().cloned().unwrap_or_default();
        let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
        let names: BTreeMap<String, String> = array(&metadata["packages"])
            .iter()
            .map(|package| (text(&package["id"]), text(&package["name"])))
            .collect();
        let name = |id: &Value| {
            names.get(id.as_str().unwrap_or_default()).cloned().context("package without a name")
        };

        let mut graph = Graph::default();
        for member in array(&metadata["workspace_members"]) {
            graph.own.insert(name(&member)?);
        }
        for node in array(&metadata["resolve"]["nodes"]) {
            let edges = graph.edges.entry(name(&node["id"])?).or_default();
            for dep in array(&node["deps"]) {
                let normal = array(&dep["dep_kinds"]).iter().any(|kind| kind["kind"].is_null());
                edges.insert(Edge { to: name(&dep["pkg"])?, normal });
            }
        }
        Ok(graph)
    }

    fn edges(&self, name: &str) -> impl Iterator<Item = &Edge> {
        self.edges.get(name).into_iter().flatten()
    }

    /// For every package linked into `name`, the package that brought it in.
    fn linked(&self, name: &str) -> BTreeMap<String, String> {
        let mut via = BTreeMap::new();
        let mut pending = vec![name.to_owned()];
        while let Some(from) = pending.pop() {
            for edge in self.edges(&from).filter(|edge| edge.normal) {
                if !via.contains_key(&edge.to) {
                    via.insert(edge.to.clone(), from.clone());
                    pending.push(edge.to.clone());
                }
            }
        }
        via
    }
}

fn violations(graph: &Graph) -> Vec<String> {
    let mut broken = Vec::new();
    for name in &graph.own {
        if CORE.contains(&name.as_str()) {
            let linked = graph.linked(name);
            for banned in NOT_IN_CORE {
                if let Some(via) = linked.get(*banned) {
                    broken.push(format!("{name} is pure core and must not reach {banned} (through {via})"));
                }
            }
        }
        let allowed = MAY_USE.iter().find(|(krate, _)| krate == name).map(|(_, allowed)| *allowed);
        if allowed.is_none() && !COMPOSERS.contains(&name.as_str()) {
            broken.push(format!("{name} has no place in the layer table of xtask/src/layers.rs"));
        }
        for edge in graph.edges(name) {
            let to = edge.to.as_str();
            if let Some(allowed) = allowed
                && edge.normal
                && graph.own.contains(to)
                && to != "model"
                && !allowed.contains(&to)
            {
                broken.push(format!("{name} must not depend on {to}"));
            }
            if COMPONENTS.contains(&name.as_str()) && COMPONENTS.contains(&to) {
                broken.push(format!("component {name} must not know component {to}"));
            }
            if to == "clap" && name != "thanos" {
                broken.push(format!("{name} must not depend on clap; flags are parsed in thanos only"));
            }
            if GENERATORS.contains(&to) && name != "xtask" {
                broken.push(format!("{name} must not run the code generator {to}"));
            }
        }
    }
    for name in graph.edges.keys().filter(|name| BANNED.contains(&name.as_str())) {
        broken.push(format!("{name} must not be in the dependency tree"));
    }
    broken
}

/// Files outside of `crates/proto/src/gen` that carry the generator's mark.
fn generated_code_outside_proto(root: &Path) -> Result<Vec<String>> {
    let mut broken = Vec::new();
    let mut pending = vec![root.join("crates")];
    while let Some(folder) = pending.pop() {
        for entry in std::fs::read_dir(&folder).with_context(|| format!("list {}", folder.display()))? {
            let path = entry?.path();
            if path.is_dir() {
                if !path.ends_with("crates/proto/src/gen") && !path.ends_with("target") {
                    pending.push(path);
                }
            } else if path.extension().is_some_and(|ext| ext == "rs") {
                let source = std::fs::read(&path).with_context(|| format!("read {}", path.display()))?;
                if source.starts_with(b"// This file is @generated") {
                    broken.push(format!("{} is generated code outside of proto", path.display()));
                }
            }
        }
    }
    Ok(broken)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn graph(own: &[&str], edges: &[(&str, &str, bool)]) -> Graph {
        let mut graph =
            Graph { own: own.iter().map(|name| (*name).to_owned()).collect(), ..Graph::default() };
        for (from, to, normal) in edges {
            graph
                .edges
                .entry((*from).to_owned())
                .or_default()
                .insert(Edge { to: (*to).to_owned(), normal: *normal });
            graph.edges.entry((*to).to_owned()).or_default();
        }
        graph
    }

    #[test]
    fn workspace_keeps_the_rules() {
        run(&crate::workspace_root()).unwrap();
    }

    #[test]
    fn core_must_not_reach_a_runtime_through_another_crate() {
        let broken = violations(&graph(&["tsdb"], &[("tsdb", "middle", true), ("middle", "tokio", true)]));
        assert_eq!(broken, ["tsdb is pure core and must not reach tokio (through middle)"]);
        assert_eq!(violations(&graph(&["tsdb"], &[("tsdb", "tokio", false)])), [""; 0]);
    }

    #[test]
    fn components_must_not_know_each_other_even_in_tests() {
        let broken = violations(&graph(&["query", "store"], &[("query", "store", false)]));
        assert_eq!(broken, ["component query must not know component store"]);
    }

    #[test]
    fn edges_follow_the_table() {
        let broken = violations(&graph(&["bucket", "storeapi"], &[("bucket", "storeapi", true)]));
        assert_eq!(broken, ["bucket must not depend on storeapi"]);
    }

    #[test]
    fn clap_and_generators_and_second_tls_are_confined() {
        let broken = violations(&graph(
            &["server", "thanos"],
            &[
                ("server", "clap", true),
                ("thanos", "clap", true),
                ("server", "prost-build", false),
                ("thanos", "openssl", true),
            ],
        ));
        assert_eq!(
            broken,
            [
                "server must not depend on clap; flags are parsed in thanos only",
                "server must not run the code generator prost-build",
                "openssl must not be in the dependency tree"
            ]
        );
    }
}
