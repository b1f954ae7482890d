// The pretend server's friends, invites, devices and oneself: one person's worth, in memory, without any rights.
import { randomBytes } from 'node:crypto';

const HOUR = 3_600_000;
const refused = (status, code, message, field) => ({ status, body: { code, message, field } });
const NOT_FOUND = refused(404, 'not_found', 'there is no such thing, or it is not yours to see');
const DONE = { status: 204 };
const ok = (body) => ({ status: 200, body });
const secret = (prefix) => prefix + randomBytes(32).toString('base64url');

/** `me()` gives the profile; `changes` are merged into it; `mates` are the friends; `tell` sends a frame to the page. */
export class Circle {
  constructor({ me, mates, tell, signIn, signOut, admin }) {
    Object.assign(this, { me, tell, signIn, signOut, admin });
    this.mates = () => [...mates(), ...this.joined];
    const now = Date.now();
    /** Friends that were made since the start. */
    this.joined = [];
    this.changes = { only_free: false };
    this.shares = new Map();
    this.blocked = new Map();
    this.invites = [{ id: 7, created: now - 26 * HOUR, expires: now + 142 * HOUR, sharing: 'approximate' }];
    this.tokens = [
      {
        id: 1,
        device: 'Chrome on Linux',
        kind: 'session',
        created: now - 2 * HOUR,
        expires: now + 700 * HOUR,
      },
      { id: 2, device: 'Pixel 9', kind: 'device', created: now - 900 * HOUR },
      { id: 3, device: 'walkers', kind: 'full', created: now - 300 * HOUR },
    ];
    this.next = 10;

    this.spent = new Set();
    this.once = new Set();
    this.said = [];
    if (mates()[1]) this.shares.set(mates()[1].user, { sharing: 'approximate' });
    if (mates()[2]) this.shares.set(mates()[2].user, { sharing: 'exact', sharing_until: now + 2 * HOUR });
    if (mates()[3]) this.shares.set(mates()[3].user, { sharing: 'off' });
  }

  shareWith(user) {
    return this.shares.get(user) ?? { sharing: 'exact' };
  }

  sightOf(user) {
    const { hidden_until: hidden } = this.changes;
    if (hidden && hidden > Date.now()) return 'veiled';
    const { sharing } = this.shareWith(user);
    if (sharing === 'off') return 'veiled';
    return this.changes.only_free && !this.me().free ? 'presence' : sharing;
  }

  /** The answer to a call, `{status, body}`; null: not one of these. */
  answer(method, path, body, query) {
    const parts = path.split('/').slice(2);
    const call = `${method} ${parts[0]}${parts[0] === 'me' || parts[0] === 'admin' ? `/${parts[1] ?? ''}` : ''}`;
    if (method !== 'GET') this.said.push({ method, path, body });
    switch (call) {
      case 'GET invites':
        return parts[1] ? this.invitation(parts[1]) : ok({ invites: this.invites });
      case 'POST invites':
        return parts[2] === 'accept' ? this.accept(parts[1], body) : this.invite(body);
      case 'DELETE invites':
        return this.gone(this.invites, parts[1]);
      case 'PATCH me/':
        if (body.name === 'Nobody')
          return refused(422, 'bad_field', 'name must be 1 to 64 characters', 'name');
        this.changes = { ...this.changes, ...body };
        if (body.hidden_until === null) delete this.changes.hidden_until;
        return ok(this.me());
      case 'DELETE me/':
        this.signOut();
        return DONE;
      case 'GET me/tokens':
        return ok({ tokens: this.tokens.map((t) => ({ ...t, current: t.id === 1 })) });
      case 'POST me/tokens': {
        const made = { id: this.next++, device: body.device, kind: body.kind ?? 'full', created: Date.now() };
        this.tokens.push(made);
        return ok({ id: made.id, token: secret('lht_'), device: made.device, kind: made.kind });
      }
      case 'DELETE me/tokens':
        if (parts[2]) return this.gone(this.tokens, parts[2]);
        this.tokens = this.tokens.filter((t) => t.id === 1);
        return DONE;
      case 'GET me/viewers':
        return ok({
          viewers: this.mates()
            .filter((m) => !this.blocked.has(m.user))
            .map((m) => ({
              user: m.user,
              name: m.name,
              sight: this.sightOf(m.user),
              until: this.shareWith(m.user).sharing_until,
            })),
        });
      case 'GET friends':
        if (parts[2] === 'view') return this.view(parts[1]);
        return ok({ friends: this.mates().map((m) => ({ ...m, ...this.shareWith(m.user) })) });
      case 'PATCH friends': {
        if (!this.mates().some((m) => m.user === parts[1])) return NOT_FOUND;
        const now = { sharing: body.sharing, sharing_until: body.until };
        this.shares.set(parts[1], now);
        return ok(now);
      }
      case 'DELETE friends':
        this.tell({ type: 'friendship', user: parts[1], state: 'ended' });
        return DONE;
      case 'GET blocks':
        return ok({ blocked: [...this.blocked].map(([user, name]) => ({ user, name })) });
      case 'PUT blocks':
        this.blocked.set(parts[1], this.mates().find((m) => m.user === parts[1])?.name ?? parts[1]);
        this.tell({ type: 'friendship', user: parts[1], state: 'ended' });
        return DONE;
      case 'DELETE blocks':
        return this.blocked.delete(parts[1]) ? DONE : NOT_FOUND;
      case 'GET admin/audit':
        return ok({ entries: auditEntries(Number(query.get('limit') ?? 100)) });
      default:
        return null;
    }
  }

  gone(list, id) {
    const at = list.findIndex((x) => String(x.id) === id);
    if (at < 0) return NOT_FOUND;
    list.splice(at, 1);
    return DONE;
  }

  invite({ sharing = 'exact', until }) {
    const code = secret('lhi_');
    const made = { id: this.next++, created: Date.now(), expires: Date.now() + 168 * HOUR, sharing };
    if (until) made.sharing_until = until;
    this.invites.unshift(made);
    return ok({
      code,
      url: `${this.origin ?? 'https://hang.example.org'}/join#${code}`,
      expires: made.expires,
    });
  }

  /** Codes to try: `ana`, `off`, `rtl`, `long`, `markup`, and `root` for the administrator's first link. */
  invitation(code) {
    const expires = Date.now() + 150 * HOUR;
    const inviter = INVITERS[code];
    if (this.spent.has(code) || (!inviter && code !== 'root')) return NOT_FOUND;
    if (code === 'root') return ok({ administrator: true, expires });
    return ok({
      administrator: false,
      expires,
      inviter: { user: code, name: inviter.name },
      ...inviter.share(),
    });
  }

  accept(code, body) {
    if (this.invitation(code).status !== 200) return NOT_FOUND;
    if (body.user === 'taken') return refused(409, 'conflict', 'this id is taken', 'user');
    if (body.name !== undefined && /[\u202a-\u202e]/.test(body.name))
      return refused(422, 'bad_field', 'name must be 1 to 64 characters without control characters', 'name');
    this.spent.add(code);
    const friend = code === 'root' ? undefined : code;
    if (body.name === undefined) {
      if (friend) this.befriended(code);
      return ok({ user: this.me().user, friend });
    }
    const token = secret('lht_');
    this.once.add(token);
    this.changes.name = body.name;
    return ok({ user: body.user ?? 'p1', friend, token });
  }

  befriended(code) {
    const name = INVITERS[code]?.name ?? code;
    const friend = { user: code, name, online: true, free: true, near: false };
    this.joined.push(friend);
    this.tell({ type: 'friendship', user: code, state: 'friends', friend });
  }

  view(user) {
    if (!this.mates().some((m) => m.user === user)) return NOT_FOUND;
    const sight = this.sightOf(user);
    const { user: id, name, free, note } = this.me();
    const veiled = sight === 'veiled';
    const friend = { user: id, name, online: !veiled, free: !veiled && free, near: false };
    if (!veiled && note) friend.note = note;
    if (sight === 'exact' || sight === 'approximate') {
      Object.assign(friend, {
        lat: 40.758,
        lon: -73.9855,
        t: Date.now() - 12_000,
        acc: sight === 'exact' ? 9 : 800,
      });
      if (sight === 'approximate') friend.approximate = true;
    }
    return ok({ sight, friend });
  }
}

const INVITERS = {
  ana: {
    name: 'Ana Moreau',
    share: () => ({ sharing: 'approximate', sharing_until: Date.now() + 3 * HOUR }),
  },
  off: { name: 'Ola Nowak', share: () => ({ sharing: 'off' }) },
  rtl: { name: 'נועה לוי', share: () => ({ sharing: 'exact' }) },
  long: { name: 'W'.repeat(64), share: () => ({ sharing: 'exact' }) },
  markup: { name: '<img src=x onerror=alert(1)>', share: () => ({ sharing: 'exact' }) },
};

function auditEntries(limit) {
  const now = Date.now();
  return [
    { t: now - 60_000, actor: 'guest', action: 'token_revoked', subject: 'guest' },
    { t: now - 4_000_000, actor: 'ana', action: 'invite_accepted', subject: 'erased' },
    { t: now - 9_000_000, actor: 'ana', action: 'invite_made' },
    { t: now - 90_000_000, action: 'administrator_made', subject: 'guest' },
  ].slice(0, limit);
}
