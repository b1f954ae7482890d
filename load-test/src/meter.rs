//! Who is measured: a server's process, or the built-in sink.
use crate::process;
use crate::sink::Sink;

/// Reads CPU time and memory of both sides.
#[derive(Debug)]
pub enum Meter {
    /// A process of this machine.
    Process(u32),
    /// The sink, a thread of this process.
    Sink(Sink),
    /// A server elsewhere.
    Nothing,
}

impl Meter {
    /// CPU seconds the server's side has used so far.
    #[must_use]
    pub fn server_cpu_seconds(&self) -> Option<f64> {
        match self {
            Self::Process(pid) => process::cpu_seconds(*pid),
            Self::Sink(sink) => Some(sink.cpu_seconds()),
            Self::Nothing => None,
        }
    }

    /// CPU seconds the generator has used so far, without the sink's.
    #[must_use]
    pub fn own_cpu_seconds(&self) -> f64 {
        let all = process::cpu_seconds(process::own_pid()).unwrap_or(0.0);
        if let Self::Sink(sink) = self { all - sink.cpu_seconds() } else { all }
    }

    /// Memory of the server's side, bytes; the sink's cannot be told from the generator's.
    #[must_use]
    pub fn resident_bytes(&self) -> Option<u64> {
        if let Self::Process(pid) = self { process::resident_bytes(*pid) } else { None }
    }
}
