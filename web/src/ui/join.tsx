import { type Signal, useSignal } from '@preact/signals';
import { useEffect, useRef } from 'preact/hooks';
import { accept, goIn, ours } from '../model/circle';
import { invited, leaveJoin } from '../model/invited';
import { connection } from '../model/live';
import * as s from '../model/state';
import { ApiError, api } from '../net/api';
import type { Invitation } from '../net/wire';
import { type Both, inSentence, moment, theyWillSee, youWillSee } from '../text/words';
import { Problem, useTask } from './dialog';
import { Logo } from './icons';
import { Avatar } from './person';
import { type Choice, endOfChoice, SharingChoice } from './sharing';

const GONE =
  'This link cannot be used: it was used before, it has expired, or it was withdrawn. Each link works once. Ask for a new one.';

/** How long an invite that could not be read is left before it is asked for again. */
const AGAIN_MS = 3_000;

function words(error: unknown): string {
  if (!(error instanceof ApiError)) return 'That did not work.';
  if (error.status === 404) return GONE;
  if (error.status === 409 || error.field === 'user')
    return error.field === 'user' && error.status !== 409
      ? error.message
      : 'Somebody here has this id already. Choose another one.';
  return error.message;
}

type Known = { user: string; name: string } | null;

/** The page behind an invite's link: who invites, what each side will see and until when, and the choice to accept. */
export function Join() {
  const code = invited.value ?? '';
  const invitation = useSignal<Invitation | null>(null);
  const known = useSignal<Known>(null);
  const anew = useSignal(true);
  const bad = useSignal<string | null>(null);
  const away = useSignal(false);
  const timer = useRef<ReturnType<typeof setTimeout> | undefined>(undefined);
  const read = async () => {
    clearTimeout(timer.current);
    try {
      const [found, me] = await Promise.all([api.invitation(code), whoAmI()]);
      known.value = me;
      anew.value = me === null;
      invitation.value = found;
      bad.value = null;
    } catch (error) {
      away.value = !(error instanceof ApiError) || error.status !== 404;
      bad.value = words(error);
      // a phone that has just found this network, say
      if (away.value) timer.current = setTimeout(() => void read(), AGAIN_MS);
    }
  };
  useEffect(() => {
    const stop = () => clearTimeout(timer.current);
    if (code !== '') void read();
    else
      bad.value =
        'This address is not whole: the part behind # is missing. Open the link again as you got it.';
    return stop;
  }, []);
  return (
    <div class="gate join">
      <div class="gate-card">
        {bad.value !== null ? (
          <Bad text={bad.value} again={away.value ? () => void read() : undefined} />
        ) : invitation.value === null ? (
          <p role="status" class="muted">
            Reading the invite…
          </p>
        ) : (
          <Accept code={code} invitation={invitation.value} known={known} anew={anew} />
        )}
      </div>
    </div>
  );
}

/** Who is signed in in this browser. Never signs in as the guest of an open node: whoever opens a link is new. */
async function whoAmI(): Promise<Known> {
  const { user } = await api.session();
  return user === null ? null : await api.me();
}

function out() {
  leaveJoin();
  connection.retry();
}

function Bad({ text, again }: { text: string; again?: () => void }) {
  return (
    <>
      <Logo />
      <h1>This invite does not open</h1>
      <Problem text={text} />
      {again && (
        <button type="button" class="button primary grow" onClick={again}>
          Try again
        </button>
      )}
      <button type="button" class="button grow" onClick={out}>
        Go to LetsHang
      </button>
    </>
  );
}

function Accept({
  code,
  invitation,
  known,
  anew,
}: {
  code: string;
  invitation: Invitation;
  known: Signal<Known>;
  anew: Signal<boolean>;
}) {
  const name = useSignal('');
  const id = useSignal('');
  const choice = useSignal<Choice>({ precision: 'exact', length: 'open' });
  const { busy, problem, run } = useTask();
  /** Accepted, but not signed in yet: only the sign-in is tried again. Lives as long as this page and nowhere else. */
  const token = useSignal<string | null>(null);
  const now = s.now.value;
  const inviter = invitation.inviter;
  const ana = inviter?.name ?? '';
  const end = endOfChoice(choice.value, undefined, now);
  const both: Both = {
    mine: choice.value.precision,
    mineUntil: choice.value.precision === 'off' ? undefined : end,
    theirs: invitation.sharing ?? 'exact',
    theirsUntil: ours(invitation.sharing_until),
  };
  const isOwn = !anew.value && known.value !== null && known.value.user === inviter?.user;

  const submit = (event: Event) => {
    event.preventDefault();
    void run(
      async () => {
        if (token.value === null) {
          if (anew.value && name.value.trim() === '') throw new ApiError(0, 'Say who you are: a name first.');
          const body = {
            ...(anew.value ? { name: name.value.trim(), user: id.value.trim() || undefined } : {}),
            ...(inviter ? { sharing: both.mine, until: both.mineUntil } : {}),
          };
          const joined = await accept(code, body, anew.value);
          if (joined.token === undefined) {
            await goIn();
            return;
          }
          token.value = joined.token;
        }
        await goIn(token.value);
        token.value = null;
      },
      token.value === null ? words : undefined,
    );
  };

  return (
    <form onSubmit={submit} aria-labelledby="join-title" class="join-form">
      {inviter ? (
        <>
          <div class="join-who">
            <Avatar id={inviter.user} name={inviter.name} big />
            <Logo />
          </div>
          <h1 id="join-title">
            <bdi>{inviter.name}</bdi> invites you to LetsHang
          </h1>
          <p class="muted">
            Friends here see which of them are free and near, now. This link works once, until{' '}
            {moment(ours(invitation.expires) ?? 0, now)}.
          </p>
        </>
      ) : (
        <>
          <Logo />
          <h1 id="join-title">Set up LetsHang</h1>
          <p class="muted">
            {invitation.administrator
              ? 'This makes you the administrator: you see everyone’s positions on the map, all counts and the audit log. The link works once.'
              : 'This link makes you an account here. It works once.'}
          </p>
        </>
      )}
      {!anew.value && known.value && (
        <p class="join-as">
          <Avatar id={known.value.user} name={known.value.name} />
          <span>
            You are signed in as <strong class="name">{known.value.name}</strong>
          </span>
        </p>
      )}
      {anew.value && (
        <>
          <label class="field labelled">
            <span>Your name, as friends read it</span>
            <input
              type="text"
              name="name"
              maxLength={64}
              required
              autocomplete="nickname"
              value={name.value}
              onInput={(e) => {
                name.value = e.currentTarget.value;
              }}
            />
          </label>
          <details class="more">
            <summary>Choose an id too</summary>
            <label class="field labelled">
              <span>Id, for programs: letters, digits, - and _</span>
              <input
                type="text"
                name="user"
                maxLength={64}
                pattern="[A-Za-z0-9_\-]+"
                autocomplete="off"
                autocapitalize="off"
                spellcheck={false}
                value={id.value}
                onInput={(e) => {
                  id.value = e.currentTarget.value;
                }}
              />
            </label>
            <p class="hint tight">
              Left empty, it is made from your name. One that is taken gets a number behind it. It cannot be
              changed later.
            </p>
          </details>
        </>
      )}
      {inviter && !isOwn && (
        <>
          <SharingChoice
            id="join"
            legend={`You share with ${inSentence(ana)}`}
            nothing="Nothing yet"
            value={choice.value}
            now={now}
            onChange={(value) => {
              choice.value = value;
            }}
          />
          <div class="agreement" aria-live="polite">
            <p>{theyWillSee(ana, both, now)}</p>
            <p>{youWillSee(ana, both, now)}</p>
            <p class="muted">Either of you can change that at any time, or end it.</p>
          </div>
        </>
      )}
      {isOwn && <Problem text="This is your own invite: send it to somebody else." />}
      <Problem text={problem.value} />
      {isOwn ? (
        <button type="button" class="button primary grow" onClick={out}>
          Go to LetsHang
        </button>
      ) : (
        <button type="submit" class="button primary grow" disabled={busy.value}>
          {token.value !== null
            ? 'Try to sign in again'
            : busy.value
              ? 'One moment…'
              : inviter
                ? anew.value
                  ? 'Join and be friends'
                  : 'Be friends'
                : 'Join as administrator'}
        </button>
      )}
      {token.value === null && (
        <p class="join-other">
          {known.value && (
            <button
              type="button"
              class="link"
              onClick={() => {
                anew.value = !anew.value;
              }}
            >
              {anew.value ? 'Accept with the account signed in here' : 'Join as somebody new instead'}
            </button>
          )}
          {known.value === null && <HaveToken known={known} anew={anew} />}
        </p>
      )}
    </form>
  );
}

/** For somebody with an account who is not signed in in this browser. */
function HaveToken({ known, anew }: { known: Signal<Known>; anew: Signal<boolean> }) {
  const open = useSignal(false);
  const token = useSignal('');
  const { busy, problem, run } = useTask();
  if (!open.value)
    return (
      <button
        type="button"
        class="link"
        onClick={() => {
          open.value = true;
        }}
      >
        I have an account here already
      </button>
    );
  const enter = () =>
    void run(
      async () => {
        await api.signIn(token.value.trim());
        token.value = '';
        known.value = await whoAmI();
        anew.value = known.value === null;
      },
      (error) =>
        error instanceof ApiError && (error.status === 401 || error.status === 403)
          ? 'The server does not know this token, or it was revoked.'
          : words(error),
    );
  return (
    <span class="have-token">
      <label class="field labelled">
        <span>Your token</span>
        <input
          type="password"
          autocomplete="current-password"
          spellcheck={false}
          value={token.value}
          onInput={(e) => {
            token.value = e.currentTarget.value;
          }}
          onKeyDown={(e) => {
            if (e.key !== 'Enter') return;
            e.preventDefault();
            enter();
          }}
        />
      </label>
      <button type="button" class="button" disabled={busy.value || token.value.trim() === ''} onClick={enter}>
        Sign in
      </button>
      <Problem text={problem.value} />
    </span>
  );
}
