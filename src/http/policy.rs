//! What a route declares of itself, before a handler of it can exist: who may call it, what it takes, what it does, and
//! about whom it answers.
use actix_web::http::Method;

/// The methods of a route.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Verb {
    /// GET.
    Get,
    /// GET, and HEAD with the same head and no body.
    GetOrHead,
    /// POST.
    Post,
    /// PUT.
    Put,
    /// PATCH.
    Patch,
    /// DELETE.
    Delete,
}

/// Who may call.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Who {
    /// Everybody. Credentials are not looked at; the handler may read one for itself.
    Anyone,
    /// Everybody; but whoever shows a credential must show a good one of a reader.
    Visitor,
    /// As [`Who::Visitor`], for the WebSocket: it says itself, by close codes, what is wrong with a cookie.
    Socket,
    /// Somebody signed in: a full token or a browser's session.
    Reader,
    /// The same, and device tokens, which only write.
    Writer,
    /// A reader who is an administrator.
    Administrator,
    /// A phone with an app of others: a token as password of `Basic`, or as bearer. Cookies are not looked at.
    Phone,
    /// The same, with a device token in the path.
    PhoneInPath,
    /// The same, with a device token in the query, as `api_key`.
    PhoneInQuery,
    /// The machine's operator: an administrator, or a caller on the machine itself without a proxy between.
    Operator,
}

/// What a request may carry.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Takes {
    /// No body.
    Nothing,
    /// JSON of at most `limits.body_bytes`.
    Json,
    /// An iCalendar file of at most 1 MiB, or JSON.
    Calendar,
    /// JSON of at most `limits.admin_body_bytes`.
    LargeJson,
    /// Whatever a phone sends, of whatever kind it says, of at most `limits.phone_body_bytes`.
    Phone,
    /// Lines of text without end: only a pause ends them.
    Lines,
    /// WebSocket frames after the handshake.
    Frames,
}

/// What a call is counted as, besides a request of a person.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Toll {
    /// Nothing.
    Free,
    /// An invite made (`privacy.invites_per_day`).
    InviteMade,
    /// A look at an invite, or its acceptance (`limits.invite_looks_per_minute`).
    InviteLook,
}

/// Whether a call changes something.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Act {
    /// It only answers.
    Reads,
    /// It changes something: with a browser's session it must come from our own page.
    Changes,
}

/// Whom an answer tells of.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum About {
    /// Nobody: the node itself, or counts.
    Nobody,
    /// The caller alone.
    Caller,
    /// The caller's friends, as far as each of them shows.
    Friends,
    /// Whoever made the invite whose code is shown.
    Inviter,
    /// Anybody: the administrator's.
    Everybody,
}

/// A route's declaration.
#[derive(Clone, Copy, Debug)]
pub struct Policy {
    /// The methods.
    pub verb: Verb,
    /// The path, with `{names}` for what varies.
    pub path: &'static str,
    /// Who may call.
    pub who: Who,
    /// What it takes.
    pub takes: Takes,
    /// Whether it changes something.
    pub act: Act,
    /// Whom it tells of.
    pub about: About,
    /// What it is counted as.
    pub toll: Toll,
}

impl Verb {
    /// Whether a request's method is meant.
    #[must_use]
    pub fn has(self, method: &Method) -> bool {
        self.methods().contains(method)
    }

    /// The methods by name.
    #[must_use]
    pub const fn methods(self) -> &'static [Method] {
        match self {
            Self::Get => &[Method::GET],
            Self::GetOrHead => &[Method::GET, Method::HEAD],
            Self::Post => &[Method::POST],
            Self::Put => &[Method::PUT],
            Self::Patch => &[Method::PATCH],
            Self::Delete => &[Method::DELETE],
        }
    }
}

impl Who {
    /// Whether phones call it with apps of others: they are never told that they come too often.
    #[must_use]
    pub const fn is_phone(self) -> bool {
        matches!(self, Self::Phone | Self::PhoneInPath | Self::PhoneInQuery)
    }
}

impl Policy {
    /// Whether it belongs to the API: answers are never kept by caches, and errors are JSON.
    #[must_use]
    pub fn is_api(&self) -> bool {
        self.path.starts_with("/v1/")
    }
}
