// A browser without a browser: opens an authorization address, keeps cookies, submits the issuer's
// own login and consent forms, and stops at the client's redirect, which it prints.
//
//   node headless.mjs [options] ADDRESS [LOGIN]
//   --password=WORD   typed into a password field (any)
//   --code=CODE       typed where a device's code is asked for
//   --deny            says no where consent is asked
//   --deliver         also fetches the redirect, as a browser does: a client listens there
//   --cookies=FILE    keeps the cookies there, from one run to the next
//
// A page that is good and asks for nothing ends it with 0, an error page with 1; its text is printed.
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { nextForm, answer } from './forms.mjs';

const options = new Map();
const words = [];
for (const word of process.argv.slice(2)) {
  const [name, value] = word.startsWith('--') ? word.slice(2).split('=') : [];
  if (name) options.set(name, value ?? true); else words.push(word);
}
const [address, login = 'alice'] = words;
const person = { login, password: options.get('password') ?? 'any', code: options.get('code'), deny: options.has('deny') };
const { origin } = new URL(address);
const jar = options.get('cookies');
const cookies = new Map(jar && existsSync(jar) ? JSON.parse(readFileSync(jar)) : []);
process.on('exit', () => { if (jar) writeFileSync(jar, JSON.stringify([...cookies]), { mode: 0o600 }); });

const open = async ({ url, body }) => {
  const response = await fetch(url, {
    redirect: 'manual', method: body ? 'POST' : 'GET', body,
    headers: { cookie: [...cookies.values()].join('; '), accept: 'text/html', referer: url, ...(body ? { origin } : {}) },
  });
  for (const cookie of response.headers.getSetCookie()) {
    const [pair] = cookie.split(';'), [name] = pair.split('=');
    if (/expires=Thu, 01 Jan 1970|max-age=0/i.test(cookie)) cookies.delete(name); else cookies.set(name, pair);
  }
  return response;
};

const text = (html) => html.replace(/<(style|script)[\s\S]*?<\/\1>/g, '').replace(/<[^>]*>/g, ' ').replace(/\s+/g, ' ').trim();

let next = { url: address };
for (let hop = 0; hop < 30; hop += 1) {
  const response = await open(next);
  const location = response.headers.get('location');
  if (location) {
    next = { url: new URL(location, next.url).href };
    if (new URL(next.url).origin === origin) continue;
    if (options.has('deliver')) {
      const page = await fetch(next.url);
      console.error(`delivered: ${page.status} ${text(await page.text()).slice(0, 200)}`);
    }
    console.log(next.url);
    process.exit(0);
  }
  const html = await response.text();
  const form = response.status < 400 && nextForm(html);
  const said = form && answer(form, html, next.url, person);
  if (!said) {
    console.log(`${response.status} ${text(html).slice(0, 300)}`);
    process.exit(response.status === 200 ? 0 : 1);
  }
  next = said;
}
console.error('too many hops');
process.exit(2);
