//! The store gateway: postings, series and chunk fetch from object storage, index cache, block lifecycle.
