//! `--index-cache.config`: strict YAML, with the types that are not built refused by name.

use serde::{Deserialize, de::IgnoredAny};

/// A kind of item.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Item {
    /// Postings of one label name and value.
    Postings,
    /// Postings that matchers select.
    ExpandedPostings,
    /// Series entries.
    Series,
}

impl Item {
    pub(crate) const ALL: [Item; 3] = [Item::Postings, Item::ExpandedPostings, Item::Series];

    /// The name in configuration and metrics.
    pub fn as_str(self) -> &'static str {
        match self {
            Item::Postings => "Postings",
            Item::ExpandedPostings => "ExpandedPostings",
            Item::Series => "Series",
        }
    }
}

/// Settings of the in-memory index cache.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct IndexCacheConfig {
    /// Most bytes in all, keys included.
    pub max_size: u64,
    /// Most bytes of one item.
    pub max_item_size: u64,
    /// Kinds of items that are kept; empty is all.
    pub enabled_items: Vec<Item>,
}

impl Default for IndexCacheConfig {
    fn default() -> Self {
        IndexCacheConfig { max_size: 250 << 20, max_item_size: 125 << 20, enabled_items: Vec::new() }
    }
}

impl IndexCacheConfig {
    /// A cache of this size with items up to half of it but no larger than Thanos's default; what `--index-cache-size` asks for.
    pub fn of_size(max_size: u64) -> Self {
        let default = IndexCacheConfig::default();
        IndexCacheConfig { max_size, max_item_size: default.max_item_size.min(max_size), ..default }
    }

    /// Reads the YAML.
    pub fn from_yaml(yaml: &str) -> Result<Self, String> {
        let head: Document<IgnoredAny> = parse(yaml)?;
        match head.kind.to_uppercase().as_str() {
            "IN-MEMORY" => {}
            "MEMCACHED" | "REDIS" => {
                return Err(format!(
                    "index cache with type {} is not built into this version; IN-MEMORY is",
                    head.kind
                ));
            }
            _ => return Err(format!("index cache with type {} is not supported", head.kind)),
        }
        let document: Document<InMemory> = parse(yaml)?;
        let sizes = document.config.unwrap_or_default();
        let default = IndexCacheConfig::default();
        let size = |text: &Option<String>, default: u64| match text.as_deref() {
            None | Some("") => Ok(default),
            Some(text) => parse_bytes(text),
        };
        let config = IndexCacheConfig {
            max_size: size(&sizes.max_size, default.max_size)?,
            max_item_size: size(&sizes.max_item_size, default.max_item_size)?,
            enabled_items: enabled_items(&document.enabled_items.unwrap_or_default())?,
        };
        if config.max_item_size > config.max_size {
            return Err(format!(
                "max item size ({}) cannot be bigger than overall cache size ({})",
                config.max_item_size, config.max_size
            ));
        }
        Ok(config)
    }

    pub(crate) fn keeps(&self, item: Item) -> bool {
        self.enabled_items.is_empty() || self.enabled_items.contains(&item)
    }
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Document<T> {
    #[serde(rename = "type", default)]
    kind: String,
    #[serde(default = "Option::default")]
    config: Option<T>,
    #[serde(default)]
    enabled_items: Option<Vec<String>>,
    /// Of remote caches only; taken and without effect here, as in Thanos.
    #[serde(default, rename = "ttl")]
    _ttl: Option<String>,
}

#[derive(Deserialize, Default)]
#[serde(default, deny_unknown_fields)]
struct InMemory {
    max_size: Option<String>,
    max_item_size: Option<String>,
}

fn parse<T: serde::de::DeserializeOwned>(yaml: &str) -> Result<T, String> {
    serde_saphyr::from_str(yaml).map_err(|error| format!("parsing config YAML file: {error}"))
}

fn enabled_items(names: &[String]) -> Result<Vec<Item>, String> {
    let item = |name: &String| {
        let found = Item::ALL.into_iter().find(|item| item.as_str() == name);
        found.ok_or_else(|| format!("unsupported item type {name}"))
    };
    names.iter().map(item).collect()
}

/// A size in bytes with an optional binary unit: `250MiB`, `250MB` (the same) or `1024`.
fn parse_bytes(text: &str) -> Result<u64, String> {
    let error = || format!("not a size in bytes: {text:?}");
    let digits = text.find(|c: char| !c.is_ascii_digit() && c != '.').unwrap_or(text.len());
    let number: f64 = text[..digits].parse().map_err(|_| error())?;
    let factor: u64 = match text[digits..].trim().to_ascii_uppercase().as_str() {
        "" | "B" => 1,
        "KB" | "KIB" | "K" => 1 << 10,
        "MB" | "MIB" | "M" => 1 << 20,
        "GB" | "GIB" | "G" => 1 << 30,
        "TB" | "TIB" | "T" => 1 << 40,
        _ => return Err(error()),
    };
    let bytes = number * factor as f64;
    if bytes.is_finite() && bytes < i64::MAX as f64 { Ok(bytes as u64) } else { Err(error()) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn takes_thanos_s_form() {
        let config = IndexCacheConfig::from_yaml(
            "type: IN-MEMORY\nconfig:\n  max_size: 1GB\n  max_item_size: 5MiB\nenabled_items: [Postings, Series]\n",
        );
        let expected = IndexCacheConfig {
            max_size: 1 << 30,
            max_item_size: 5 << 20,
            enabled_items: vec![Item::Postings, Item::Series],
        };
        assert_eq!(config.unwrap(), expected);
        assert_eq!(IndexCacheConfig::from_yaml("type: in-memory").unwrap(), IndexCacheConfig::default());
        let of_size = IndexCacheConfig::of_size(1 << 20);
        assert_eq!((of_size.max_size, of_size.max_item_size), (1 << 20, 1 << 20));
    }

    #[test]
    fn refuses_what_it_cannot_honour() {
        for (yaml, part) in [
            ("type: MEMCACHED\nconfig: {addresses: [a]}", "MEMCACHED is not built"),
            ("type: REDIS", "REDIS is not built"),
            ("type: FILE", "FILE is not supported"),
            ("", "supported"),
            ("type: IN-MEMORY\nconfig: {max_sise: 1MB}", "max_sise"),
            ("type: IN-MEMORY\nconfig: {max_size: 1XB}", "size in bytes"),
            ("type: IN-MEMORY\nconfig: {max_size: 1MB, max_item_size: 2MB}", "cannot be bigger"),
            ("type: IN-MEMORY\nenabled_items: [Chunks]", "unsupported item type Chunks"),
        ] {
            let error = IndexCacheConfig::from_yaml(yaml).expect_err(yaml);
            assert!(error.contains(part), "{yaml}: {error}");
        }
    }
}
