//! The Bucket trait, providers from Thanos YAML, layers, in-memory and faulty buckets.
