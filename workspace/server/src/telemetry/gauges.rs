//! What stands at some height when it is asked for.

use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::metrics::info::Info;
use prometheus_client::registry::Registry;

/// Heights that are looked up when somebody asks.
#[derive(Debug, Default)]
pub(super) struct Gauges {
    waiting: Gauge,
    running: Gauge,
    memory: Gauge,
}

impl Gauges {
    pub(super) fn new(registry: &mut Registry) -> Self {
        let gauges = Self::default();
        registry.register("queue_waiting", "Runs that wait for their turn", gauges.waiting.clone());
        registry.register("queue_running", "Runs that are carried out", gauges.running.clone());
        if resident_bytes().is_some() {
            let help = "Memory of the process that is in RAM";
            registry.register("process_resident_memory_bytes", help, gauges.memory.clone());
        }
        let build = Info::new([("version", env!("CARGO_PKG_VERSION"))]);
        registry.register("build", "What is running", build);
        gauges
    }

    pub(super) fn set(&self, (waiting, running): (usize, usize)) {
        self.waiting.set(waiting as i64);
        self.running.set(running as i64);
        if let Some(bytes) = resident_bytes() {
            self.memory.set(bytes);
        }
    }
}

/// Memory of this process in RAM, where the system says so in a file.
fn resident_bytes() -> Option<i64> {
    let status = std::fs::read_to_string("/proc/self/status").ok()?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"))?;
    let kilobytes: i64 = line.trim().strip_suffix("kB")?.trim().parse().ok()?;
    Some(kilobytes * 1024)
}
