//! A running `thanos`.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpStream;
use std::process::{Child, Command, Output, Stdio};
use std::sync::mpsc::{Receiver, channel};
use std::time::{Duration, Instant};

/// How long a line of the log, or the end of the process, is waited for.
const PATIENCE: Duration = Duration::from_secs(60);

/// Runs the binary to its end.
pub(crate) fn run(arguments: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_thanos")).args(arguments).output().expect("the binary starts")
}

pub(crate) fn text(bytes: &[u8]) -> String {
    String::from_utf8(bytes.to_vec()).expect("output is UTF-8")
}

/// A component that runs until it is told to stop.
pub(crate) struct Process {
    child: Child,
    lines: Receiver<String>,
    /// Everything logged so far.
    pub(crate) log: String,
}

impl Process {
    pub(crate) fn start(arguments: &[&str]) -> Self {
        let mut child = Command::new(env!("CARGO_BIN_EXE_thanos"))
            .args(arguments)
            .stderr(Stdio::piped())
            .stdout(Stdio::null())
            .spawn()
            .expect("the binary starts");
        let stderr = BufReader::new(child.stderr.take().expect("stderr is piped"));
        let (sender, lines) = channel();
        // Ends with the process; a line nobody waits for is dropped with the channel.
        std::thread::spawn(move || {
            for line in stderr.lines() {
                let line = line.unwrap_or_else(|e| format!("(the log cannot be read: {e})"));
                if sender.send(line + "\n").is_err() {
                    return;
                }
            }
        });
        Self { child, lines, log: String::new() }
    }

    /// Reads the log until a line holds all of `parts`; fails when the process ends before or takes too long.
    pub(crate) fn wait_for(&mut self, parts: &[&str]) -> String {
        let deadline = Instant::now() + PATIENCE;
        loop {
            let left = deadline.saturating_duration_since(Instant::now());
            let line = self.lines.recv_timeout(left);
            let line = line.unwrap_or_else(|e| panic!("no line of {parts:?} ({e}):\n{}", self.log));
            self.log.push_str(&line);
            if parts.iter().all(|part| line.contains(part)) {
                return line;
            }
        }
    }

    /// Waits until a server listens and returns its address.
    pub(crate) fn address(&mut self, message: &str) -> String {
        let line = self.wait_for(&[message]);
        let address = line.split("address=").nth(1).expect("the line tells the address");
        address.split_whitespace().next().expect("the address is not empty").to_owned()
    }

    pub(crate) fn signal(&self, name: &str) {
        let status = Command::new("kill").args([&format!("-{name}"), &self.child.id().to_string()]).status();
        assert!(status.expect("kill is there").success());
    }

    /// Tells it to end and returns the exit code with the rest of the log.
    pub(crate) fn stop(mut self) -> (i32, String) {
        self.signal("TERM");
        self.ended()
    }

    /// Waits for its end.
    pub(crate) fn ended(&mut self) -> (i32, String) {
        let deadline = Instant::now() + PATIENCE;
        // The log ends with the process.
        while let Ok(line) = self.lines.recv_timeout(deadline.saturating_duration_since(Instant::now())) {
            self.log.push_str(&line);
        }
        assert!(Instant::now() < deadline, "the process does not end:\n{}", self.log);
        let status = self.child.wait().expect("the process can be waited for");
        (status.code().expect("the process ended by itself"), std::mem::take(&mut self.log))
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        // Only a failed test leaves it running.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// GETs a path; returns status and body.
pub(crate) fn get(address: &str, path: &str) -> (u16, String) {
    let mut stream = TcpStream::connect(address).expect("the server accepts");
    write!(stream, "GET {path} HTTP/1.1\r\nHost: {address}\r\nConnection: close\r\n\r\n")
        .expect("the request is sent");
    let mut answer = String::new();
    stream.read_to_string(&mut answer).expect("the answer is UTF-8");
    let (head, body) = answer.split_once("\r\n\r\n").expect("the answer has a head");
    let status =
        head.split(' ').nth(1).and_then(|code| code.parse().ok()).expect("the head begins with a status");
    (status, body.to_owned())
}
