//! Process metrics under the names of Prometheus's client library, read from `/proc/self` when gathered.

use std::fs;

use prometheus::core::{Collector as PrometheusCollector, Desc};
use prometheus::proto::MetricFamily;
use prometheus::{Counter, Gauge, Opts};

/// Collector of the process metrics.
pub(super) struct Collector {
    cpu: Counter,
    network_in: Counter,
    network_out: Counter,
    open_fds: Gauge,
    max_fds: Gauge,
    resident: Gauge,
    virtual_size: Gauge,
    virtual_max: Gauge,
    start_time: Gauge,
    descs: Vec<Desc>,
}

impl Collector {
    pub(super) fn new() -> Self {
        let counter =
            |name: &str, help: &str| Counter::with_opts(Opts::new(name, help)).expect("the name is valid");
        let gauge =
            |name: &str, help: &str| Gauge::with_opts(Opts::new(name, help)).expect("the name is valid");
        let mut collector = Self {
            cpu: counter("process_cpu_seconds_total", "User and system CPU time used, in seconds."),
            network_in: counter("process_network_receive_bytes_total", "Bytes received over the network."),
            network_out: counter("process_network_transmit_bytes_total", "Bytes sent over the network."),
            open_fds: gauge("process_open_fds", "Open file descriptors."),
            max_fds: gauge("process_max_fds", "Most file descriptors the process may open."),
            resident: gauge("process_resident_memory_bytes", "Resident memory in bytes."),
            virtual_size: gauge("process_virtual_memory_bytes", "Virtual memory in bytes."),
            virtual_max: gauge(
                "process_virtual_memory_max_bytes",
                "Most virtual memory the process may use, in bytes.",
            ),
            start_time: gauge(
                "process_start_time_seconds",
                "Start of the process, in seconds since the epoch.",
            ),
            descs: Vec::new(),
        };
        collector.descs =
            collector.parts().iter().flat_map(|part| part.desc().into_iter().cloned()).collect();
        collector
    }

    fn parts(&self) -> [&dyn PrometheusCollector; 9] {
        [
            &self.cpu,
            &self.network_in,
            &self.network_out,
            &self.open_fds,
            &self.max_fds,
            &self.resident,
            &self.virtual_size,
            &self.virtual_max,
            &self.start_time,
        ]
    }

    fn refresh(&self) {
        let ticks = sysconf(libc::_SC_CLK_TCK);
        let page = sysconf(libc::_SC_PAGESIZE);
        if let Some(stat) = fs::read_to_string("/proc/self/stat").ok().as_deref().and_then(Stat::parse) {
            raise(&self.cpu, stat.cpu_ticks as f64 / ticks);
            self.virtual_size.set(stat.virtual_bytes as f64);
            self.resident.set(stat.resident_pages as f64 * page);
            if let Some(boot) = boot_time() {
                self.start_time.set(boot + stat.start_ticks as f64 / ticks);
            }
        }
        if let Ok(entries) = fs::read_dir("/proc/self/fd") {
            self.open_fds.set(entries.count() as f64);
        }
        if let Ok(limits) = fs::read_to_string("/proc/self/limits") {
            for (prefix, gauge) in
                [("Max open files", &self.max_fds), ("Max address space", &self.virtual_max)]
            {
                if let Some(limit) = soft_limit(&limits, prefix) {
                    gauge.set(limit);
                }
            }
        }
        if let Ok(netstat) = fs::read_to_string("/proc/self/net/netstat") {
            for (name, counter) in [("InOctets", &self.network_in), ("OutOctets", &self.network_out)] {
                if let Some(value) = netstat_value(&netstat, name) {
                    raise(counter, value);
                }
            }
        }
    }
}

impl PrometheusCollector for Collector {
    fn desc(&self) -> Vec<&Desc> {
        self.descs.iter().collect()
    }

    fn collect(&self) -> Vec<MetricFamily> {
        self.refresh();
        self.parts().iter().flat_map(|part| part.collect()).collect()
    }
}

fn raise(counter: &Counter, to: f64) {
    let by = to - counter.get();
    if by > 0.0 {
        counter.inc_by(by);
    }
}

fn sysconf(name: libc::c_int) -> f64 {
    // SAFETY: sysconf takes any integer and reads no memory of ours.
    unsafe { libc::sysconf(name) as f64 }
}

fn boot_time() -> Option<f64> {
    let stat = fs::read_to_string("/proc/stat").ok()?;
    stat.lines().find_map(|line| line.strip_prefix("btime ")).and_then(|value| value.trim().parse().ok())
}

struct Stat {
    cpu_ticks: u64,
    start_ticks: u64,
    virtual_bytes: u64,
    resident_pages: u64,
}

impl Stat {
    /// Parses `/proc/self/stat`; the command's name in brackets may itself hold blanks and brackets.
    fn parse(text: &str) -> Option<Self> {
        let rest = &text[text.rfind(')')? + 1..];
        let fields: Vec<&str> = rest.split_ascii_whitespace().collect();
        // proc(5) counts from 1 and `rest` begins with field 3.
        let field = |number: usize| fields.get(number - 3)?.parse::<u64>().ok();
        Some(Self {
            cpu_ticks: field(14)? + field(15)?,
            start_ticks: field(22)?,
            virtual_bytes: field(23)?,
            resident_pages: field(24)?,
        })
    }
}

fn soft_limit(limits: &str, prefix: &str) -> Option<f64> {
    let line = limits.lines().find(|line| line.starts_with(prefix))?;
    let value = line[prefix.len()..].split_ascii_whitespace().next()?;
    // Prometheus's library tells "unlimited" as the largest unsigned number.
    if value == "unlimited" { Some(u64::MAX as f64) } else { value.parse().ok() }
}

fn netstat_value(netstat: &str, name: &str) -> Option<f64> {
    let mut lines = netstat.lines();
    while let (Some(header), Some(values)) = (lines.next(), lines.next()) {
        if let Some(position) = header.split_ascii_whitespace().position(|field| field == name) {
            return values.split_ascii_whitespace().nth(position)?.parse().ok();
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn stat_with_odd_command_name() {
        let text =
            "12 (a b) c) S 1 1 1 0 -1 4194560 1 2 3 4 70 30 0 0 20 0 9 0 555 1000 25 18446744073709551615";
        let stat = Stat::parse(text).unwrap();
        assert_eq!(
            (stat.cpu_ticks, stat.start_ticks, stat.virtual_bytes, stat.resident_pages),
            (100, 555, 1000, 25)
        );
        assert!(Stat::parse("nonsense").is_none());
    }

    #[test]
    fn limits_and_netstat() {
        let limits = "Limit  Soft Limit Hard Limit Units\nMax open files            1024                 524288  files\nMax address space  unlimited unlimited bytes\n";
        assert_eq!(soft_limit(limits, "Max open files"), Some(1024.0));
        assert_eq!(soft_limit(limits, "Max address space"), Some(u64::MAX as f64));
        let netstat = "TcpExt: A B\nTcpExt: 1 2\nIpExt: InOctets OutOctets\nIpExt: 7 8\n";
        assert_eq!(netstat_value(netstat, "OutOctets"), Some(8.0));
        assert_eq!(netstat_value(netstat, "Nope"), None);
    }
}
