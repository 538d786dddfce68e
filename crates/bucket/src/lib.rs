//! Blocks in object storage: meta fetching and filters, upload and download, shipper, marks.
