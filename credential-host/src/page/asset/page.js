// What the gateway says, shown. Texts go into text nodes only.
'use strict';

const $ = (id) => document.getElementById(id);
const csrf = document.querySelector('meta[name=csrf]').content;

const STATES = {
  active: ['Active', 'good'],
  expiring: ['Ends soon', 'soon'],
  refreshing: ['Renewing', 'busy'],
  pending: ['Waiting', 'busy'],
  backing_off: ['Source fails', 'soon'],
  expired: ['Expired', 'soon'],
  idle: ['Idle', 'idle'],
  needs_reauth: ['Sign in again', 'bad'],
  sign_in: ['Sign in', 'bad'],
  unset: ['Not set', 'bad'],
  revoked: ['Revoked', 'idle'],
  unconfigured: ['Not held', 'idle'],
};
const ORDER = ['needs_reauth', 'sign_in', 'unset', 'backing_off', 'expired', 'expiring', 'refreshing', 'pending', 'active', 'idle', 'unconfigured', 'revoked'];
const SERVED = ['active', 'expiring', 'refreshing'];

const make = (tag, has = {}, ...children) => {
  const node = document.createElement(tag);
  for (const [name, value] of Object.entries(has)) {
    if (value === undefined || value === null || value === false) continue;
    if (typeof value === 'function') node.addEventListener(name, value);
    else node.setAttribute(name, value === true ? '' : value);
  }
  node.append(...children.filter((child) => child !== undefined && child !== null && child !== ''));
  return node;
};
const words = (name) => name.replaceAll('_', ' ');
const named = (row) => {
  const slash = row.credential.indexOf('/');
  const credential = { provider: row.credential.slice(0, slash), id: row.credential.slice(slash + 1) };
  return { credential, session: row.session ?? undefined, variant: row.variant ?? undefined };
};

// ---- asking

class Refused extends Error {
  constructor(refusal) { super(refusal.message); this.refusal = refusal; }
}

const ask = async (operation) => {
  const response = await fetch('/operation', {
    method: 'POST', credentials: 'same-origin',
    headers: { 'content-type': 'application/json', 'x-csrf-token': csrf },
    body: JSON.stringify(operation),
  });
  if (response.status === 401) { location.reload(); }
  if (!response.headers.get('content-type').startsWith('application/json')) throw new Error(await response.text());
  const reply = await response.json();
  if (reply.refused) throw new Refused(reply.refused);
  return reply.done;
};

const alert = (text) => { $('alert').textContent = text; $('alert').hidden = !text; };
const told = (error) => (error.refusal ? `${error.message}. ${error.refusal.nextStep}` : error.message);
const attempt = async (work) => {
  try { alert(''); return await work(); } catch (error) { alert(told(error)); return undefined; }
};

// ---- what is known

let known = { providers: [], credentials: [], entries: [] };
let stale = { list: true, status: true };
let asking = false;
const before = new Map();

const look = async () => {
  if (asking) return;
  asking = true;
  try {
    while (stale.list || stale.status) {
      const list = stale.list;
      stale = { list: false, status: false };
      if (list) {
        const [providers, listed] = await Promise.all([ask({ op: 'providers' }), ask({ op: 'list', provider: null })]);
        known.providers = providers.providers;
        known.credentials = listed.credentials;
      }
      const status = await ask({ op: 'status' });
      known.entries = status.entries;
      draw();
      if (status.problem) alert(`${status.problem.message}. ${status.problem.nextStep}`);
    }
  } catch (error) {
    if ($('live').dataset.is === 'live') alert(told(error));
  } finally {
    asking = false;
    $('providers').removeAttribute('aria-busy');
  }
};

let soon;
const lookSoon = (list = false) => {
  stale = { list: stale.list || list, status: true };
  clearTimeout(soon);
  soon = setTimeout(look, 120);
};

// ---- drawing

const span = (left) => {
  const seconds = Math.max(0, Math.floor(left / 1000));
  const two = (n) => String(n).padStart(2, '0');
  if (seconds < 60) return `${seconds} s`;
  if (seconds < 3600) return `${Math.floor(seconds / 60)} min ${two(seconds % 60)} s`;
  if (seconds < 86400) return `${Math.floor(seconds / 3600)} h ${two(Math.floor((seconds % 3600) / 60))} min`;
  return `${Math.floor(seconds / 86400)} d ${Math.floor((seconds % 86400) / 3600)} h`;
};

const countDown = () => {
  for (const node of document.querySelectorAll('.ends[data-until]')) {
    const left = Number(node.dataset.until) - Date.now();
    // A key without an end of its own is looked up again after a while.
    const again = node.hasAttribute('data-again');
    node.textContent = left <= 0 ? (again ? 'read again when asked' : 'ended') : again ? `read again in ${span(left)}` : `${span(left)} left`;
    node.toggleAttribute('data-soon', !again && left < 60000);
  }
};

const pill = (state, count) => {
  const [label, tone] = STATES[state] ?? [words(state), 'idle'];
  return make(count === undefined ? 'span' : 'li', { class: 'pill', 'data-tone': tone }, count === undefined ? label : `${count} ${label.toLowerCase()}`);
};

// `pending` is two things: a call under way, and a person who never signed in. What has expired without a
// failure is renewed by whoever asks next.
const viewOf = (of, provider) => {
  if (of.state === 'expired' && !of.error) return 'idle';
  if (of.state !== 'pending' || of.error?.class !== 'sign_in') return of.state;
  return provider.signIn.includes('fields') ? 'unset' : 'sign_in';
};

const LATER = { idle: 'renewed when asked', unconfigured: 'asked for when needed' };
const keyOf = (row) => `${row.credential} ${row.session ?? ''} ${row.variant ?? ''}`;

const rowsOf = (provider) => {
  const of = (list) => list.filter((line) => line.credential.startsWith(`${provider.id}/`));
  const entries = of(known.entries);
  const own = entries.filter((entry) => !entry.session);
  // A person's credential is asked for in that person's session, not here.
  const rest = of(known.credentials)
    .filter((line) => line.scope === 'gateway' && !line.credential.includes('*'))
    .filter((line) => !own.some((entry) => entry.credential === line.credential))
    .map((line) => ({ credential: line.credential, state: 'unconfigured' }));
  const described = new Map(known.credentials.map((line) => [line.credential, line]));
  return [...entries, ...rest]
    .map((row) => ({ ...row, line: described.get(row.credential) }))
    .sort((a, b) => keyOf(a).localeCompare(keyOf(b)));
};

const row = (provider, of) => {
  const id = of.credential.slice(provider.id.length + 1);
  const more = [of.line?.description, of.account && `as ${of.account}`, of.session && `session ${of.session}`, of.variant && `for ${of.variant}`];
  const canSignIn = provider.signIn.length > 0;
  const view = viewOf(of, provider), out = !SERVED.includes(of.state);
  const wanted = ['needs_reauth', 'sign_in', 'unset'].includes(view);
  const button = (label, has, work) =>
    make('button', { type: 'button', 'data-key': `${label} ${keyOf(of)}`, 'aria-label': `${label}: ${of.credential}`, click: work, ...has }, label);
  const buttons = [];
  if (canSignIn && out) buttons.push(button(provider.signIn.includes('fields') ? 'Set' : 'Sign in', { class: 'first' }, () => signIn(of)));
  if (of.state !== 'revoked' && !(canSignIn && wanted)) buttons.push(button(SERVED.includes(of.state) ? 'Renew' : 'Ask now', {}, () => renew(of)));
  if (SERVED.includes(of.state)) {
    // What a person typed is typed again; a login is ended.
    if (provider.signIn.includes('fields')) buttons.push(button('Change', { class: 'bare' }, () => signIn(of)));
    else if (canSignIn) buttons.push(button('Sign out', { class: 'bare' }, () => takeBack(of, 'logout')));
    buttons.push(button('Revoke', { class: 'bare danger' }, () => takeBack(of, 'revoke')));
  }
  const mark = `${of.state} ${of.revision ?? ''}`, last = before.get(keyOf(of));
  before.set(keyOf(of), mark);
  return make('li', { class: last !== undefined && last !== mark ? 'row fresh' : 'row', 'data-credential': of.credential, 'data-state': of.state, 'data-revision': of.revision },
    make('div', {}, make('div', { class: 'name' }, id), make('div', { class: 'quiet' }, more.filter(Boolean).join(' · '))),
    make('div', {}, pill(view)),
    of.until && SERVED.includes(of.state) ? make('div', { class: 'ends', 'data-until': of.until, 'data-again': ['api_key', 'user_value'].includes(of.line?.kind), title: new Date(of.until).toLocaleString() }) : make('div', { class: 'ends' }, SERVED.includes(of.state) ? 'until changed' : LATER[view] ?? ''),
    make('div', { class: 'buttons' }, ...buttons),
    of.error && out && !['sign_in', 'unset', 'revoked'].includes(view)
      ? make('p', { class: 'problem' }, make('b', {}, of.error.nextStep), ` ${of.error.message.replace(of.error.nextStep, '')}`) : undefined,
  );
};

const draw = () => {
  const focus = document.activeElement?.dataset?.key;
  const sums = new Map();
  const cards = known.providers.map((provider) => {
    const rows = rowsOf(provider);
    for (const view of rows.map((of) => viewOf(of, provider))) sums.set(view, (sums.get(view) ?? 0) + 1);
    const session = known.credentials.some((line) => line.scope === 'session' && line.credential.startsWith(`${provider.id}/`));
    const empty = session ? 'Each person signs in to their own, where they need it.' : 'It names no credentials ahead: they show here once they are asked for.';
    return make('section', { class: 'card provider', 'data-provider': provider.id },
      make('header', {}, make('h2', {}, provider.name || provider.id), make('span', { class: 'quiet' }, [provider.id, provider.kind].filter(Boolean).join(' · ')),
        provider.state === 'failed' ? make('span', { class: 'pill', 'data-tone': 'bad' }, 'Not in service') : undefined),
      provider.problem ? make('p', { class: 'problem' }, provider.problem) : undefined,
      make('ul', { class: 'rows' }, ...(rows.length ? rows.map((of) => row(provider, of)) : provider.state === 'failed' ? [] : [make('li', { class: 'row quiet' }, empty)])));
  });
  if (!cards.length) cards.push(make('p', { class: 'card row quiet' }, 'No provider is configured: name one under credentialProviders.'));
  $('providers').replaceChildren(...cards);
  $('sums').replaceChildren(...ORDER.filter((state) => sums.has(state)).map((state) => pill(state, sums.get(state))));
  countDown();
  if (focus) [...document.querySelectorAll('[data-key]')].find((node) => node.dataset.key === focus)?.focus();
};

// ---- doing

const renew = (of) => attempt(async () => { await ask({ op: 'refresh', of: named(of) }).finally(() => lookSoon()); });

let closed = () => {};
const dialog = (title, body, buttons, submit) => {
  $('dialog-title').textContent = title;
  $('dialog-body').replaceChildren(...body);
  $('dialog-buttons').replaceChildren(...buttons);
  $('dialog-form').onsubmit = (event) => { event.preventDefault(); submit?.(); };
  if (!$('dialog').open) $('dialog').showModal();
};
const close = () => { if ($('dialog').open) $('dialog').close(); };
$('dialog').addEventListener('close', () => {
  // What was typed goes with it.
  $('dialog-body').replaceChildren();
  $('dialog-buttons').replaceChildren();
  const done = closed;
  closed = () => {};
  done();
});
const press = (label, kind, work) => make('button', { type: 'button', class: kind, click: work }, label);
const text = (line, kind) => make('p', { class: kind }, line);

const takeBack = (of, op) => {
  const revoke = op === 'revoke';
  const what = revoke
    ? 'It is served to nobody from now on, and taken back at its source where that is possible. Programs that hold it already may keep it until it ends.'
    : 'Its login is removed here. Somebody has to sign in again before it is served.';
  dialog(revoke ? `Revoke ${of.credential}?` : `Sign out of ${of.credential}?`, [text(what)], [
    press('Keep it', '', close),
    press(revoke ? 'Revoke' : 'Sign out', 'first danger', () => { close(); attempt(() => ask({ op, of: named(of) }).finally(() => lookSoon())); }),
  ]);
};

const wait = (millis) => new Promise((done) => { setTimeout(done, millis); });

const signIn = (of, method) => attempt(async () => {
  let open = true, over = false;
  let flow = await ask({ op: 'login', of: named(of), method });
  const name = flow.flow;
  const ways = known.providers.find((provider) => of.credential.startsWith(`${provider.id}/`)).signIn;
  const hand = async (typed) => {
    try { flow = await ask({ op: 'answer', flow: name, typed }); show(); } catch (error) {
      // One that can be tried again stays open; the poll says if it is over.
      flow = await ask({ op: 'flow', flow: name }).catch(() => ({ standing: { failed: error.refusal ?? { message: error.message, nextStep: '' } } }));
      show(told(error));
    }
  };
  const cancel = press('Cancel', '', close);
  const title = `Sign in to ${of.credential}`;
  const show = (problem) => {
    if (!open) return;
    const { step, working, done, failed } = flow.standing, wrong = problem ? [text(problem, 'problem')] : [];
    if (done) { over = true; close(); lookSoon(); return; }
    if (failed) {
      over = true;
      dialog(title, [text('The sign-in did not work.'), text(`${failed.message}. ${failed.nextStep}`, 'problem')], [press('Close', '', close), press('Start again', 'first', () => { close(); signIn(of, method); })]);
      return;
    }
    if (working || !step) { dialog(title, [text('Working on it…', 'quiet'), ...wrong], [cancel]); return; }
    if (step.is === 'openUrl') {
      const other = method !== 'device_code' && ways.includes('device_code')
        ? [press('Use a code on another device', 'bare', async () => { close(); await wait(100); signIn(of, 'device_code'); })] : [];
      dialog(title, [text('The sign-in page opens in a new tab. Come back here when you are done.'), ...wrong],
        [...other, cancel, make('a', { class: 'button first', href: safe(step.url), target: '_blank', rel: 'noopener noreferrer', id: 'open-sign-in' }, 'Open the sign-in page')]);
    } else if (step.is === 'showCode') {
      dialog(title, [text('Open this address on any device and enter the code:'), make('a', { href: safe(step.url), target: '_blank', rel: 'noopener noreferrer' }, step.url), make('p', { class: 'code' }, step.code), ...wrong], [cancel]);
    } else if (step.is === 'confirmAccount') {
      dialog('Another account signed in', [text(`Expected was ${step.expected}. Signed in has ${step.found}.`), ...wrong],
        [press(`Stay with ${step.expected}`, '', () => hand('decline').then(close)), press(`Use ${step.found}`, 'first', () => hand('confirm'))]);
    } else if (step.is === 'askFields') {
      const inputs = step.fields.map((field) => make('input', { name: field.name, type: field.display === 'plain' ? 'text' : 'password', autocomplete: 'off', spellcheck: 'false', required: true }));
      const labels = step.fields.map((field, at) => make('label', {}, field.label || field.name, inputs[at]));
      dialog(`Set ${of.credential}`, [...labels, text('It goes to the provider that keeps it, and is not shown again.', 'quiet'), ...wrong],
        [cancel, make('button', { type: 'submit', class: 'first' }, 'Save')],
        () => {
          const fields = Object.fromEntries(inputs.map((input) => [input.name, input.value]));
          for (const input of inputs) input.value = '';
          hand({ fields });
        });
      inputs[0]?.focus();
    }
  };
  closed = () => {
    open = false;
    if (!over) ask({ op: 'cancel', flow: name }).catch(() => {});
    lookSoon();
  };
  show();
  while (open && !over) {
    const { step, working } = flow.standing, every = step?.pollEvery ?? working?.pollAfter;
    try {
      if (every) { await wait(every); if (open) flow = await ask({ op: 'answer', flow: name, typed: 'poll' }); }
      else {
        const now = await ask({ op: 'flow', flow: name });
        // A form somebody types into stays as it is.
        if (JSON.stringify(now.standing) === JSON.stringify(flow.standing)) continue;
        flow = now;
      }
      show();
    } catch (error) {
      if (error.refusal?.class === 'retry') { await wait(every ?? 1000); continue; }
      // It ended between two questions: the status says how.
      over = true; close(); lookSoon();
    }
  }
});

// A provider's address, and nothing that a browser would run.
const safe = (address) => (/^https?:[/][/]/.test(address) ? address : '#');

// ---- what happens

const MOST_EVENTS = 60;
const CAUSES = {
  invalidated: 'changed outside', parent_ended: 'what it was derived from ended', provider_changed: 'its provider has changed',
  rejected: 'its service rejected it', session_ended: 'its session ended', signed_in: 'somebody signed in', signed_out: 'somebody signed out',
};
// What passes by itself is on the left, and is not told.
const telling = (event) => {
  const { to, from, error } = event;
  switch (event.what) {
    case 'state':
      if (['pending', 'refreshing', 'expiring', 'unconfigured'].includes(to) || (to === 'expired' && !error)) return undefined;
      // A new revision is told of by itself; the same one again is no news.
      if (to === 'active' && from !== 'backing_off' && event.cause !== 'signed_in') return undefined;
      return [`is ${words(to)}`, [CAUSES[event.cause], error && error.code !== to && words(error.code)].filter(Boolean).join(': ')];
    case 'renewed': return ['has a new revision'];
    case 'provider': return [`is ${words(to)}`];
    case 'access': return ['The access rules have changed'];
    case 'health': return [`is ${to}`, 'a check'];
    default: return undefined;
  }
};
const happened = (event) => {
  lookSoon(['provider', 'access'].includes(event.what));
  const told = telling(event);
  if (!told) return;
  const [line, why] = told;
  const time = new Date(event.at).toLocaleTimeString([], { hour: '2-digit', minute: '2-digit', second: '2-digit', hour12: false });
  $('events').prepend(make('li', {}, make('time', {}, time), event.about ? make('span', { class: 'about' }, event.about) : '', event.about ? ` ${line}` : line, why ? make('span', { class: 'quiet' }, why) : ''));
  while ($('events').children.length > MOST_EVENTS) $('events').lastChild.remove();
  $('silence').hidden = true;
};

const live = (is, line) => { $('live').dataset.is = is; $('live').textContent = line; };
const events = new EventSource('/events');
events.addEventListener('ready', () => { live('live', 'live'); alert(''); lookSoon(true); });
events.addEventListener('happened', (message) => happened(JSON.parse(message.data)));
events.addEventListener('missed', () => lookSoon(true));
events.addEventListener('error', () => {
  const gone = events.readyState === EventSource.CLOSED;
  live('gone', gone ? 'disconnected' : 'reconnecting');
  if (gone) alert('The gateway does not let this page in any more. Have it print a new address: kill -USR1 and its process id.');
});

setInterval(countDown, 1000);
ask({ op: 'hello' }).then(({ version, configuration, process }) => { $('where').textContent = `${configuration} · process ${process} · version ${version}`; }).catch(() => {});
