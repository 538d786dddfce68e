//! Lines for the systemd journal: one datagram of fields each.
//!
//! `KEY=value\n`, or for values with line breaks `KEY\n`, the length as little-endian u64, the value, `\n`
//! (systemd's "Native Journal Protocol"). Field names are those of Thanos: `MESSAGE`, `PRIORITY`, `THANOS_<KEY>`.

use std::os::unix::net::UnixDatagram;

use tracing::Level;

use super::record::Record;

const SOCKET: &str = "/run/systemd/journal/socket";

pub(super) struct Journal {
    socket: UnixDatagram,
}

impl Journal {
    pub(super) fn open() -> std::io::Result<Self> {
        let socket = UnixDatagram::unbound()?;
        socket.connect(SOCKET)?;
        Ok(Self { socket })
    }

    /// Sends one line. A line over the size of a datagram is refused by the kernel and reported as an error.
    pub(super) fn send(&self, record: &Record) -> std::io::Result<()> {
        self.socket.send(&datagram(record)).map(drop)
    }
}

fn datagram(record: &Record) -> Vec<u8> {
    let mut out = Vec::with_capacity(256);
    let error = record.fields.iter().find(|(key, _)| *key == "err").map(|(_, value)| value.text.as_str());
    let message = if record.message.is_empty() { error.unwrap_or("(no message)") } else { &record.message };
    field(&mut out, "MESSAGE", message);
    let priority = match record.level {
        Level::ERROR => "3",
        Level::WARN => "4",
        Level::INFO => "6",
        Level::DEBUG | Level::TRACE => "7",
    };
    field(&mut out, "PRIORITY", priority);
    for (key, value) in &record.fields {
        let name: String = key
            .chars()
            .map(|c| if c.is_ascii_alphanumeric() { c.to_ascii_uppercase() } else { '_' })
            .collect();
        field(&mut out, &format!("THANOS_{name}"), &value.text);
    }
    out
}

fn field(out: &mut Vec<u8>, name: &str, value: &str) {
    out.extend_from_slice(name.as_bytes());
    if value.contains('\n') {
        out.push(b'\n');
        out.extend_from_slice(&(value.len() as u64).to_le_bytes());
    } else {
        out.push(b'=');
    }
    out.extend_from_slice(value.as_bytes());
    out.push(b'\n');
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fields_with_and_without_line_breaks() {
        let mut out = Vec::new();
        field(&mut out, "A", "x");
        field(&mut out, "B", "y\nz");
        assert_eq!(out, b"A=x\nB\n\x03\0\0\0\0\0\0\0y\nz\n");
    }
}
