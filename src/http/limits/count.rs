//! What was refused, for `/metrics`.
use std::sync::atomic::{AtomicU64, Ordering};

/// A limit by which somebody was refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Limit {
    /// `server.max_connections`, and the limit of open files.
    Connections,
    /// `limits.connections_per_address`.
    AddressConnections,
    /// `limits.new_connections_per_minute`.
    NewConnections,
    /// `limits.connections_per_user`.
    UserConnections,
    /// `limits.frames_per_second`.
    Frames,
    /// `limits.user_frames_per_second`.
    UserFrames,
    /// `limits.user_bytes_per_second`.
    UserBytes,
    /// `limits.requests_per_second`.
    Requests,
    /// `limits.wrong_credentials_per_minute`.
    WrongCredentials,
    /// `limits.sign_ins_per_minute`.
    SignIns,
    /// `privacy.invites_per_day`.
    Invites,
    /// `limits.invite_looks_per_minute`.
    InviteLooks,
    /// `limits.body_bytes`, `limits.admin_body_bytes` and `limits.phone_body_bytes`.
    BodyBytes,
    /// `limits.body_idle` and `limits.body_total`.
    BodyTime,
    /// `limits.head`: connections that came to nothing: in half of this time and more they did not say a whole request.
    /// Over TLS also those that did not end their handshake.
    Head,
    /// Bodies with a `Content-Encoding`.
    Encoding,
}

impl Limit {
    /// All of them.
    pub const ALL: [Self; 16] = [
        Self::Connections,
        Self::AddressConnections,
        Self::NewConnections,
        Self::UserConnections,
        Self::Frames,
        Self::UserFrames,
        Self::UserBytes,
        Self::Requests,
        Self::WrongCredentials,
        Self::SignIns,
        Self::Invites,
        Self::InviteLooks,
        Self::BodyBytes,
        Self::BodyTime,
        Self::Head,
        Self::Encoding,
    ];

    /// The metric's label.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Connections => "connections",
            Self::AddressConnections => "address_connections",
            Self::NewConnections => "new_connections",
            Self::UserConnections => "user_connections",
            Self::Frames => "frames",
            Self::UserFrames => "user_frames",
            Self::UserBytes => "user_bytes",
            Self::Requests => "requests",
            Self::WrongCredentials => "wrong_credentials",
            Self::SignIns => "sign_ins",
            Self::Invites => "invites",
            Self::InviteLooks => "invite_looks",
            Self::BodyBytes => "body_bytes",
            Self::BodyTime => "body_time",
            Self::Head => "head",
            Self::Encoding => "encoding",
        }
    }
}

/// How often each limit refused.
#[derive(Debug, Default)]
pub struct Refused([AtomicU64; Limit::ALL.len()]);

impl Refused {
    /// Counts one.
    pub fn count(&self, limit: Limit) {
        let at = Limit::ALL.iter().position(|known| *known == limit);
        if let Some(counter) = at.and_then(|at| self.0.get(at)) {
            counter.fetch_add(1, Ordering::Relaxed);
        }
    }

    /// The counts.
    pub fn counts(&self) -> impl Iterator<Item = (Limit, u64)> + '_ {
        Limit::ALL.iter().zip(&self.0).map(|(limit, count)| (*limit, count.load(Ordering::Relaxed)))
    }
}
