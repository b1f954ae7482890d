//! Everything the server knows of a person, in one archive of open formats.
use std::collections::BTreeMap;
use std::io::{Cursor, Write as _};
use std::sync::Arc;

use actix_web::http::header::{CONTENT_DISPOSITION, CONTENT_TYPE};
use actix_web::{HttpResponse, web};
use jiff::civil::Date;
use zip::write::SimpleFileOptions;
use zip::{CompressionMethod, ZipWriter};

use super::auth::Reader;
use super::error::ApiError;
use super::ingest::until_stored;
use super::state::Node;
use super::tokens;
use crate::activity::histogram::{HourKey, HourOfDay, Presence};
use crate::activity::steps::StepCounter;
use crate::actors::hourly_aggregator::QueryHoursOf;
use crate::actors::journal::Promise;
use crate::actors::user::Settle;
use crate::domain::{UnixMs, UserNo};
use crate::protocol::http::{
    AuditEntry, DayHoursReply, ExportedAccount, ExportedAvailability, ExportedDevice, ExportedEncounter,
    ExportedFriend, ExportedHour, ExportedInvite, ExportedSharing, TokenReply, positions_geojson, steps_csv,
    write_spread,
};
use crate::store::StoreError;
use crate::store::histograms::EmbeddedHistograms;
use crate::store::rows::{Action, AuditRow, CalendarRow, CalendarTextRow, InviteKind, LiveRow, PairRow, StepsRow};

const README: &str = "\
LetsHang: everything this server knows of you.

Times are milliseconds since 1970-01-01 UTC unless they look like dates.

profile.json       your account, its settings, and the devices that have reported
availability.json  what you said last of being free, and when a device of yours was last heard
calendar.json      your calendar: where it comes from (of an address only the host: the rest is a secret, kept and not repeated),
                   when it makes you busy, and what of it was not used
calendar.ics       what is kept of your calendar: when something takes place, and nothing that was written for people
friends.json       your friends, and what you share with each of them
blocks.json        whom you have blocked
invites.json       your links that nobody has used yet; the links themselves are kept nowhere
tokens.json        your devices' and browsers' tokens; the tokens themselves are kept nowhere
position.geojson   your newest position (role newest), the one your friends may see (role live), and one that waits for
                   the next to confirm it (role suspect); no others are kept
steps.csv          your steps by day, in your time zone
hours.json         the hours in which you were counted as free or online, in the server's time zone
encounters.json    friends near you now, and when you two were last told
audit.json         what was done to your account and by whom; other people are named only if they are your friends
";

/// `GET /v1/export`.
///
/// # Errors
/// 503 when the store cannot be read.
pub async fn export(caller: Reader, node: web::Data<Arc<Node>>) -> Result<HttpResponse, ApiError> {
    let no = caller.0.no;
    // What is still on its way to the store belongs to it.
    let (kept, when_kept) = tokio::sync::oneshot::channel();
    match node.user.registry.get(no) {
        Some(person) => person.send(Settle(kept)).await.map_err(|_| ApiError::unavailable("try again"))?,
        None => node.user.journal.promise(Promise::Reply(kept)),
    }
    until_stored(Some(when_kept)).await?;
    let counted = node.hours.send(QueryHoursOf(no)).await.map_err(|_| ApiError::unavailable("try again"))?;
    let tokens = tokens::rows(&node, &caller);
    let shared = node.get_ref().clone();
    let archive =
        web::block(move || Person { node: &shared, no, now: shared.user.clock.now() }.archive(counted, &tokens));
    let archive = archive.await.map_err(|_| ApiError::unavailable("try again"))?.map_err(|error| {
        tracing::error!(%error, "an export could not be made");
        ApiError::unavailable("the server cannot read its store now")
    })?;
    Ok(HttpResponse::Ok()
        .insert_header((CONTENT_TYPE, "application/zip"))
        .insert_header((CONTENT_DISPOSITION, "attachment; filename=\"letshang-export.zip\""))
        .body(archive))
}

/// Why there is no archive.
#[derive(Debug, thiserror::Error)]
enum ExportError {
    #[error(transparent)]
    Store(#[from] StoreError),
    #[error("there is no such person any more")]
    Gone,
    #[error("the archive: {0}")]
    Archive(#[from] zip::result::ZipError),
    #[error("the archive: {0}")]
    Write(#[from] std::io::Error),
}

/// Whose everything it is.
struct Person<'a> {
    node: &'a Node,
    no: UserNo,
    now: UnixMs,
}

impl Person<'_> {
    fn archive(&self, counted: Vec<HourKey>, tokens: &[TokenReply]) -> Result<Vec<u8>, ExportError> {
        let (accounts, no) = (&self.node.user.accounts, self.no);
        let exported =
            AuditRow { t: self.now, actor: Some(no), action: Action::Exported, subject: Some(no), detail: 0 };
        if let Err(error) = accounts.record(exported) {
            tracing::warn!(%error, "an export is not in the audit log");
        }
        let live = match self.node.user.journal.pending(no) {
            Some(row) => Some(row),
            None => self.node.user.store.get::<LiveRow>(&no)?,
        };
        let track = live.as_ref().map(|row| &row.track);
        let roles = track.map(|track| [("newest", &track.newest), ("live", &track.live), ("suspect", &track.suspect)]);
        let fixes = roles.into_iter().flatten().filter_map(|(role, fix)| Some((role, fix.as_ref()?)));
        let files = [
            ("README.txt", README.to_owned()),
            ("profile.json", self.profile(live.as_ref())?),
            ("availability.json", write_spread(&availability(live.as_ref()))),
            ("calendar.json", self.calendar()?),
            ("calendar.ics", self.calendar_text()?),
            ("friends.json", self.friends()),
            ("blocks.json", self.blocks()),
            ("invites.json", self.invites()),
            ("tokens.json", write_spread(&tokens)),
            ("position.geojson", positions_geojson(fixes)),
            ("steps.csv", self.steps(live.as_ref())?),
            ("hours.json", self.hours(counted)?),
            ("encounters.json", self.encounters()?),
            ("audit.json", self.audit()?),
        ];
        let mut archive = ZipWriter::new(Cursor::new(Vec::new()));
        let options = SimpleFileOptions::default().compression_method(CompressionMethod::Stored);
        for (name, text) in files {
            archive.start_file(name, options)?;
            archive.write_all(text.as_bytes())?;
        }
        Ok(archive.finish()?.into_inner())
    }

    fn profile(&self, live: Option<&LiveRow>) -> Result<String, ExportError> {
        let account = self.node.user.accounts.by_no(self.no).ok_or(ExportError::Gone)?;
        let devices = live.map(|row| row.devices.as_slice()).unwrap_or_default();
        Ok(write_spread(&ExportedAccount {
            user: account.id.as_str(),
            name: account.name.as_str(),
            admin: account.admin,
            radius: account.radius.as_metres(),
            time_zone: account.time_zone.as_deref(),
            stride: account.stride_m,
            created: account.created.0,
            hidden_until: account.hidden_until.map(|until| until.0),
            only_free: account.only_free,
            free_hours: DayHoursReply::all(&account.free_hours),
            on_board: account.on_board,
            devices: devices
                .iter()
                .map(|device| ExportedDevice {
                    device: device.name.as_str().to_owned(),
                    last_seq: device.last_seq,
                    last_t: device.last_t.0,
                })
                .collect(),
        }))
    }

    fn calendar(&self) -> Result<String, ExportError> {
        let row = self.node.user.store.get::<CalendarRow>(&self.no)?;
        Ok(write_spread(&row.map(|row| super::calendar::exported(&row))))
    }

    fn calendar_text(&self) -> Result<String, ExportError> {
        let row = self.node.user.store.get::<CalendarTextRow>(&self.no)?;
        Ok(row.map(|row| row.text).unwrap_or_default())
    }

    fn friends(&self) -> String {
        let accounts = &self.node.user.accounts;
        let friend = |no: &UserNo| {
            let account = accounts.by_no(*no)?;
            let shared = ExportedSharing::of(&accounts.sharing(self.no, *no)?, self.now);
            let (user, name) = (account.id.as_str().to_owned(), account.name.as_str().to_owned());
            Some(ExportedFriend { user, name, shared })
        };
        write_spread(&accounts.friends(self.no).iter().filter_map(friend).collect::<Vec<_>>())
    }

    fn blocks(&self) -> String {
        let accounts = &self.node.user.accounts;
        let id = |no: &UserNo| Some(accounts.by_no(*no)?.id.as_str().to_owned());
        write_spread(&accounts.blocked(self.no).iter().filter_map(id).collect::<Vec<_>>())
    }

    fn invites(&self) -> String {
        let invites = self.node.user.accounts.invites(self.no, self.now);
        let row = |invite: &crate::store::accounts::Invite| match &invite.kind {
            InviteKind::Administrator => None,
            InviteKind::Friend { sharing, .. } => Some(ExportedInvite {
                id: invite.id,
                created: invite.created.0,
                expires: invite.expires.0,
                shared: ExportedSharing::of(sharing, self.now),
            }),
        };
        write_spread(&invites.iter().filter_map(row).collect::<Vec<_>>())
    }

    /// Days in rows of their own, and the newest ones, which stand in the person's row.
    fn steps(&self, live: Option<&LiveRow>) -> Result<String, ExportError> {
        let mut days: BTreeMap<Date, u32> = BTreeMap::new();
        let prefix = self.no.0.to_be_bytes();
        self.node.user.store.each(&prefix, |row: StepsRow| _ = days.insert(row.date, row.steps))?;
        if let Some(counter) = live.and_then(|row| StepCounter::from_bytes(&row.steps)) {
            days.extend(counter.days());
        }
        Ok(steps_csv(days))
    }

    /// What the aggregator has in memory, and every hour in the store.
    fn hours(&self, counted: Vec<HourKey>) -> Result<String, ExportError> {
        let mut hours: BTreeMap<HourOfDay, (bool, bool)> = BTreeMap::new();
        let mut mark = |(hour, presence): HourKey| {
            let (free, online) = hours.entry(hour).or_default();
            match presence {
                Presence::Free => *free = true,
                Presence::Online => *online = true,
            }
        };
        counted.into_iter().for_each(&mut mark);
        let days = EmbeddedHistograms::new(self.node.user.store.clone());
        let mut next = days.next_day(Date::MIN)?;
        while let Some(date) = next {
            let sets = days.day(date)?;
            sets.into_iter().filter(|(_, set)| set.contains(self.no)).for_each(|(key, _)| mark(key));
            next = match date.tomorrow() {
                Ok(tomorrow) => days.next_day(tomorrow)?,
                Err(_) => None,
            };
        }
        let row = |(HourOfDay { date, hour }, (free, online)): (HourOfDay, (bool, bool))| ExportedHour {
            date: date.to_string(),
            hour,
            free,
            online,
        };
        Ok(write_spread(&hours.into_iter().map(row).collect::<Vec<_>>()))
    }

    fn encounters(&self) -> Result<String, ExportError> {
        let mut pairs: Vec<ExportedEncounter> = Vec::new();
        self.node.user.store.each(&[], |pair: PairRow| {
            let friend = match (pair.a == self.no, pair.b == self.no) {
                (true, _) => pair.b,
                (_, true) => pair.a,
                _ => return,
            };
            // Whoever is no friend any more is not told of.
            if let Some(user) = self.name_of(friend) {
                pairs.push(ExportedEncounter { user, near: pair.near, announced: pair.announced_at.0 });
            }
        })?;
        Ok(write_spread(&pairs))
    }

    fn audit(&self) -> Result<String, ExportError> {
        let lines = self.node.user.accounts.audit_of(self.no)?;
        let name = |no: UserNo| self.name_of(no).unwrap_or_else(|| "somebody else".to_owned());
        // That somebody else has blocked this person is for nobody else to know.
        let is_mine = |line: &AuditRow| {
            line.actor == Some(self.no) || !matches!(line.action, Action::Blocked | Action::Unblocked)
        };
        let entry = |line: AuditRow| AuditEntry {
            t: line.t.0,
            actor: line.actor.map(name),
            action: line.action.as_str(),
            subject: line.subject.map(name),
        };
        Ok(write_spread(&lines.into_iter().filter(is_mine).map(entry).collect::<Vec<_>>()))
    }

    /// The id of the person themselves, a friend, or somebody they have blocked.
    fn name_of(&self, no: UserNo) -> Option<String> {
        let accounts = &self.node.user.accounts;
        let is_known = no == self.no || accounts.are_friends(self.no, no) || accounts.blocked(self.no).contains(&no);
        accounts.by_no(no).filter(|_| is_known).map(|account| account.id.as_str().to_owned())
    }
}

fn availability(live: Option<&LiveRow>) -> ExportedAvailability {
    let Some(row) = live else { return ExportedAvailability::default() };
    let said = |t: UnixMs| Some(t.0).filter(|t| *t > 0);
    ExportedAvailability {
        free: row.hand.as_ref().is_some_and(|hand| hand.free),
        note: row.hand.as_ref().and_then(|hand| Some(hand.note.as_ref()?.as_str().to_owned())),
        until: row.hand.as_ref().and_then(|hand| Some(hand.until?.0)),
        changed: said(row.changed_by_hand),
        last_seen: said(row.last_seen),
    }
}

#[cfg(test)]
mod tests {
    use super::README;
    use crate::store::rows::Table;

    /// Where in the archive a table of the store is found. A new table does not compile until that is said here.
    const fn files_of(table: Table) -> &'static [&'static str] {
        match table {
            // The next number to give away: nobody's.
            Table::Meta => &[],
            Table::People => &["profile.json", "friends.json", "blocks.json", "tokens.json"],
            Table::Live => &["availability.json", "position.geojson", "steps.csv", "profile.json"],
            Table::Pairs => &["encounters.json"],
            Table::Steps => &["steps.csv"],
            Table::Hours | Table::Marks => &["hours.json"],
            Table::Invites => &["invites.json"],
            Table::Audit => &["audit.json"],
            Table::Calendars => &["calendar.json"],
            Table::CalendarTexts => &["calendar.ics"],
        }
    }

    #[test]
    fn every_table_of_the_store_is_somewhere_in_the_archive() {
        let tables = [
            Table::Meta,
            Table::People,
            Table::Live,
            Table::Pairs,
            Table::Steps,
            Table::Hours,
            Table::Marks,
            Table::Invites,
            Table::Audit,
            Table::Calendars,
            Table::CalendarTexts,
        ];
        for file in tables.iter().flat_map(|table| files_of(*table)) {
            assert!(README.contains(file), "{file}");
        }
    }
}
