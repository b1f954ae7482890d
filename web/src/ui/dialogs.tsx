import * as s from '../model/state';
import { AccountPage, AuditPage, ProfilePage } from './account';
import { DataPage } from './data';
import { AddDevicePage, DevicesPage } from './devices';
import { Dialog } from './dialog';
import { FriendPage } from './friend';
import { InvitePage } from './invite';
import { lazy } from './lazy';
import { PrivacyPage } from './privacy';

const PhonesPage = lazy(async () => (await import('./phones')).PhonesPage);
const PhonePage = lazy(async () => (await import('./phones')).PhonePage);
const AddPhonePage = lazy(async () => (await import('./addphone')).AddPhonePage);
const AlertsPage = lazy(async () => (await import('./alerts')).AlertsPage);
const CalendarPage = lazy(async () => (await import('./calendar')).CalendarPage);

const TITLES: Record<s.Page['at'], string> = {
  account: 'You',
  profile: 'Profile',
  privacy: 'Who sees me',
  devices: 'Devices',
  addDevice: 'Add a device',
  data: 'My data',
  audit: 'Audit log',
  invite: 'Invite a friend',
  phones: 'My phones',
  phone: 'Phone',
  addPhone: 'Add my phone',
  alerts: 'Why no alert?',
  calendar: 'Calendar and hours',
  friend: 'Friend',
};

/** Where "Back" leads; null: nowhere. */
function behind(page: s.Page): s.Page | null {
  switch (page.at) {
    case 'account':
    case 'invite':
      return null;
    case 'addDevice':
      return { at: 'devices' };
    case 'phone':
      return { at: 'phones' };
    case 'addPhone':
      return { at: page.from ?? 'phones' };
    case 'alerts':
      return page.back ?? null;
    case 'friend':
      return page.from === undefined ? null : { at: page.from };
    default:
      return { at: 'account' };
  }
}

/** What shows a secret once is not closed by a click beside it. */
const STICKY: readonly s.Page['at'][] = ['addDevice', 'addPhone', 'invite', 'calendar'];

/** The page's one dialog, and what it shows. */
export function Dialogs() {
  const page = s.page.value;
  if (page === null || s.session.value.kind !== 'signedIn') return null;
  const go = (to: s.Page | null) => () => {
    s.page.value = to;
  };
  const back = behind(page);
  return (
    <Dialog
      title={TITLES[page.at]}
      onClose={go(null)}
      onBack={back === null ? undefined : go(back)}
      sticky={STICKY.includes(page.at)}
    >
      <Content page={page} />
    </Dialog>
  );
}

function Content({ page }: { page: s.Page }) {
  switch (page.at) {
    case 'account':
      return <AccountPage />;
    case 'profile':
      return <ProfilePage />;
    case 'privacy':
      return <PrivacyPage />;
    case 'devices':
      return <DevicesPage />;
    case 'addDevice':
      return <AddDevicePage />;
    case 'data':
      return <DataPage />;
    case 'audit':
      return <AuditPage />;
    case 'invite':
      return <InvitePage />;
    case 'friend':
      return <FriendPage key={page.user} user={page.user} name={page.name} />;
    case 'phones':
      return <PhonesPage />;
    case 'phone':
      return <PhonePage key={page.id} id={page.id} device={page.device} />;
    case 'addPhone':
      return <AddPhonePage />;
    case 'alerts':
      return <AlertsPage />;
    case 'calendar':
      return <CalendarPage />;
  }
}
