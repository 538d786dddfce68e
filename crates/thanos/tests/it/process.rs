//! A running `thanos`.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpStream;
use std::process::{Child, ChildStderr, Command, Output, Stdio};

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
    lines: BufReader<ChildStderr>,
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
        let lines = BufReader::new(child.stderr.take().expect("stderr is piped"));
        Self { child, lines, log: String::new() }
    }

    /// Reads the log until a line holds all of `parts`; fails when the process ends before.
    pub(crate) fn wait_for(&mut self, parts: &[&str]) -> String {
        loop {
            let mut line = String::new();
            let read = self.lines.read_line(&mut line).expect("the log is UTF-8");
            assert!(read > 0, "the process ended without a line of {parts:?}:\n{}", self.log);
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
        let mut rest = String::new();
        self.lines.read_to_string(&mut rest).expect("the log is UTF-8");
        let status = self.child.wait().expect("the process can be waited for");
        (status.code().expect("the process ended by itself"), std::mem::take(&mut self.log) + &rest)
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
