//! Tokens: whom each stands for, from which device, and what phone that is.
use crate::domain::{DeviceName, PhoneApp, UnixMs, UserNo};
use crate::store::codec::{Decoder, Encoder, RowError};

/// What a token may do.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum TokenKind {
    /// Everything its user may.
    Full,
    /// The dashboard's cookie: as `Full`, until it expires.
    Session,
    /// Writes fixes and availability, reads nothing.
    Device,
}

/// A token: its hash only. The token itself is shown once and stored nowhere.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TokenRow {
    /// BLAKE3 of the token's text.
    pub hash: [u8; 32],
    /// Whose it is.
    pub no: UserNo,
    /// The device it was made for.
    pub device: DeviceName,
    /// What it may do.
    pub kind: TokenKind,
    /// Names the token, for revoking.
    pub id: u64,
    /// When it was made.
    pub created: UnixMs,
    /// From when on it is void; `None`: until revoked.
    pub expires: Option<UnixMs>,
    /// What is chosen for the phone that has it.
    pub phone: PhoneChoice,
}

/// What is chosen for a phone that reports with an app that was not made for this server.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct PhoneChoice {
    /// The app that the token was made for; `None`: for no app in particular.
    pub app: Option<PhoneApp>,
    /// Whether friends who come near are announced in answers; `None`: as suits the platform.
    pub near_notices: Option<bool>,
    /// Whether the phone is asked for its steps.
    pub ask_steps: bool,
}

const EXPIRES: u8 = 1;
const PHONE: u8 = 1 << 1;
const APP: u8 = 0b111;
const NOTICES: u8 = 1 << 3;
const NO_NOTICES: u8 = 1 << 4;
const ASK_STEPS: u8 = 1 << 5;

impl PhoneChoice {
    fn byte(self) -> u8 {
        let app = self.app.map_or(0, |app| match app {
            PhoneApp::OwnTracks => 1,
            PhoneApp::Traccar => 2,
            PhoneApp::Overland => 3,
            PhoneApp::GpsLogger => 4,
        });
        let notices = self.near_notices.map_or(0, |on| if on { NOTICES } else { NO_NOTICES });
        app | notices | if self.ask_steps { ASK_STEPS } else { 0 }
    }

    fn of_byte(byte: u8) -> Result<Self, RowError> {
        let wrong = RowError::Value("a phone's choices");
        let app = match byte & APP {
            0 => None,
            1 => Some(PhoneApp::OwnTracks),
            2 => Some(PhoneApp::Traccar),
            3 => Some(PhoneApp::Overland),
            4 => Some(PhoneApp::GpsLogger),
            _ => return Err(wrong),
        };
        let near_notices = match (byte & NOTICES != 0, byte & NO_NOTICES != 0) {
            (false, false) => None,
            (true, false) => Some(true),
            (false, true) => Some(false),
            (true, true) => return Err(wrong),
        };
        if byte & !(APP | NOTICES | NO_NOTICES | ASK_STEPS) != 0 {
            return Err(wrong);
        }
        Ok(Self { app, near_notices, ask_steps: byte & ASK_STEPS != 0 })
    }
}

impl TokenRow {
    /// True from `expires` on.
    #[must_use]
    pub fn has_expired(&self, now: UnixMs) -> bool {
        self.expires.is_some_and(|expires| expires <= now)
    }

    pub(super) fn encode(&self, row: &mut Encoder) {
        row.raw(&self.hash);
        row.u8(match self.kind {
            TokenKind::Full => 0,
            TokenKind::Session => 1,
            TokenKind::Device => 2,
        });
        row.uint(self.id);
        row.text(self.device.as_str());
        row.int(self.created.0);
        let phone = Some(self.phone).filter(|phone| *phone != PhoneChoice::default());
        let flag = |on: bool, bit: u8| if on { bit } else { 0 };
        row.u8(flag(self.expires.is_some(), EXPIRES) | flag(phone.is_some(), PHONE));
        if let Some(expires) = self.expires {
            row.int(expires.0);
        }
        if let Some(phone) = phone {
            row.u8(phone.byte());
        }
    }

    /// `before`: the token read before this one. Most devices have the name of another, and then share its text.
    pub(super) fn decode(
        no: UserNo,
        version: u8,
        row: &mut Decoder<'_>,
        before: &mut Option<DeviceName>,
    ) -> Result<Self, RowError> {
        let hash = row.array()?;
        let kind = match row.u8()? {
            0 => TokenKind::Full,
            1 => TokenKind::Session,
            2 => TokenKind::Device,
            _ => return Err(RowError::Value("token kind")),
        };
        let id = row.uint()?;
        let text = row.text()?;
        let device = match before {
            Some(name) if name.as_str() == text => name.clone(),
            _ => before.insert(DeviceName::parse(text)?).clone(),
        };
        let created = UnixMs(row.int()?);
        let flags = row.u8()?;
        let has = |bit: u8| flags & bit != 0;
        if version >= 3 && flags & !(EXPIRES | PHONE) != 0 {
            return Err(RowError::Value("a token's flags"));
        }
        // Before version 3 any number but 0 said that it expires.
        let expires = if has(EXPIRES) || (version < 3 && flags != 0) { Some(UnixMs(row.int()?)) } else { None };
        let phone = if version >= 3 && has(PHONE) { PhoneChoice::of_byte(row.u8()?)? } else { PhoneChoice::default() };
        Ok(Self { hash, no, device, kind, id, created, expires, phone })
    }
}
