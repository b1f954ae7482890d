//! How to set an app up so that it reports here: addresses, links and what to type.
use std::sync::Arc;

use actix_web::http::header::{CONTENT_DISPOSITION, CONTENT_TYPE};
use actix_web::{HttpRequest, HttpResponse, web};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};

use super::{Phone, answered};
use crate::domain::{DeviceName, PhoneApp, UserId};
use crate::http::error::ApiError;
use crate::http::invites::origin;
use crate::http::state::Node;
use crate::protocol::http::{SetupField, SetupReply};
use crate::protocol::phones::reply::owntracks_configuration;

/// What GPSLogger fills in.
const TEMPLATE: &str = "lat=%LAT&lon=%LON&acc=%ACC&alt=%ALT&spd=%SPD&dir=%DIR&batt=%BATT&timestamp=%TIMESTAMP";

/// For whom an app is set up.
pub struct Setup<'a> {
    /// Where this server is reached: scheme, host and port.
    pub origin: &'a str,
    /// Whose phone it is.
    pub user: &'a UserId,
    /// What the phone is called.
    pub device: &'a DeviceName,
    /// Its token.
    pub token: &'a str,
}

impl Setup<'_> {
    /// Everything that one can scan, open or type.
    #[must_use]
    pub fn of(&self, app: PhoneApp) -> SetupReply {
        match app {
            PhoneApp::OwnTracks => self.owntracks(),
            PhoneApp::Traccar => self.traccar(),
            PhoneApp::Overland => self.overland(),
            PhoneApp::GpsLogger => self.gpslogger(),
        }
    }

    fn owntracks(&self) -> SetupReply {
        let (url, user, token) = (format!("{}/owntracks", self.origin), self.user.as_str(), self.token);
        let configuration = owntracks_configuration(&url, user, token, self.device.as_str());
        let link = format!("owntracks:///config?inline={}", encoded(&STANDARD.encode(configuration)));
        let with_all = match self.origin.split_once("://") {
            Some((scheme, host)) => format!("{scheme}://{user}:{token}@{host}/owntracks"),
            None => url.clone(),
        };
        let fields = vec![
            field("Mode", "HTTP"),
            field("URL", &url),
            field("UserID", user),
            field("Password", token),
            field("URL with everything in it", &with_all),
        ];
        let (user, password) = (Some(user.to_owned()), Some(token.to_owned()));
        SetupReply { url, user, password, qr: link.clone(), link: Some(link), fields }
    }

    fn traccar(&self) -> SetupReply {
        let (url, user) = (format!("{}/t/{}", self.origin, self.token), self.user.as_str());
        // The app's scanner takes the address apart: what is behind the question mark are its settings.
        let qr = format!("{url}?id={user}&accuracy=high&distance=20&interval=60&buffer=true");
        let fields = vec![field("Server URL", &url), field("Device identifier", user)];
        SetupReply { url, user: None, password: None, link: None, qr, fields }
    }

    fn overland(&self) -> SetupReply {
        let (url, token, device) = (format!("{}/overland", self.origin), self.token, self.device.as_str());
        let link = format!(
            "overland://setup?url={}&token={}&device_id={}&unique_id=yes",
            encoded(&url),
            encoded(token),
            encoded(device)
        );
        let fields =
            vec![field("Receiver Endpoint URL", &url), field("Access Token", token), field("Device ID", device)];
        SetupReply { url, user: None, password: Some(token.to_owned()), qr: link.clone(), link: Some(link), fields }
    }

    fn gpslogger(&self) -> SetupReply {
        let url = format!("{}/gpslogger/{}?{TEMPLATE}", self.origin, self.token);
        let link = format!("gpslogger://properties/{}/p/{}.properties", self.origin, self.token);
        let fields = vec![
            field("Custom URL", &url),
            field("HTTP Method", "GET"),
            field("Dawarich: Server URL", self.origin),
            field("Dawarich: API key", self.token),
        ];
        SetupReply { url, user: None, password: None, qr: link.clone(), link: Some(link), fields }
    }
}

/// `GET /p/{token}.properties`: what GPSLogger reads to set itself up.
///
/// # Errors
/// 401 for everything but a device token.
pub async fn properties(phone: Phone, req: HttpRequest, node: web::Data<Arc<Node>>) -> Result<HttpResponse, ApiError> {
    let token = req.match_info().get("token").unwrap_or_default();
    let url = format!("{}/gpslogger/{token}?{TEMPLATE}", origin(&req));
    let text = format!(
        "log_customurl_enabled=true\nlog_customurl_method=GET\nlog_customurl_url={url}\nautosend_enabled=true\n"
    );
    let answer = HttpResponse::Ok()
        .insert_header((CONTENT_TYPE, "text/plain; charset=utf-8"))
        .insert_header((CONTENT_DISPOSITION, "attachment; filename=\"letshang.properties\""))
        .body(text);
    answered(&node, &phone, Ok(answer))
}

fn encoded(text: &str) -> String {
    utf8_percent_encode(text, NON_ALPHANUMERIC).to_string()
}

fn field(name: &'static str, value: &str) -> SetupField {
    SetupField { name, value: value.to_owned() }
}
