//! WebSocket close codes (PROTOCOL.md, "Close codes").

/// A close code. From 4400 to 4499: do not reconnect without a person's act. From 4500 to 4599, 1001, 1012 and 1013:
/// reconnect with jittered back-off.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct CloseCode(pub u16);

impl CloseCode {
    /// Normal.
    pub const NORMAL: Self = Self(1000);
    /// The peer is going away.
    pub const GOING_AWAY: Self = Self(1001);
    /// Protocol error.
    pub const PROTOCOL: Self = Self(1002);
    /// Binary is not understood.
    pub const UNSUPPORTED: Self = Self(1003);
    /// A text that is not UTF-8.
    pub const NOT_UTF8: Self = Self(1007);
    /// Policy: an unfinished message after 10 s, or too many fragments.
    pub const POLICY: Self = Self(1008);
    /// A frame or message over `frame_bytes`.
    pub const TOO_BIG: Self = Self(1009);
    /// Our fault.
    pub const INTERNAL: Self = Self(1011);
    /// Restarting or draining.
    pub const RESTARTING: Self = Self(1012);
    /// At capacity.
    pub const AT_CAPACITY: Self = Self(1013);
    /// 20 errors within a minute.
    pub const TOO_MANY_ERRORS: Self = Self(4400);
    /// Not authenticated, or the token was revoked.
    pub const NOT_AUTHENTICATED: Self = Self(4401);
    /// Origin not allowed.
    pub const ORIGIN: Self = Self(4403);
    /// No `hello` within 10 s.
    pub const NO_HELLO: Self = Self(4408);
    /// Replaced by a newer connection of the same device.
    pub const REPLACED: Self = Self(4409);
    /// Far over the limits after `rate_limited` errors.
    pub const FLOOD: Self = Self(4429);
    /// This client reads too slowly: state frames could no longer be held.
    pub const SLOW: Self = Self(4503);
    /// No frame and no pong for the idle limit.
    pub const IDLE: Self = Self(4504);
    /// The server cannot store.
    pub const CANNOT_STORE: Self = Self(4507);

    /// Every code the server sends, for counters.
    pub const ALL: [Self; 19] = [
        Self::NORMAL,
        Self::GOING_AWAY,
        Self::PROTOCOL,
        Self::UNSUPPORTED,
        Self::NOT_UTF8,
        Self::POLICY,
        Self::TOO_BIG,
        Self::INTERNAL,
        Self::RESTARTING,
        Self::AT_CAPACITY,
        Self::TOO_MANY_ERRORS,
        Self::NOT_AUTHENTICATED,
        Self::ORIGIN,
        Self::NO_HELLO,
        Self::REPLACED,
        Self::FLOOD,
        Self::SLOW,
        Self::IDLE,
        Self::CANNOT_STORE,
    ];

    /// True when a client may come back by itself, with jittered back-off.
    #[must_use]
    pub const fn may_reconnect(self) -> bool {
        matches!(self.0, 4500..=4599 | 1001 | 1011 | 1012 | 1013)
    }
}
